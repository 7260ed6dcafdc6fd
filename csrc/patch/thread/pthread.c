#include "pthread.h"

#include "../../base/lock.h"
#include "../../core/exit_observer.h"
#include "../../core/schedule.h"
#include "../lock/parking_lot.h"
#include "../signal_mask.h"

#include "pthread_specific.h"

#include <stdlib.h>

static void in_child(green_lock *lock);

/* Of the OS threads that wait for green threads; held for a few instructions only. Not held at a
 * fork, because fork handlers may create and join threads. */
static green_lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .forked = in_child, .not_held_at_fork = true};
static pthread_cond_t some_thread_ended = PTHREAD_COND_INITIALIZER;
static unsigned os_threads_waiting; /* atomic */
static size_t records;              /* atomic */
static unsigned process;            /* only a forked child changes it, before it has other threads */

/* All records belong to the parent, and the OS threads that waited do not exist here. */
static void in_child(green_lock *unused) {
    (void)unused;
    some_thread_ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    os_threads_waiting = 0;
    records = 0;
    process++;
}

int green__pthread_register_lock(void) {
    return green__lock_register(&lock);
}

/* Does not take the lock, because the caller holds another one. */
size_t green__pthread_count(void) {
    return __atomic_load_n(&records, __ATOMIC_RELAXED);
}

bool green__pthread_is_gone(const green_pthread *pthread) {
    return pthread->process != process || green__pthread_has_ended(pthread);
}

static void release(green_pthread *pthread) {
    if (__atomic_sub_fetch(&pthread->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(pthread);
    __atomic_sub_fetch(&records, 1, __ATOMIC_RELAXED);
}

/* Its life ----------------------------------------------------------------- */

static int run(void *argument) {
    green_pthread *pthread = argument;
    const green_hub *hub = green__hub;
    pthread->result = pthread->function(pthread->argument);
    pthread->is_ending = true;
    if (green__hub == hub) /* false in a forked child */
        green__pthread_specific_end(pthread->thread);
    return 0;
}

green_pthread *green__pthread_record(const green_thread *thread) {
    return thread->function == run ? thread->argument : NULL;
}

static void wake_os_threads(void) {
    green__lock(&lock);
    green__pthread.cond_broadcast(&some_thread_ended);
    green__unlock(&lock);
}

/* The last exit observer, after links, locals and keys. A woken joiner may free the record. */
static void has_ended(green_exit_observer *exit_observer, green_thread *thread) {
    green_pthread *pthread = GREEN_CONTAINER(exit_observer, green_pthread, exit_observer);
    if (pthread->waiter)
        green__ready(pthread->waiter->thread);
    if (--thread->hub->pthreads == 0)
        green__parking_lot_wake(&thread->hub->pthreads, true);
    __atomic_store_n(&pthread->finished, true, __ATOMIC_SEQ_CST);
    if (GREEN_UNLIKELY(__atomic_load_n(&os_threads_waiting, __ATOMIC_SEQ_CST) > 0))
        wake_os_threads();
    release(pthread);
    green__parking_lot_wake(pthread, true);
}

static void begin(green_pthread *pthread, green_thread *thread, bool is_detached) {
    pthread->thread = thread;
    pthread->exit_observer.exited = has_ended;
    green__exit_observer_add(thread, &pthread->exit_observer);
    pthread->process = process;
    pthread->ownership = is_detached ? GREEN_PTHREAD_DETACHED : GREEN_PTHREAD_JOINABLE;
    pthread->references = is_detached ? 1 : 2;
    __atomic_add_fetch(&records, 1, __ATOMIC_RELAXED);
    thread->hub->pthreads++;
}

/* Starts the green thread, which inherits the signal mask of its creator. */
static int spawn(green_pthread *pthread, size_t stack_size, green_thread **thread) {
    green_signal_mask *mask = NULL;
    const green_thread *self = green__hub->current;
    if (GREEN_UNLIKELY(self->signal_mask != NULL) && !(mask = green__signal_mask_copy(self)))
        return -ENOMEM;
    int error = green_spawn_with(thread, &(green_spawn_options){.stack_size = stack_size}, run, pthread);
    if (error < 0)
        free(mask);
    else if (mask)
        green__signal_mask_give(mask, *thread);
    return error;
}

int green__pthread_start(pthread_t *id, void *(*function)(void *), void *argument, size_t stack_size,
                         bool is_detached) {
    green_pthread *pthread = malloc(sizeof *pthread);
    green_thread *thread;
    if (!pthread)
        return EAGAIN;
    *pthread = (green_pthread){
        .carrier = green__real.pthread_self(), .function = function, .argument = argument, .result = PTHREAD_CANCELED};
    if (spawn(pthread, stack_size, &thread) < 0) {
        free(pthread);
        return EAGAIN;
    }
    begin(pthread, thread, is_detached);
    green_thread_release(thread);
    *id = green__pthread_id(pthread);
    return 0;
}

/* Its owner ---------------------------------------------------------------- */

static bool is_joined_by(const green_pthread *self, const green_pthread *pthread) {
    return self && __atomic_load_n(&self->joiner, __ATOMIC_SEQ_CST) == pthread;
}

static green_pthread_ownership ownership_of(const green_pthread *pthread) {
    return __atomic_load_n(&pthread->ownership, __ATOMIC_ACQUIRE);
}

/* Changes the owner of a joinable thread. Returns false if it is not joinable. */
static bool take(green_pthread *pthread, green_pthread_ownership ownership) {
    green_pthread_ownership former = GREEN_PTHREAD_JOINABLE;
    return __atomic_compare_exchange_n(&pthread->ownership, &former, ownership, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Of two threads that join each other, the later one finds the deadlock, or both do. */
static int claim(green_pthread *pthread, const green_pthread *self) {
    if (pthread->process != process)
        return ESRCH;
    if (ownership_of(pthread) == GREEN_PTHREAD_DETACHED)
        return EINVAL;
    if (pthread == self || is_joined_by(self, pthread))
        return EDEADLK;
    if (!take(pthread, GREEN_PTHREAD_JOINING))
        return EINVAL;
    if (!self)
        return 0;
    __atomic_store_n(&pthread->joiner, self, __ATOMIC_SEQ_CST);
    if (!is_joined_by(self, pthread))
        return 0;
    green__pthread_unclaim(pthread);
    return EDEADLK;
}

int green__pthread_claim(green_pthread *pthread) {
    return green__in_forked_child() ? ESRCH : claim(pthread, green__pthread_here());
}

void green__pthread_unclaim(green_pthread *pthread) {
    __atomic_store_n(&pthread->joiner, NULL, __ATOMIC_SEQ_CST);
    __atomic_store_n(&pthread->ownership, GREEN_PTHREAD_JOINABLE, __ATOMIC_RELEASE);
}

/* Not a cancellation point: a cancelled caller would keep the lock. */
int green__pthread_wait(const green_pthread *pthread, const green_clock_deadline *deadline) {
    struct timespec time = {0};
    int error = 0, state;
    if (deadline)
        time = green__timespec_of(deadline->time);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    green__lock(&lock);
    __atomic_add_fetch(&os_threads_waiting, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&pthread->finished, __ATOMIC_SEQ_CST) &&
           error == 0) /* an error ends the wait, such as ETIMEDOUT */
        if (deadline)
            error = green__real.pthread_cond_clockwait(&some_thread_ended, &lock.mutex, deadline->clock, &time);
        else
            green__pthread.cond_wait(&some_thread_ended, &lock.mutex);
    __atomic_sub_fetch(&os_threads_waiting, 1, __ATOMIC_SEQ_CST);
    green__unlock(&lock);
    pthread_setcancelstate(state, NULL);
    return green__pthread_has_ended(pthread) ? 0 : ETIMEDOUT;
}

void *green__pthread_collect(green_pthread *pthread) {
    void *result = pthread->result;
    release(pthread);
    return result;
}

bool green__pthread_is_detached(const green_pthread *pthread) {
    return ownership_of(pthread) == GREEN_PTHREAD_DETACHED;
}

int green__pthread_detach(green_pthread *pthread) {
    if (green__in_forked_child() || pthread->process != process)
        return ESRCH;
    if (!take(pthread, GREEN_PTHREAD_DETACHED))
        return EINVAL;
    release(pthread);
    return 0;
}
