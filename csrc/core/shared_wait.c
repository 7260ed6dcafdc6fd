#include "shared_wait.h"

#include "../base/libc.h"
#include "../base/timespec.h"
#include "async_wait.h"
#include "hub.h"
#include "main_queue.h"
#include "select.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

bool green__shared_wait_leave(green_shared_wait *wait) {
    const green_shared_wait_kind *kind = GREEN_CONTAINER(wait->wait.kind, const green_shared_wait_kind, kind);
    return kind->leave(wait);
}

static green_shared_wait *shared_wait_of(green_wait *wait) {
    return GREEN_CONTAINER(wait, green_shared_wait, wait);
}

/* If another thread has removed the wait, its wake-up is on its way. */
void green__shared_wait_cancel(green_wait *wait) {
    if (green__shared_wait_leave(shared_wait_of(wait)))
        green__ready(wait->thread);
}

void green__shared_wait_ignore(green_wait *wait) {
    (void)wait;
}

static bool is_shared(const green_wait *wait) {
    return wait->kind->cancel == green__shared_wait_cancel || wait->kind->cancel == green__shared_wait_ignore;
}

void green__shared_wait_deliver(green_post *post, int error) {
    green_shared_wait *wait = GREEN_CONTAINER(post, green_shared_wait, post);
    if (error == 0) /* otherwise the OS thread of the waiter ends */
        green__ready(wait->wait.thread);
}

int green__shared_begin_without_hub(int64_t timeout) {
    int error;
    if (timeout == 0 || !green__main_queue_needs_hub())
        return 0;
    green_hub *hub = green__hub_here(&error);
    return hub ? green__begin(hub, timeout) : 0; /* without one it blocks the OS thread */
}

/* Not through the C library, which has no such call. Returns at a wake-up, the deadline, a
 * signal, or for no reason. */
static void futex_wait(uint32_t *word, uint32_t value, int64_t deadline) {
    struct timespec time = green__timespec_of(deadline);
    green__libc.syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, deadline < 0 ? NULL : &time,
                        NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Called if the OS thread ends while it waits: in a signal handler, or by a cancellation. */
static void end_wait(void *argument) {
    green_shared_wait *wait = argument;
    if (!green__shared_wait_leave(wait))
        while (__atomic_load_n(&wait->os_thread, __ATOMIC_ACQUIRE) != GREEN_OS_THREAD_WOKEN)
            futex_wait(&wait->os_thread, GREEN_OS_THREAD_BLOCKED, GREEN_NEVER);
}

static bool block(green_shared_wait *wait, int64_t deadline) {
    uint32_t running = GREEN_OS_THREAD_RUNNING;
    bool left = false;
    if (!__atomic_compare_exchange_n(&wait->os_thread, &running, GREEN_OS_THREAD_BLOCKED, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_ACQUIRE))
        return false;
    while (!left && __atomic_load_n(&wait->os_thread, __ATOMIC_ACQUIRE) != GREEN_OS_THREAD_WOKEN) {
        futex_wait(&wait->os_thread, GREEN_OS_THREAD_BLOCKED, deadline);
        if (green__time_left(deadline) != 0)
            continue;
        left = green__shared_wait_leave(wait);
        deadline = GREEN_NEVER; /* if it has not left, the wake-up is on its way */
    }
    return left;
}

int green__shared_wait_block(green_shared_wait *wait, int64_t timeout) {
    int error_number = errno, result;
    pthread_cleanup_push(end_wait, wait);
    result = block(wait, green__deadline_after(timeout)) ? -ETIMEDOUT : 0;
    pthread_cleanup_pop(0);
    errno = error_number;
    return result;
}

static void unblock(green_shared_wait *wait) {
    if (__atomic_exchange_n(&wait->os_thread, GREEN_OS_THREAD_WOKEN, __ATOMIC_RELEASE) == GREEN_OS_THREAD_BLOCKED)
        green__libc.syscall(SYS_futex, &wait->os_thread, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
                            1); /* uses only the address */
}

void green__shared_wait_wake_foreign(green_shared_wait *wait) {
    if (wait->hub)
        (void)green__inbox_try_post(wait->hub, &wait->post); /* it fails only if the waiter's OS thread has ended */
    else if (wait->async)
        green__async_wait_served(wait->async);
    else
        unblock(wait);
}

/* Another wait of the root was on the stack of the OS thread, which has been used since. */
static bool is_lost(const green_thread *thread) {
    const green_hub *hub = thread->hub;
    return thread == &hub->root && (const void *)thread->wait != hub->root_wait &&
           (const void *)thread->wait != hub->root_select;
}

static void leave_shared_wait(green_thread *thread, void *unused) {
    (void)unused;
    if (thread->state != GREEN_PARKED || is_lost(thread))
        return;
    if (is_shared(thread->wait))
        green__shared_wait_leave(shared_wait_of(thread->wait));
    else if (thread->wait->kind == &green__select_wait_kind)
        green__select_abandon(green__select_of(thread->wait));
}

void green__shared_waits_leave(green_hub *hub) {
    green__hub_each_thread(hub, leave_shared_wait, NULL);
}
