#include "lock.h"

#include "error.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static green_lock *locks;
static atomic_bool forked;
static _Thread_local pid_t forking; /* the process that this OS thread is forking; 0: none */

static void before_fork(void) {
    forking = getpid();
    green__pthread.mutex_lock(&registry_lock);
    for (green_lock *lock = locks; lock; lock = lock->next)
        if (!lock->not_held_at_fork)
            green__pthread.mutex_lock(&lock->mutex);
}

static void unlock_all(void) {
    for (green_lock *lock = locks; lock; lock = lock->next)
        if (!lock->not_held_at_fork)
            green__pthread.mutex_unlock(&lock->mutex);
    green__pthread.mutex_unlock(&registry_lock);
    forking = 0;
}

static void in_parent(void) {
    atomic_store_explicit(&forked, true, memory_order_relaxed);
    unlock_all();
}

static void in_child(void) {
    for (green_lock *lock = locks; lock; lock = lock->next) {
        if (lock->not_held_at_fork)
            lock->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        if (lock->forked)
            lock->forked(lock);
    }
    unlock_all();
}

bool green__has_forked(void) {
    return atomic_load_explicit(&forked, memory_order_relaxed);
}

bool green__is_forking(void) {
    return forking;
}

bool green__in_forked_child(void) {
    return forking && forking != getpid();
}

/* Without registry_lock: a fork in between would leave it locked. */
int green__track_forks(void) {
    static atomic_bool watching;
    if (atomic_exchange(&watching, true) || pthread_atfork(before_fork, in_parent, in_child) == 0)
        return 0;
    atomic_store(&watching, false);
    return green__fail(-ENOMEM, "no memory for a fork handler");
}

int green__lock_register(green_lock *lock) {
    int error = green__track_forks();
    if (error < 0)
        return error;
    green__pthread.mutex_lock(&registry_lock);
    if (!lock->place) {
        lock->next = locks;
        lock->place = &locks;
        if (lock->next)
            lock->next->place = &lock->next;
        locks = lock;
    }
    green__pthread.mutex_unlock(&registry_lock);
    return 0;
}

int green__lock_init(green_lock *lock) {
    *lock = (green_lock)GREEN_LOCK_INITIALIZER(NULL);
    return green__lock_register(lock);
}

void green__lock_destroy(green_lock *lock) {
    green__pthread.mutex_lock(&registry_lock); /* its neighbors may be removed at the same time */
    if (lock->place) {
        *lock->place = lock->next;
        if (lock->next)
            lock->next->place = lock->place;
    }
    green__pthread.mutex_unlock(&registry_lock);
    pthread_mutex_destroy(&lock->mutex);
}
