/* The records of green threads that pthread_create() has made: how they end and
 * who owns them. One lock for all of them: it is held for a few instructions. */
#include "pthread.h"

#include "../../base/lock.h"
#include "../lock/parking_lot.h"

#include <stdlib.h>

static void in_child(green_lock *lock);

/* A fork does not wait for it: handlers of others' may make and join threads. */
static green_lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .forked = in_child, .is_open = true};
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

int green__posix_enroll(void) {
    return green__lock_enroll(&lock);
}

/* Without the lock: whoever asks has that of the patches. */
size_t green__posix_count(void) {
    return __atomic_load_n(&records, __ATOMIC_RELAXED);
}

bool green__posix_is_gone(const green_posix *posix) {
    return posix->process != process || green__posix_is_finished(posix);
}

/* Called with the lock held, which it gives back. */
static void unlock_and_release(green_posix *posix) {
    bool was_last = --posix->references == 0;
    green__unlock(&lock);
    if (!was_last)
        return;
    free(posix);
    __atomic_sub_fetch(&records, 1, __ATOMIC_RELAXED);
}

/* Its life ------------------------------------------------------------------- */

static int run(void *argument) {
    green_posix *posix = argument;
    const green_hub *hub = green__hub;
    posix->result = posix->function(posix->argument);
    if (green__hub == hub) /* or this is a child of its own */
        green__specific_end(posix->thread);
    return 0;
}

green_posix *green__posix_here(const green_thread *thread) {
    return thread->function == run ? thread->argument : NULL;
}

/* The last of its endings, after its links, locals and keys. Whoever is woken may
 * free the record. */
static void has_ended(green_ending *ending, green_thread *thread) {
    green_posix *posix = GREEN_CONTAINER(ending, green_posix, ending);
    (void)thread;
    if (posix->waiter)
        green__ready(posix->waiter->thread);
    green__lock(&lock);
    __atomic_store_n(&posix->finished, true, __ATOMIC_RELEASE);
    green__pthread.cond_broadcast(&some_ended);
    unlock_and_release(posix);
    green__lot_wake(posix, true);
}

static void begin(green_posix *posix, green_thread *thread, bool is_detached) {
    posix->thread = thread;
    posix->ending.ended = has_ended;
    green__ending_add(thread, &posix->ending);
    green__lock(&lock);
    posix->process = process;
    posix->ownership = is_detached ? GREEN_POSIX_GIVEN_UP : GREEN_POSIX_JOINABLE;
    posix->references = is_detached ? 1 : 2;
    green__unlock(&lock);
    __atomic_add_fetch(&records, 1, __ATOMIC_RELAXED);
}

int green__posix_start(pthread_t *id, void *(*function)(void *), void *argument, size_t stack_size, bool is_detached) {
    green_posix *posix = malloc(sizeof *posix);
    green_thread *thread;
    if (!posix)
        return EAGAIN;
    *posix = (green_posix){
        .carrier = green__real.pthread_self(), .function = function, .argument = argument, .result = PTHREAD_CANCELED};
    if (green_spawn_with(&thread, &(green_spawn_options){.stack_size = stack_size}, run, posix) < 0) {
        free(posix);
        return EAGAIN;
    }
    begin(posix, thread, is_detached);
    green_thread_release(thread);
    *id = green__posix_id(posix);
    return 0;
}

/* Its owner ------------------------------------------------------------------ */

/* Called with the lock held. */
static int claim(green_posix *posix, const green_posix *self) {
    if (posix->process != process)
        return ESRCH;
    if (posix->ownership == GREEN_POSIX_GIVEN_UP)
        return EINVAL;
    if (posix == self || (self && self->joiner == posix))
        return EDEADLK;
    if (posix->ownership == GREEN_POSIX_JOINING)
        return EINVAL;
    posix->ownership = GREEN_POSIX_JOINING;
    posix->joiner = self;
    return 0;
}

int green__posix_claim(green_posix *posix) {
    const green_thread *thread = green__spawned();
    const green_posix *self = thread ? green__posix_here(thread) : NULL;
    if (green__is_newborn())
        return ESRCH;
    green__lock(&lock);
    int error = claim(posix, self);
    green__unlock(&lock);
    return error;
}

void green__posix_unclaim(green_posix *posix) {
    green__lock(&lock);
    posix->ownership = GREEN_POSIX_JOINABLE;
    posix->joiner = NULL;
    green__unlock(&lock);
}

/* It is no point where the caller can be cancelled: the lock is everybody's. */
int green__posix_wait(const green_posix *posix, const green_until *until) {
    struct timespec time = {0};
    int error = 0, state;
    if (until)
        time = (struct timespec){until->time / GREEN_SECOND, until->time % GREEN_SECOND};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    green__lock(&lock);
    while (!green__posix_is_finished(posix) && error == 0) /* or it is too late, or before all time */
        if (until)
            error = green__real.pthread_cond_clockwait(&some_ended, &lock.mutex, until->clock, &time);
        else
            green__pthread.cond_wait(&some_ended, &lock.mutex);
    green__unlock(&lock);
    pthread_setcancelstate(state, NULL);
    return green__posix_is_finished(posix) ? 0 : ETIMEDOUT;
}

void *green__posix_collect(green_posix *posix) {
    void *result = posix->result;
    green__lock(&lock);
    unlock_and_release(posix);
    return result;
}

bool green__posix_is_detached(const green_posix *posix) {
    green__lock(&lock);
    bool is_detached = posix->ownership == GREEN_POSIX_GIVEN_UP;
    green__unlock(&lock);
    return is_detached;
}

int green__posix_detach(green_posix *posix) {
    if (green__is_newborn())
        return ESRCH;
    green__lock(&lock);
    int error = posix->process != process ? ESRCH : posix->ownership != GREEN_POSIX_JOINABLE ? EINVAL : 0;
    if (error != 0) {
        green__unlock(&lock);
        return error;
    }
    posix->ownership = GREEN_POSIX_GIVEN_UP;
    unlock_and_release(posix);
    return 0;
}
