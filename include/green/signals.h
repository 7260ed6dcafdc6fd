/* Signals as something to wait for, by signalfd(2). */
#ifndef GREEN_SIGNALS_H
#define GREEN_SIGNALS_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_signals green_signals;

/* Begins to collect the given signals instead of letting them act. They are
 * blocked for the calling OS thread: open it in main, before other OS threads
 * start, so that those inherit it. A signal that several collect is told to one of
 * them. -EINVAL: one cannot be caught. */
GREEN_API GREEN_CHECK int green_signals_open(green_signals **signals, const int *numbers, size_t count);

/* Waits for the next of them and returns its number. Blocks. */
GREEN_API GREEN_CHECK int green_signals_next(green_signals *signals, int64_t timeout);

/* Ends the collection; the signals that nobody else collects act again as before. One
 * of them that has come and was not asked for acts now, which may end the process. */
GREEN_API void green_signals_close(green_signals *GREEN_NULLABLE signals);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
