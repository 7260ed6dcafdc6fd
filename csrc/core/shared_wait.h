/* Waits that any OS thread may end.
 *
 * The waiter is a green thread, which parks, or an OS thread without a hub, which blocks. Or
 * no thread waits, and the end calls a function: see async_wait.h. The record of a thread is on
 * its stack. It is in a list of the object that it waits for. The object has a lock that guards
 * the list. A wait is ended by one of two parties, the one that removes it from the list:
 *
 *   the thread that serves it   takes it, stores the result, releases the lock, and calls
 *                               green__shared_wait_wake(): the wait returns 0
 *   the waiter itself           an interrupt, its timeout or the end of its OS thread calls
 *                               kind->leave(), which removes it unless it was taken: the wait
 *                               returns an error
 *
 * So a wait that was served always reports it, and one that gave up takes nothing. */
#ifndef GREEN_CORE_SHARED_WAIT_H
#define GREEN_CORE_SHARED_WAIT_H

#include "inbox.h"
#include "interrupt.h"
#include "virtual_clock.h"

struct green_async_wait;

typedef struct green_shared_wait {
    green_wait wait;                /* wait.link is in the list of the object */
    green_hub *hub;                 /* of the waiter; NULL: an OS thread without a hub, or no thread */
    green_post post;                /* carries the wake-up to the hub */
    bool served;                    /* guarded by the lock of the object: another thread has removed it */
    uint32_t os_thread;             /* atomic: the futex of an OS thread without a hub */
    struct green_async_wait *async; /* without a hub: NULL, or what calls a function at the end */
} green_shared_wait;

/* The cancel() of the wait is green__shared_wait_cancel() or green__shared_wait_ignore(). */
typedef struct green_shared_wait_kind {
    green_wait_kind kind;
    /* Acquires the lock of the object, calls green__shared_wait_remove(), releases the lock,
     * and returns the result. */
    bool (*leave)(green_shared_wait *wait);
} green_shared_wait_kind;

/* Where the record of a wait is: in `local`, a variable of the function that waits. That of the
 * context of an OS thread is in its hub, because the list must be intact when the OS thread
 * ends: by then, the functions that called pthread_exit() and others have used its stack. */
#define GREEN_SHARED_WAIT_MEMORY(local)                                                                                \
    (__extension__({                                                                                                   \
        _Static_assert(sizeof(local) <= GREEN_ROOT_WAIT_SIZE, "a hub has memory for the wait of its root");            \
        (__typeof__(local) *)green__shared_wait_memory(&(local));                                                      \
    }))

/* In the event loop, the root may be parked, and what it calls must not wait. */
static inline void *green__shared_wait_memory(void *local) {
    green_hub *hub = green__hub;
    return hub && hub->current == &hub->root && !hub->in_event_loop ? hub->root_wait : local;
}

void green__shared_wait_cancel(green_wait *wait);

/* The cancel() of a wait that ignores interrupts, and must have no timeout. */
void green__shared_wait_ignore(green_wait *wait);

/* Begins a blocking call of an OS thread without a hub, which makes one only if it has to
 * serve the main queue meanwhile. */
int green__shared_begin_without_hub(int64_t timeout);

/* Begins a blocking call on the calling thread. Returns 0, or -errno as green__begin(). Call
 * it before the lock is taken. */
static inline int green__shared_begin(int64_t timeout) {
    return GREEN_LIKELY(green__hub != NULL) ? green__begin(green__hub, timeout)
                                            : green__shared_begin_without_hub(timeout);
}

/* The function of wait->post. */
void green__shared_wait_deliver(green_post *post, int error);

enum { GREEN_OS_THREAD_RUNNING, GREEN_OS_THREAD_BLOCKED, GREEN_OS_THREAD_WOKEN };

/* Initializes the wait of the calling thread, which then appends it to a list. */
static inline void green__shared_wait_init(green_shared_wait *wait, const green_shared_wait_kind *kind) {
    wait->hub = green__hub;
    wait->served = false;
    if (GREEN_LIKELY(wait->hub)) {
        green__wait_init(wait->hub, &wait->wait, &kind->kind);
        wait->post.deliver = green__shared_wait_deliver;
    } else {
        wait->wait.kind = &kind->kind;
        wait->wait.select = NULL;
        wait->os_thread = GREEN_OS_THREAD_RUNNING;
        wait->async = NULL;
    }
}

/* Does the same for a wait of no thread. */
static inline void green__shared_wait_init_async(green_shared_wait *wait, const green_shared_wait_kind *kind,
                                                 struct green_async_wait *async) {
    wait->wait.kind = &kind->kind;
    wait->wait.select = NULL;
    wait->hub = NULL;
    wait->served = false;
    wait->async = async;
}

/* Removes the first wait of a list. NULL if the list is empty. Call it with the lock. */
static inline green_shared_wait *green__shared_wait_pop(green_wait_list *list) {
    green_wait *first = green__wait_list_pop(list);
    if (!first)
        return NULL;
    green_shared_wait *wait = GREEN_CONTAINER(first, green_shared_wait, wait);
    wait->served = true;
    return wait;
}

/* Whether a wait that was removed may be served: false if it belongs to a select that has ended.
 * Call it with the lock. */
static inline bool green__shared_wait_claim(green_shared_wait *wait) {
    return GREEN_LIKELY(!wait->wait.select) || green__select_claim(&wait->wait);
}

/* Takes the first wait off a list, to serve it. NULL if none is left. Call it with the lock. */
static inline green_shared_wait *green__shared_wait_take(green_wait_list *list) {
    green_shared_wait *wait;
    do
        wait = green__shared_wait_pop(list);
    while (wait && !green__shared_wait_claim(wait));
    return wait;
}

/* Removes a wait from its list, unless it was taken. Returns whether it did. Call it with
 * the lock. */
static inline bool green__shared_wait_remove(green_shared_wait *wait) {
    if (!wait->served)
        green__wait_list_remove(&wait->wait);
    return !wait->served;
}

/* Blocks an OS thread without a hub. */
int green__shared_wait_block(green_shared_wait *wait, int64_t timeout);

/* Waits until the wait is served, interrupted, or timeout nanoseconds have passed. Call it
 * without the lock. Returns 0 or -errno; an OS thread only gets -ETIMEDOUT. Inline for the
 * same reason as green__park_for(). */
static inline int green__shared_wait(green_shared_wait *wait, int64_t timeout) {
    green_hub *hub = wait->hub;
    if (GREEN_UNLIKELY(!hub))
        return green__shared_wait_block(wait, timeout);
    hub->io_waiters++;
    green__park_for(hub, &wait->wait, timeout);
    hub->io_waiters--;
    return GREEN_LIKELY(wait->served) ? 0 : green__wait_error(hub, &wait->wait);
}

/* The same for a wait that something outside of the hub will end. */
static inline int green__shared_wait_outside(green_shared_wait *wait, int64_t timeout) {
    green_hub *hub = wait->hub;
    if (hub)
        green__outside_work_begin(hub);
    int error = green__shared_wait(wait, timeout);
    if (hub)
        green__outside_work_end(hub);
    return error;
}

/* Calls kind->leave(). */
bool green__shared_wait_leave(green_shared_wait *wait);

/* Wakes a waiter of another hub, or without a hub. */
void green__shared_wait_wake_foreign(green_shared_wait *wait);

/* Wakes a wait that the caller has taken. Call it without the lock. The record must not be
 * used afterwards. Any OS thread may call it. */
static inline void green__shared_wait_wake(green_shared_wait *wait) {
    GREEN_INVARIANT(wait->served, "a wait is taken off its list before its wake-up");
    if (GREEN_LIKELY(wait->hub && wait->hub == green__hub))
        green__ready(wait->wait.thread);
    else
        green__shared_wait_wake_foreign(wait);
}

/* Removes the waits of all green threads of a hub whose OS thread ends. */
void green__shared_waits_leave(green_hub *hub);

#endif
