/* Waiting for signals, by signalfd(2). */
#ifndef GREEN_SIGNALS_H
#define GREEN_SIGNALS_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_signals green_signals;

/* Starts to collect the given signals, which then no longer take their normal action.
 * Blocks them for the calling OS thread. Call it in main(), before other OS threads start,
 * so that they inherit the signal mask. If several green_signals collect the same signal,
 * each signal goes to one of them. Stores a handle that the caller owns. Does not block.
 * -EINVAL: a signal cannot be caught. */
GREEN_API GREEN_CHECK int green_signals_open(green_signals **signals, const int *numbers, size_t count);

/* Waits at most timeout nanoseconds for one of the signals, and returns its number (> 0).
 * Returns at once if one has arrived since green_signals_open(). If several threads wait,
 * each signal goes to one of them. Blocks.
 *
 * Errors:
 *   -ETIMEDOUT           no signal arrived within the timeout
 *   -ECANCELED, -ETIME   the call was interrupted; no signal is lost
 *   -EWOULDBLOCK         called in a link or a destructor
 *   -ENOMEM              no memory for a timer */
GREEN_API GREEN_CHECK int green_signals_next(green_signals *signals, int64_t timeout);

/* Stops collecting and frees the handle. Signals that no other green_signals collects
 * take their normal action again. That includes signals that have arrived but were not
 * received by green_signals_next(), so this call may end the process. On another OS thread,
 * this takes effect soon after the call, on the hub of the OS thread that collects them; if
 * that hub has ended, they stay blocked there. */
GREEN_API void green_signals_free(green_signals *GREEN_NULLABLE signals);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
