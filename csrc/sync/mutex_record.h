/* The record of a mutex, for conditions, which unlock it and lock it again. */
#ifndef GREEN_SYNC_MUTEX_RECORD_H
#define GREEN_SYNC_MUTEX_RECORD_H

#include "../core/exit_observer.h"
#include "hub_affinity.h"

#include <green/mutex.h>

struct green_mutex {
    green_hub *hub;
    green_thread *holder;        /* NULL: unlocked, and no thread waits */
    green_exit_observer on_exit; /* of the holder */
    green_wait_list waiters;
    struct green_mutex_wait *granted; /* of the holder, while it has not run since it got the mutex */
    green_wait_list sleepers;         /* threads in green_condition_wait(), by their `sleeper` */
    green_foreign_release foreign_release;
};

/* A wait for a mutex. The mutex and the condition may be freed before the thread runs again:
 * it uses the mutex only if `lost` is false. */
typedef struct green_mutex_wait {
    green_wait wait;
    green_mutex *mutex;
    bool lost;                    /* the mutex was freed */
    char holder[GREEN_LABEL_MAX]; /* when the wait was ended early */
    green_wait_link sleeper;      /* in the mutex's sleepers, for a wait for a condition */
} green_mutex_wait;

/* Returns 0 if the current thread holds the mutex, or -EPERM with a message. The verb is that
 * of the call, such as "unlock". */
int green__mutex_check_holder(const green_mutex *mutex, const char *verb);

/* Gives the mutex to the first waiter, or to no thread. The mutex must be locked. */
void green__mutex_hand_over(green_mutex *mutex);

/* Makes a thread, parked in a wait that is in no list, wait for the mutex: its wait ends when it
 * holds the mutex. Only a deadlock ends it early. */
void green__mutex_relock_later(green_mutex_wait *waiter);

/* Locks the mutex for the current thread. Only a deadlock ends the wait early. Returns 0 or
 * -EDEADLK, with a message. waiter->lost: the mutex was freed. */
int green__mutex_relock(green_mutex_wait *waiter);

#endif
