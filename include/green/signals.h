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

/* Blocks until one of the signals arrives, for timeout nanoseconds at most, and returns
 * its number (> 0). Returns at once if one has arrived since green_signals_open(). If
 * several threads wait, each signal goes to one of them.
 * -ETIMEDOUT: no signal arrived within the timeout. -ECANCELED, -ETIME: interrupted; no
 * signal is lost. -EWOULDBLOCK: called in a link or a destructor. -ENOMEM: no memory
 * for a timer. */
GREEN_API GREEN_CHECK int green_signals_next(green_signals *signals, int64_t timeout);

/* Ends the collection; the signals that nobody else collects act again as before. One
 * of them that has come and was not asked for acts now, which may end the process. */
GREEN_API void green_signals_free(green_signals *GREEN_NULLABLE signals);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
