/* pthread_exit(), pthread_cancel() and cancellation points. */
#include "cancel.h"

#include "../../base/os_thread.h"
#include "../../core/interrupt.h"
#include "../../core/thread.h"
#include "../cancellation.h"
#include "../lock/parking_lot.h"
#include "pthread_specific.h"

#include <limits.h>

/* A green thread has cancelled the OS thread's own context. */
static _Thread_local bool root_is_cancelled;

/* Exit ------------------------------------------------------------------------- */

/* The C library ends the process with the last OS thread. Those of Green do not count, but it does
 * not know them. */
static pthread_key_t last_key;

static void exit_if_last(void *round) {
    intptr_t number = (intptr_t)round;
    if (number < PTHREAD_DESTRUCTOR_ITERATIONS) /* after the destructors of other keys */
        (void)green__real.pthread_setspecific(last_key, (void *)(number + 1));
    else if (!green__os_threads_may_run_program())
        exit(0);
}

/* The other threads of a process continue when main() calls pthread_exit(). */
static void wait_for_all(green_hub *hub) {
    green_parking_lot_waiter waiter;
    green__parking_lot_enter(hub, &waiter, &hub->pthreads, "the ends of all other threads");
    while (hub->pthreads > 0)
        (void)green__parking_lot_sleep(hub, &waiter, GREEN_NEVER, GREEN_PARK_UNINTERRUPTIBLE);
    (void)green__parking_lot_leave(&waiter);
}

static void exit_with_last(void) {
    static bool has_key;
    has_key = has_key || green__real.pthread_key_create(&last_key, exit_if_last) == 0;
    if (has_key)
        (void)green__real.pthread_setspecific(last_key, (void *)1);
}

/* Ends an OS thread, when all green threads of pthread_create() on it have ended. */
_Noreturn static void root_exit(void *result) {
    green_hub *hub = green__may_park_here();
    if (hub)
        wait_for_all(hub);
    if (hub && hub->registration.tid == getpid())
        exit_with_last();
    green__real.pthread_exit(result);
    __builtin_unreachable();
}

/* A green thread that the program has spawned itself ends without unwinding, because frames of Swift
 * do not expect it. */
_Noreturn void green__green_pthread_exit(void *result) {
    green_thread *thread = green__patch_current_thread();
    if (!thread)
        root_exit(result);
    green_pthread *pthread = green__pthread_record(thread);
    if (pthread)
        green__pthread_unwind(pthread, result);
    green__pthread_specific_end(thread);
    green__thread_exit(0);
}

/* Cancellation ------------------------------------------------------------------- */

static bool is_due(const green_pthread *pthread) {
    return pthread->is_cancelled && !pthread->is_disabled && !pthread->is_ending;
}

static bool root_is_due(void) {
    int state = PTHREAD_CANCEL_DISABLE;
    if (!root_is_cancelled)
        return false;
    green__real.pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    green__real.pthread_setcancelstate(state, NULL);
    return state == PTHREAD_CANCEL_ENABLE;
}

bool green__cancellation_is_due(const green_thread *thread) {
    if (!thread->stack)
        return root_is_due();
    const green_pthread *pthread = green__pthread_record(thread);
    return pthread && is_due(pthread);
}

void green__cancellation_act(green_hub *hub) {
    green_thread *self = hub->current;
    if (self->must_not_block || !green__cancellation_is_due(self))
        return;
    if (self->stack)
        green__pthread_unwind(green__pthread_record(self), PTHREAD_CANCELED);
    root_is_cancelled = false;
    green__interrupt_withdraw(self, &self->kill);
    root_exit(PTHREAD_CANCELED);
}

/* For the current thread. */
static void act_if_asynchronous(green_pthread *pthread) {
    if (pthread->is_asynchronous && is_due(pthread))
        green__pthread_unwind(pthread, PTHREAD_CANCELED);
}

/* Ends the wait of a thread, and those that follow. */
static void post(green_thread *thread) {
    green__interrupt_for_good(thread, &thread->kill);
}

static void withdraw(green_thread *thread) {
    green__interrupt_withdraw(thread, &thread->kill);
    thread->kill.stays = false;
}

static int cancel_root(green_hub *hub, pthread_t id) {
    if (!hub || hub->registration.thread != id || hub->current == &hub->root)
        return green__real.pthread_cancel(id);
    root_is_cancelled = true;
    post(&hub->root);
    return 0;
}

static void cancel(green_pthread *pthread) {
    if (pthread->is_cancelled || pthread->is_ending)
        return;
    pthread->is_cancelled = true;
    if (!pthread->is_disabled)
        post(pthread->thread);
    if (pthread->thread == green__hub->current)
        act_if_asynchronous(pthread);
}

int green__green_pthread_cancel(pthread_t id) {
    green_thread *thread;
    if (!green__pthread_is_green(id))
        return cancel_root(green__hub, id);
    int error = green__pthread_find_here(id, &thread);
    if (error != 0)
        return error;
    green_pthread *pthread = green__pthread_record(thread);
    if (pthread)
        cancel(pthread);
    else if (thread == green__hub->current)
        green__interrupt(thread, &thread->kill);
    else
        (void)green_thread_kill(thread);
    return 0;
}

void green__green_pthread_testcancel(void) {
    green_hub *hub = green__hub;
    if (hub)
        green__cancellation_act(hub);
    if (!green__patch_current_thread())
        green__real.pthread_testcancel();
}

/* State and type ------------------------------------------------------------------- */

/* The state of a green thread that the program has spawned itself cannot be changed. */
int green__green_pthread_setcancelstate(int state, int *former) {
    green_pthread *pthread = green__pthread_here();
    if (!green__patch_current_thread())
        return green__real.pthread_setcancelstate(state, former);
    if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
        return EINVAL;
    if (former)
        *former = pthread && pthread->is_disabled ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
    if (!pthread)
        return 0;
    pthread->is_disabled = state == PTHREAD_CANCEL_DISABLE;
    if (!pthread->is_cancelled || pthread->is_ending)
        return 0;
    if (pthread->is_disabled)
        withdraw(pthread->thread);
    else
        post(pthread->thread);
    act_if_asynchronous(pthread);
    return 0;
}

int green__green_pthread_setcanceltype(int type, int *former) {
    green_pthread *pthread = green__pthread_here();
    if (!green__patch_current_thread())
        return green__real.pthread_setcanceltype(type, former);
    if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS)
        return EINVAL;
    if (former)
        *former = pthread && pthread->is_asynchronous ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
    if (!pthread)
        return 0;
    pthread->is_asynchronous = type == PTHREAD_CANCEL_ASYNCHRONOUS;
    act_if_asynchronous(pthread);
    return 0;
}
