#include "mutex_owner.h"

#include <stdlib.h>

enum { BUCKETS = 64, KIND_MASK = 3 }; /* glibc's, of __kind */

/* A mutex that one of this OS thread's green threads holds. */
struct holding {
    struct holding *next;
    const pthread_mutex_t *mutex;
    uint64_t owner; /* the id of the green thread, of which no other will be */
};

/* A forked child's copies are of its parent's green threads: see wait_fds.c. */
static _Thread_local struct {
    const green_hub *hub;
    struct holding *first[BUCKETS];
} held;

/* Where its record is, or is to be linked in. */
static struct holding **find(const green_hub *hub, const pthread_mutex_t *mutex) {
    if (GREEN_UNLIKELY(held.hub != hub)) {
        for (size_t i = 0; i < BUCKETS; i++)
            held.first[i] = NULL;
        held.hub = hub;
    }
    struct holding **place = &held.first[((uintptr_t)mutex >> 4) % BUCKETS];
    while (*place && (*place)->mutex != mutex)
        place = &(*place)->next;
    return place;
}

static int kind_of(const pthread_mutex_t *mutex) {
    return mutex->__data.__kind & KIND_MASK;
}

static bool asks_for_owner(const pthread_mutex_t *mutex) {
    return kind_of(mutex) == PTHREAD_MUTEX_RECURSIVE_NP || kind_of(mutex) == PTHREAD_MUTEX_ERRORCHECK_NP;
}

static bool is_locked_once(const pthread_mutex_t *mutex) {
    return kind_of(mutex) != PTHREAD_MUTEX_RECURSIVE_NP || mutex->__data.__count <= 1;
}

static bool is_held_here(const green_hub *hub, const pthread_mutex_t *mutex) {
    return __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED) == hub->registration.number;
}

/* The green thread of this OS thread that has it; 0: there is none, or nobody
 * knows, since it was locked before there was a hub or by an object that is not
 * patched. */
static uint64_t owner_of(const green_hub *hub, const pthread_mutex_t *mutex) {
    const struct holding *holding = *find(hub, mutex);
    return holding && is_held_here(hub, mutex) ? holding->owner : 0;
}

/* Of one that has just been locked for the first time. A record that is there is
 * of a time when an object that is not patched has unlocked it. */
static int note(const green_hub *hub, pthread_mutex_t *mutex) {
    struct holding **place = find(hub, mutex), *holding = *place;
    if (!holding)
        holding = *place = calloc(1, sizeof *holding);
    if (!holding) {
        green__real.pthread_mutex_unlock(mutex);
        return EAGAIN; /* as when a recursive one was locked too often */
    }
    holding->mutex = mutex;
    holding->owner = hub->current->id;
    return 0;
}

static void forget(struct holding **place) {
    struct holding *holding = *place;
    *place = holding->next;
    free(holding);
}

/* The C library would let any green thread of the OS thread in again. */
static int try_asking(const green_hub *hub, pthread_mutex_t *mutex) {
    uint64_t owner = owner_of(hub, mutex);
    if (owner && owner != hub->current->id)
        return EBUSY;
    int result = green__real.pthread_mutex_trylock(mutex);
    if ((result != 0 && result != EOWNERDEAD) || !is_locked_once(mutex))
        return result;
    int error = note(hub, mutex);
    return error ? error : result;
}

int green__mutex_owner_trylock(pthread_mutex_t *mutex) {
    const green_hub *hub = green__hub;
    return hub && asks_for_owner(mutex) ? try_asking(hub, mutex) : green__real.pthread_mutex_trylock(mutex);
}

int green__mutex_owner_try_acquire(void *lock) {
    pthread_mutex_t *mutex = lock;
    const green_hub *hub = green__hub;
    int result = green__mutex_owner_trylock(mutex);
    if (result != EBUSY || !asks_for_owner(mutex) || !is_held_here(hub, mutex))
        return result;
    uint64_t owner = owner_of(hub, mutex);
    if (!owner)
        owner = hub->root.id; /* most likely, from before there was a hub */
    return owner == hub->current->id ? EDEADLK : EBUSY;
}

int green__mutex_owner_try_in_place(pthread_mutex_t *mutex) {
    const green_hub *hub = green__hub;
    if (!hub || !asks_for_owner(mutex))
        return EBUSY;
    int result = green__mutex_owner_try_acquire(mutex);
    return result == EBUSY && is_held_here(hub, mutex) ? EDEADLK : result;
}

int green__mutex_owner_unlock(pthread_mutex_t *mutex, bool *is_free) {
    const green_hub *hub = green__hub;
    *is_free = is_locked_once(mutex);
    if (!hub || !asks_for_owner(mutex))
        return green__real.pthread_mutex_unlock(mutex);
    uint64_t owner = owner_of(hub, mutex);
    if (owner && owner != hub->current->id)
        return EPERM;
    int error = green__real.pthread_mutex_unlock(mutex);
    if (error == 0 && *is_free && owner)
        forget(find(hub, mutex));
    return error;
}
