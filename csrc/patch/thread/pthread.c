/* The records of green threads that pthread_create() has made: how they end and
 * who owns them. One lock for all of them: it is held for a few instructions. */
#include "pthread.h"

#include "../../base/lock.h"
#include "../lock/parking_lot.h"

#include <stdlib.h>

static void in_child(green_lock *lock);

/* A fork does not wait for it: handlers of others' may make and join threads. */
static green_lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .forked = in_child, .not_held_at_fork = true};
static pthread_cond_t some_ended = PTHREAD_COND_INITIALIZER;
static size_t records; /* atomic */
static unsigned process;

/* What there was is the parent's, and nobody waits here any more. */
static void in_child(green_lock *unused) {
    (void)unused;
    some_ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    records = 0;
    process++;
}

int green__pthread_register_lock(void) {
    return green__lock_register(&lock);
}

/* Without the lock: whoever asks has that of the patches. */
size_t green__pthread_count(void) {
    return __atomic_load_n(&records, __ATOMIC_RELAXED);
}

bool green__pthread_is_gone(const green_pthread *posix) {
    return posix->process != process || green__pthread_has_ended(posix);
}

/* Called with the lock held, which it gives back. */
static void unlock_and_release(green_pthread *posix) {
    bool was_last = --posix->references == 0;
    green__unlock(&lock);
    if (!was_last)
        return;
    free(posix);
    __atomic_sub_fetch(&records, 1, __ATOMIC_RELAXED);
}

/* Its life ------------------------------------------------------------------- */

static int run(void *argument) {
    green_pthread *posix = argument;
    const green_hub *hub = green__hub;
    posix->result = posix->function(posix->argument);
    if (green__hub == hub) /* or this is a child of its own */
        green__pthread_specific_end(posix->thread);
    return 0;
}

green_pthread *green__pthread_record(const green_thread *thread) {
    return thread->function == run ? thread->argument : NULL;
}

/* The last of its endings, after its links, locals and keys. Whoever is woken may
 * free the record. */
static void has_ended(green_exit_observer *exit_observer, green_thread *thread) {
    green_pthread *posix = GREEN_CONTAINER(exit_observer, green_pthread, exit_observer);
    (void)thread;
    if (posix->waiter)
        green__ready(posix->waiter->thread);
    green__lock(&lock);
    __atomic_store_n(&posix->finished, true, __ATOMIC_RELEASE);
    green__pthread.cond_broadcast(&some_ended);
    unlock_and_release(posix);
    green__parking_lot_wake(posix, true);
}

static void begin(green_pthread *posix, green_thread *thread, bool is_detached) {
    posix->thread = thread;
    posix->exit_observer.ended = has_ended;
    green__exit_observer_add(thread, &posix->exit_observer);
    green__lock(&lock);
    posix->process = process;
    posix->ownership = is_detached ? GREEN_PTHREAD_DETACHED : GREEN_PTHREAD_JOINABLE;
    posix->references = is_detached ? 1 : 2;
    green__unlock(&lock);
    __atomic_add_fetch(&records, 1, __ATOMIC_RELAXED);
}

int green__pthread_start(pthread_t *id, void *(*function)(void *), void *argument, size_t stack_size,
                         bool is_detached) {
    green_pthread *posix = malloc(sizeof *posix);
    green_thread *thread;
    if (!posix)
        return EAGAIN;
    *posix = (green_pthread){
        .carrier = green__real.pthread_self(), .function = function, .argument = argument, .result = PTHREAD_CANCELED};
    if (green_spawn_with(&thread, &(green_spawn_options){.stack_size = stack_size}, run, posix) < 0) {
        free(posix);
        return EAGAIN;
    }
    begin(posix, thread, is_detached);
    green_thread_release(thread);
    *id = green__pthread_id(posix);
    return 0;
}

/* Its owner ------------------------------------------------------------------ */

/* Called with the lock held. */
static int claim(green_pthread *posix, const green_pthread *self) {
    if (posix->process != process)
        return ESRCH;
    if (posix->ownership == GREEN_PTHREAD_DETACHED)
        return EINVAL;
    if (posix == self || (self && self->joiner == posix))
        return EDEADLK;
    if (posix->ownership == GREEN_PTHREAD_JOINING)
        return EINVAL;
    posix->ownership = GREEN_PTHREAD_JOINING;
    posix->joiner = self;
    return 0;
}

int green__pthread_claim(green_pthread *posix) {
    const green_thread *thread = green__patch_current_thread();
    const green_pthread *self = thread ? green__pthread_record(thread) : NULL;
    if (green__in_forked_child())
        return ESRCH;
    green__lock(&lock);
    int error = claim(posix, self);
    green__unlock(&lock);
    return error;
}

void green__pthread_unclaim(green_pthread *posix) {
    green__lock(&lock);
    posix->ownership = GREEN_PTHREAD_JOINABLE;
    posix->joiner = NULL;
    green__unlock(&lock);
}

/* It is no point where the caller can be cancelled: the lock is everybody's. */
int green__pthread_wait(const green_pthread *posix, const green_clock_deadline *until) {
    struct timespec time = {0};
    int error = 0, state;
    if (until)
        time = (struct timespec){until->time / GREEN_SECOND, until->time % GREEN_SECOND};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    green__lock(&lock);
    while (!green__pthread_has_ended(posix) && error == 0) /* or it is too late, or before all time */
        if (until)
            error = green__real.pthread_cond_clockwait(&some_ended, &lock.mutex, until->clock, &time);
        else
            green__pthread.cond_wait(&some_ended, &lock.mutex);
    green__unlock(&lock);
    pthread_setcancelstate(state, NULL);
    return green__pthread_has_ended(posix) ? 0 : ETIMEDOUT;
}

void *green__pthread_collect(green_pthread *posix) {
    void *result = posix->result;
    green__lock(&lock);
    unlock_and_release(posix);
    return result;
}

bool green__pthread_is_detached(const green_pthread *posix) {
    green__lock(&lock);
    bool is_detached = posix->ownership == GREEN_PTHREAD_DETACHED;
    green__unlock(&lock);
    return is_detached;
}

int green__pthread_detach(green_pthread *posix) {
    if (green__in_forked_child())
        return ESRCH;
    green__lock(&lock);
    int error = posix->process != process ? ESRCH : posix->ownership != GREEN_PTHREAD_JOINABLE ? EINVAL : 0;
    if (error != 0) {
        green__unlock(&lock);
        return error;
    }
    posix->ownership = GREEN_PTHREAD_DETACHED;
    unlock_and_release(posix);
    return 0;
}
