/* Events: a value or an error that is sent once, to any number of green threads.
 *
 * Corresponds to Eventlet's event.Event, except that a wait which ends before the
 * event is sent returns an error instead of nothing. An event belongs to the OS
 * thread that first uses it; calls on other OS threads return -EXDEV. */
#ifndef GREEN_EVENT_H
#define GREEN_EVENT_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_event green_event;

/* Creates an event that is not sent. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_event_make(green_event **event);

/* Frees the event. Threads that wait for it get -EBADF. On another OS thread than that of
 * the event, this takes effect soon after the call, on its hub. */
GREEN_API void green_event_free(green_event *GREEN_NULLABLE event);

/* Sends a value to all threads that wait for the event, in order of arrival, and to
 * all that wait later. The sender keeps ownership of what value points to. Does not
 * block. Returns 0, or -EALREADY if the event is sent; reset it first. */
GREEN_API GREEN_CHECK int green_event_send(green_event *event, void *GREEN_NULLABLE value);

/* Sends an error, a negated errno, instead of a value. Returns as
 * green_event_send() does, or -EINVAL if error is not negative. */
GREEN_API GREEN_CHECK int green_event_fail(green_event *event, int error);

/* Blocks until the event is sent. Returns at once if it is sent already.
 *
 * Returns 0 and sets *value if a value was sent, the error if an error was sent, or:
 *   -ETIMEDOUT   the event was not sent within timeout nanoseconds (0 polls)
 *   -EBADF       the event was freed
 *   -ECANCELED, -ETIME   the caller was interrupted */
GREEN_API GREEN_CHECK int green_event_wait(green_event *event, void **value, int64_t timeout);

/* Whether a value or an error was sent. */
GREEN_API bool green_event_is_sent(const green_event *event);

/* The error that was sent, or 0. */
GREEN_API int green_event_error(const green_event *event);

/* The number of green threads that wait for the event. */
GREEN_API size_t green_event_waiting(const green_event *event);

/* Makes the event unsent, so that it can be sent again. Threads that were woken
 * keep the value they were sent. Does nothing if the event is not sent. */
GREEN_API void green_event_reset(green_event *event);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
