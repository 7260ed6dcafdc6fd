/* Select: one wait for the first of several things.
 *
 *     struct job job;
 *     green_case cases[] = {
 *         green_case_get(jobs, &job),
 *         green_case_event(stop),
 *         green_case_after(5 * GREEN_SECOND),
 *     };
 *     switch (green_select(cases, 3, GREEN_FOREVER)) {
 *     case 0: return cases[0].error < 0 ? cases[0].error : work(&job);
 *     case 1: return 0;
 *     case 2: return report_idle();
 *     default: ...an interrupt
 *     }
 *
 * Exactly one case is served, as if by the plain call of the object. The others take nothing and
 * leave nothing behind. A case waits in line with plain calls, in order of arrival, and is handed
 * what it waits for.
 *
 * A case is ready when the plain call would not wait: because it would succeed, or because it
 * would fail at once. So a closed queue, or an object of another OS thread, serves its case with
 * an error in the case, and does not fail the select. If several cases are ready, one of them is
 * served at random, each with the same probability if there are at most 64 cases.
 *
 * Cases are in memory of the caller. An array of cases may be used again, for one call at a time.
 * The same object may be in several cases. A case whose object is NULL is absent: it is never
 * ready, so a loop can switch cases off.
 *
 * Eventlet has no counterpart; the Go language has the select statement. */
#ifndef GREEN_SELECT_H
#define GREEN_SELECT_H

#include <green/channel.h>
#include <green/event.h>
#include <green/queue.h>
#include <green/semaphore.h>
#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_case_kind green_case_kind;

/* One case. Make it by one of the functions below. All zero: an absent case. */
typedef struct green_case {
    /* Private to Green. */
    const green_case_kind *GREEN_NULLABLE kind;
    void *GREEN_NULLABLE object;
    void *GREEN_NULLABLE element;
    int64_t argument;

    /* Results of a case that was served. green_explain() has a message for the error. */
    int error;                  /* 0, or the negated errno with which the plain call would have failed */
    int result;                 /* of a thread; the ready events of a descriptor */
    void *GREEN_NULLABLE value; /* of an event */
} green_case;

/* Waits for the first of several cases. Blocks unless one is ready.
 *
 * Returns the index of the case that was served, whose error says how, or:
 *   -ETIMEDOUT    no case was ready within timeout nanoseconds (0 polls)
 *   -EINVAL       no case is present, and timeout is negative: the call would never end
 *   -ENOMEM       no memory to wait for more than 8 cases, or for a timer
 *   -EWOULDBLOCK  it would have to wait, in a link or a destructor
 *   -ECANCELED, -ETIME   the caller was interrupted; no case was served
 *
 * A call with up to 8 cases allocates no memory, except the first calls of the context of an OS thread
 * that wait for channels. On an OS thread without a hub, it makes one. */
GREEN_API GREEN_CHECK ssize_t green_select(green_case *cases, size_t count, int64_t timeout);

/* Gets an element from a queue: see green_queue_get(). element is uninitialized memory, which is
 * used until the select has returned, and holds an element only if the case was served without an
 * error. */
GREEN_API green_case green_case_get(green_queue *GREEN_NULLABLE queue, void *element);

/* Puts an element into a queue: see green_queue_put(). The element was moved if the case was
 * served without an error; otherwise the caller keeps it. */
GREEN_API green_case green_case_put(green_queue *GREEN_NULLABLE queue, void *element);

/* Waits until an event is sent: see green_event_wait(). The value is in the field value; if an
 * error was sent, it is in the field error. */
GREEN_API green_case green_case_event(green_event *GREEN_NULLABLE event);

/* Acquires a permit: see green_semaphore_acquire(). */
GREEN_API green_case green_case_acquire(green_semaphore *GREEN_NULLABLE semaphore);

/* Receives an element from a channel, or sends one: see green_channel_receive() and
 * green_channel_send(). Any number of selects on any OS threads may use the same channels. */
GREEN_API green_case green_case_receive(green_channel *GREEN_NULLABLE channel, void *element);
GREEN_API green_case green_case_send(green_channel *GREEN_NULLABLE channel, void *element);

/* Waits until a thread has finished: see green_thread_wait(). Its result is in the field result.
 * The error is -EDEADLK if the thread is the caller. */
GREEN_API green_case green_case_thread(green_thread *GREEN_NULLABLE thread);

/* Waits until a descriptor is ready for one of events (poll(2) flags): see green_wait_fd(). The
 * ready events are in the field result. fd must remain open during the call. Negative: absent. */
GREEN_API green_case green_case_fd(int fd, short events);

/* Is ready at a time of green_now(). Negative: absent. */
GREEN_API green_case green_case_deadline(int64_t time);

/* Is ready nanoseconds after this call, also if the case is used several times. Negative: absent. */
GREEN_API green_case green_case_after(int64_t nanoseconds);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
