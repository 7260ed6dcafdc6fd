/* Records of green threads started by pthread_create(), and the thread ids of green threads.
 *
 * The id of a green thread is odd, unlike a pthread_t of the C library, which is an address. It
 * is the address of the record plus GREEN_ID_PTHREAD, or, if the program has spawned the green
 * thread itself, the address of the green thread plus GREEN_ID_SPAWNED. An OS thread's own
 * context has the id of the C library. */
#ifndef GREEN_PATCH_THREAD_PTHREAD_H
#define GREEN_PATCH_THREAD_PTHREAD_H

#include "../clock.h"
#include "../may_park.h"

#include <unwind.h>

typedef enum green_pthread_ownership {
    GREEN_PTHREAD_JOINABLE,
    GREEN_PTHREAD_JOINING, /* a thread waits for its end */
    GREEN_PTHREAD_DETACHED
} green_pthread_ownership;

typedef struct green_pthread {
    green_thread *thread; /* until it has ended */
    pthread_t carrier;    /* the OS thread that it runs on */
    void *(*function)(void *argument);
    void *argument;
    void *result; /* PTHREAD_CANCELED until it has one */
    green_exit_observer exit_observer;
    bool is_cancelled;                  /* by pthread_cancel() */
    bool is_disabled;                   /* cancellation, by pthread_setcancelstate() */
    bool is_asynchronous;               /* cancellation, by pthread_setcanceltype() */
    bool is_ending;                     /* its function has returned, or its stack is unwound */
    void *handlers;                     /* of pthread_cleanup_push(), the newest __pthread_unwind_buf_t: see unwind.c */
    struct _Unwind_Exception exception; /* while its stack is unwound */
    stack_t signal_stack;               /* as the thread has set it: see sigaltstack.c */
    bool finished;                      /* atomic */
    green_wait *waiter;                 /* a green thread of the same OS thread that joins without a deadline */

    unsigned process; /* the process that made it, as counted by forks */

    /* Atomic: */
    green_pthread_ownership ownership;
    const struct green_pthread *joiner; /* NULL if the joiner is not such a thread */
    unsigned references;                /* by the running thread, and by its id until it is joined or detached */
} green_pthread;

enum { GREEN_ID_MASK = 3, GREEN_ID_PTHREAD = 1, GREEN_ID_SPAWNED = 3 };

static inline bool green__pthread_is_green(pthread_t id) {
    return id & 1;
}

/* The record of an id. NULL if the thread was not started by pthread_create(). */
static inline green_pthread *green__pthread_of(pthread_t id) {
    return (id & GREEN_ID_MASK) == GREEN_ID_PTHREAD ? (green_pthread *)(id - GREEN_ID_PTHREAD) : NULL;
}

static inline pthread_t green__pthread_id(const green_pthread *pthread) {
    return (pthread_t)pthread + GREEN_ID_PTHREAD;
}

static inline bool green__pthread_has_ended(const green_pthread *pthread) {
    return __atomic_load_n(&pthread->finished, __ATOMIC_ACQUIRE);
}

/* Finds a green thread by its id, for calls that are only possible on its OS thread. Returns 0, ESRCH
 * if it has ended, or ENOTSUP. */
int green__pthread_find_here(pthread_t id, green_thread **thread);

/* The record of a green thread. NULL if it was not started by pthread_create(). */
green_pthread *green__pthread_record(const green_thread *thread);

/* That of the current thread. NULL in other green threads, and in an OS thread's own context. */
static inline green_pthread *green__pthread_here(void) {
    const green_thread *thread = green__patch_current_thread();
    return thread ? green__pthread_record(thread) : NULL;
}

/* Starts a green thread. Returns 0, or EAGAIN if there is no memory. */
int green__pthread_start(pthread_t *id, void *(*function)(void *), void *argument, size_t stack_size, bool is_detached);

/* Makes the caller the joiner of a thread. Returns 0, EDEADLK, EINVAL or ESRCH. */
int green__pthread_claim(green_pthread *pthread);

/* Makes a claimed thread joinable again. */
void green__pthread_unclaim(green_pthread *pthread);

/* Waits for the end of a thread by blocking the OS thread. Returns 0 or ETIMEDOUT. */
int green__pthread_wait(const green_pthread *pthread, const green_clock_deadline *deadline);

/* Returns the result of a claimed thread that has ended. Its id becomes invalid. */
void *green__pthread_collect(green_pthread *pthread);

/* Returns 0, EINVAL or ESRCH. */
int green__pthread_detach(green_pthread *pthread);

bool green__pthread_is_detached(const green_pthread *pthread);

/* The number of threads that have not ended, or are neither joined nor detached. */
size_t green__pthread_count(void);

/* Whether a thread has ended, or belongs to the parent of this forked process. */
bool green__pthread_is_gone(const green_pthread *pthread);

/* Registers the lock of the OS threads that wait for green threads for forks. Returns 0, or -ENOMEM, explained. */
int green__pthread_register_lock(void);

#endif
