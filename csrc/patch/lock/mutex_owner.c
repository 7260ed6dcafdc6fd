#include "mutex_owner.h"

#include "../hub_table.h"
#include "../may_park.h"

#include <stdlib.h>

/* A mutex held by a green thread of this OS thread. */
struct ownership {
    green_hub_table_entry entry;
    const pthread_mutex_t *mutex;
    uint64_t owner; /* the id of the green thread, which is never reused */
};

static _Thread_local green_hub_table held; /* by address */

static green_hub_table_entry **bucket(const green_hub *hub, const pthread_mutex_t *mutex) {
    return green__hub_table_bucket(&held, hub, (uintptr_t)mutex >> 4);
}

/* Returns NULL if there is no record. */
static struct ownership *find(const green_hub *hub, const pthread_mutex_t *mutex) {
    for (green_hub_table_entry *entry = *bucket(hub, mutex); entry; entry = entry->next) {
        struct ownership *ownership = GREEN_CONTAINER(entry, struct ownership, entry);
        if (ownership->mutex == mutex)
            return ownership;
    }
    return NULL;
}

static int kind_of(const pthread_mutex_t *mutex) {
    return mutex->__data.__kind & GREEN_MUTEX_KIND;
}

static bool is_locked_once(const pthread_mutex_t *mutex) {
    return kind_of(mutex) != PTHREAD_MUTEX_RECURSIVE_NP || mutex->__data.__count <= 1;
}

static bool is_held_here(const green_hub *hub, const pthread_mutex_t *mutex) {
    return __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED) == hub->registration.tid;
}

/* The green thread of this OS thread that holds the mutex. 0 if there is none, or if it is
 * unknown because it locked the mutex before there was a hub, or by an object that is not
 * patched. */
static uint64_t owner_of(const green_hub *hub, const pthread_mutex_t *mutex) {
    const struct ownership *ownership = find(hub, mutex);
    return ownership && is_held_here(hub, mutex) ? ownership->owner : 0;
}

/* Records the current green thread as the owner of a mutex that it has just locked. A record
 * that exists is stale: an object that is not patched has unlocked the mutex. */
static int record(const green_hub *hub, pthread_mutex_t *mutex) {
    struct ownership *ownership = find(hub, mutex);
    if (!ownership) {
        ownership = calloc(1, sizeof *ownership);
        if (!ownership) {
            green__real.pthread_mutex_unlock(mutex);
            return EAGAIN; /* as if a recursive mutex was locked too often */
        }
        ownership->mutex = mutex;
        green__hub_table_add(bucket(hub, mutex), &ownership->entry);
    }
    ownership->owner = hub->current->id;
    return 0;
}

static void forget(struct ownership *ownership) {
    green__hub_table_remove(&ownership->entry);
    free(ownership);
}

/* The C library would give a recursive mutex to any green thread of the owning OS thread. */
static int try_checking(const green_hub *hub, pthread_mutex_t *mutex) {
    uint64_t owner = owner_of(hub, mutex);
    if (owner && owner != hub->current->id)
        return EBUSY;
    int result = green__real.pthread_mutex_trylock(mutex);
    if ((result != 0 && result != EOWNERDEAD) || !is_locked_once(mutex))
        return result;
    int error = record(hub, mutex);
    return error ? error : result;
}

int green__mutex_owner_trylock(pthread_mutex_t *mutex) {
    const green_hub *hub = green__hub;
    return hub && green__mutex_checks_owner(mutex) ? try_checking(hub, mutex)
                                                   : green__real.pthread_mutex_trylock(mutex);
}

int green__mutex_owner_try_acquire(void *lock) {
    pthread_mutex_t *mutex = lock;
    const green_hub *hub = green__hub;
    int result = green__mutex_owner_trylock(mutex);
    if (result != EBUSY || !green__mutex_checks_owner(mutex) || !is_held_here(hub, mutex))
        return result;
    uint64_t owner = owner_of(hub, mutex);
    if (!owner)
        owner = hub->root.id; /* probably locked before there was a hub */
    return owner == hub->current->id ? EDEADLK : EBUSY;
}

int green__mutex_owner_try_in_place(pthread_mutex_t *mutex) {
    const green_hub *hub = green__hub;
    if (!hub || !green__mutex_checks_owner(mutex))
        return EBUSY;
    int result = green__mutex_owner_try_acquire(mutex);
    return result == EBUSY && is_held_here(hub, mutex) ? EDEADLK : result;
}

int green__mutex_owner_unlock(pthread_mutex_t *mutex, bool *is_free) {
    const green_hub *hub = green__hub;
    *is_free = is_locked_once(mutex);
    if (!hub || !green__mutex_checks_owner(mutex))
        return green__real.pthread_mutex_unlock(mutex);
    uint64_t owner = owner_of(hub, mutex);
    if (owner && owner != hub->current->id)
        return EPERM;
    int error = green__real.pthread_mutex_unlock(mutex);
    if (error == 0 && *is_free && owner)
        forget(find(hub, mutex));
    return error;
}
