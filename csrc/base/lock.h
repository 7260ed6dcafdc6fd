/* Locks that a forked child finds free, and what they guard whole: fork(2) waits
 * until nobody holds one. Nobody takes a second one while holding one. In the
 * middle of a fork, when somebody else's handlers may run, they are all held. */
#ifndef GREEN_BASE_LOCK_H
#define GREEN_BASE_LOCK_H

#include "pthread.h"

#include <stdbool.h>

typedef struct green_lock {
    pthread_mutex_t mutex;
    struct green_lock *next, **place;        /* in the list of all; place is NULL in none */
    void (*forked)(struct green_lock *lock); /* called in the child, with it held; NULL: nothing */
    bool not_held_at_fork;                   /* fork does not wait for it, and forked() makes anew what it guards */
} green_lock;

#define GREEN_LOCK_INITIALIZER(in_child)                                                                               \
    { .mutex = PTHREAD_MUTEX_INITIALIZER, .forked = (in_child) }

/* Makes fork heed it. A static lock may be enrolled again and again. -ENOMEM. */
int green__lock_register(green_lock *lock);

/* For one in allocated memory. -ENOMEM. */
int green__lock_init(green_lock *lock);
void green__lock_destroy(green_lock *lock);

static inline void green__lock(green_lock *lock) {
    green__pthread.mutex_lock(&lock->mutex);
}

static inline void green__unlock(green_lock *lock) {
    green__pthread.mutex_unlock(&lock->mutex);
}

/* Starts to record forks. Enrolling a lock does so, too. -ENOMEM. */
int green__track_forks(void);

/* Whether this process has forked since forks are recorded, so that other processes may
 * hold copies of its descriptors. */
bool green__has_forked(void);

/* Whether this OS thread is in the middle of a fork. */
bool green__is_forking(void);

/* Whether that is so in the child, where a lock that is left open may be held by an
 * OS thread which is not there. */
bool green__in_forked_child(void);

#endif
