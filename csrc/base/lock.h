/* Locks that are free in a forked child, with consistent data: fork(2) acquires all of them
 * first. They are held while fork handlers of other libraries run. An OS thread holds at
 * most one of them, and that of loaded_objects.h. */
#ifndef GREEN_BASE_LOCK_H
#define GREEN_BASE_LOCK_H

#include "pthread.h"

#include <stdbool.h>

typedef struct green_lock {
    pthread_mutex_t mutex;
    struct green_lock *next, **place;        /* in the list of all; place is NULL while in none */
    void (*forked)(struct green_lock *lock); /* called in the child, which holds the lock; may be NULL */
    bool not_held_at_fork;                   /* fork does not acquire it, and forked() resets its data */
} green_lock;

#define GREEN_LOCK_INITIALIZER(in_child)                                                                               \
    { .mutex = PTHREAD_MUTEX_INITIALIZER, .forked = (in_child) }

/* Makes fork acquire the lock. May be called again for the same lock. -ENOMEM. */
int green__lock_register(green_lock *lock);

/* Initializes and registers a lock in allocated memory. -ENOMEM. */
int green__lock_init(green_lock *lock);
void green__lock_destroy(green_lock *lock);

static inline void green__lock(green_lock *lock) {
    green__pthread.mutex_lock(&lock->mutex);
}

static inline void green__unlock(green_lock *lock) {
    green__pthread.mutex_unlock(&lock->mutex);
}

/* Starts to record forks. green__lock_register() does so, too. -ENOMEM. */
int green__track_forks(void);

/* Whether this process has forked since then, so that other processes may have copies of
 * its descriptors. */
bool green__has_forked(void);

/* Whether this OS thread is in the middle of a fork. */
bool green__is_forking(void);

/* The same, in the child only. There, a lock with not_held_at_fork may be held by an OS
 * thread that does not exist. */
bool green__in_forked_child(void);

#endif
