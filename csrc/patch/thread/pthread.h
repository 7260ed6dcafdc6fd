/* Green threads that pthread_create() has made, and the ids of all green threads.
 *
 * A green thread's id is odd, which no pthread_t of the C library's is, since
 * that is an address: of its record, or of the green thread itself where the
 * program spawned it. An OS thread's own context has the C library's. */
#ifndef GREEN_PATCH_THREAD_PTHREAD_H
#define GREEN_PATCH_THREAD_PTHREAD_H

#include "../clock.h"
#include "../may_park.h"

typedef enum green_pthread_ownership {
    GREEN_PTHREAD_JOINABLE,
    GREEN_PTHREAD_JOINING, /* somebody waits for its end */
    GREEN_PTHREAD_DETACHED /* it is detached */
} green_pthread_ownership;

typedef struct green_pthread {
    green_thread *thread; /* until it has ended */
    pthread_t carrier;    /* the OS thread that it runs on */
    void *(*function)(void *argument);
    void *argument;
    void *result; /* PTHREAD_CANCELED until there is one */
    green_exit_observer exit_observer;
    bool finished;      /* atomic */
    green_wait *waiter; /* of a green thread of the same OS thread that waits for no other end */

    /* Under the lock of all: */
    green_pthread_ownership ownership;
    const struct green_pthread *joiner; /* NULL: it is none of them */
    unsigned references;                /* its own until it has ended, and its id's until that is given up */
    unsigned process;                   /* in which it was made, counted by forks */
} green_pthread;

enum { GREEN_ID_MASK = 3, GREEN_ID_PTHREAD = 1, GREEN_ID_SPAWNED = 3 };

static inline bool green__pthread_is_green(pthread_t id) {
    return id & 1;
}

/* NULL: it is not one that pthread_create() has made. */
static inline green_pthread *green__pthread_of(pthread_t id) {
    return (id & GREEN_ID_MASK) == GREEN_ID_PTHREAD ? (green_pthread *)(id - GREEN_ID_PTHREAD) : NULL;
}

/* Of one that it has made. */
static inline pthread_t green__pthread_id(const green_pthread *posix) {
    return (pthread_t)posix + GREEN_ID_PTHREAD;
}

static inline bool green__pthread_has_ended(const green_pthread *posix) {
    return __atomic_load_n(&posix->finished, __ATOMIC_ACQUIRE);
}

/* The record of a green thread; NULL: pthread_create() has not made it. */
green_pthread *green__pthread_record(const green_thread *thread);

/* Starts one: 0, or EAGAIN without memory for it. */
int green__pthread_start(pthread_t *id, void *(*function)(void *), void *argument, size_t stack_size, bool is_detached);

/* Makes the caller the one who waits for its end: 0, EDEADLK, EINVAL or ESRCH. */
int green__pthread_claim(green_pthread *posix);

/* Gives that up again, for others to try. */
void green__pthread_unclaim(green_pthread *posix);

/* Waits for its end where nothing can park: 0 or ETIMEDOUT. */
int green__pthread_wait(const green_pthread *posix, const green_clock_deadline *until);

/* The result of one that is claimed and has ended; its id is no more. */
void *green__pthread_collect(green_pthread *posix);

/* 0, EINVAL or ESRCH. */
int green__pthread_detach(green_pthread *posix);

bool green__pthread_is_detached(const green_pthread *posix);

/* How many there are that have not ended, or are neither joined nor detached. */
size_t green__pthread_count(void);

/* Whether it has ended, or was its parent's, in a forked child. */
bool green__pthread_is_gone(const green_pthread *posix);

/* Makes fork heed the lock. -ENOMEM, explained. */
int green__pthread_register_lock(void);

/* pthread_join() and its like for a green thread's id; until may be NULL. */
int green__pthread_join(pthread_t id, void **result, const green_clock_deadline *until);

/* Calls the destructors of a thread's keys, and forgets its values. */
void green__pthread_specific_end(green_thread *thread);

/* When keys are made and deleted past it from here on. */
void green__pthread_specific_forget_keys(void);

#endif
