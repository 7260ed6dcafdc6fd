/* Events: one value, or one error, that any number of green threads wait for.
 *
 * From Eventlet's event.Event, except that a wait which is over before the event is
 * sent says so instead of returning nothing. An event belongs to the OS thread that
 * first uses it. */
#ifndef GREEN_EVENT_H
#define GREEN_EVENT_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_event green_event;

/* A new event that nobody has sent. -ENOMEM. */
GREEN_API GREEN_CHECK int green_event_make(green_event **event);

/* Frees it. Whoever still waits gets -EBADF. */
GREEN_API void green_event_free(green_event *GREEN_NULLABLE event);

/* Sends the value, which stays its sender's, to everybody who waits now or
 * later. They run in the order they came. Does not block.
 * -EALREADY: it has been sent; reset it first. */
GREEN_API GREEN_CHECK int green_event_send(green_event *event, void *GREEN_NULLABLE value);

/* Sends an error, a negated errno, in place of a value. -EINVAL: it is not
 * negative. */
GREEN_API GREEN_CHECK int green_event_fail(green_event *event, int error);

/* Blocks until the event is sent; at once when it has been. 0: *value is set.
 * Otherwise the error that was sent, or that of this call: -ETIMEDOUT: not
 * within timeout nanoseconds (0 asks without blocking). */
GREEN_API GREEN_CHECK int green_event_wait(green_event *event, void **value, int64_t timeout);

/* Whether a value or an error has been sent. */
GREEN_API bool green_event_is_sent(const green_event *event);

/* The error that was sent; 0 when there was none. */
GREEN_API int green_event_error(const green_event *event);

/* Green threads that wait for it. */
GREEN_API size_t green_event_waiting(const green_event *event);

/* Takes what was sent back, so that the event can be sent again. Those who were
 * waiting keep what they were given. Nothing on an event that was not sent. */
GREEN_API void green_event_reset(green_event *event);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
