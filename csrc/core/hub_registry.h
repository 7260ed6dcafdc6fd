/* The list of the hubs of the process, and the fields of a hub that other OS threads may
 * read and write.
 *
 * A hub belongs to its OS thread. Others read its counters (counter.h), which cost the
 * hub no more than counting does, and set the monitor that times its iterations. For all
 * else they post to its inbox. */
#ifndef GREEN_CORE_HUB_REGISTRY_H
#define GREEN_CORE_HUB_REGISTRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct green_hub;

/* Part of a hub. */
typedef struct green_hub_registration {
    struct green_hub_registration *next, **place; /* in the list; place is NULL while in none */
    struct green_hub *hub;
    pthread_t thread; /* its OS thread */
    int32_t tid;      /* of the same, as gettid(2) returns it */
    uint32_t timing;  /* atomic; the number of the monitor that iterations are timed for, or 0 */
    uint64_t waits;   /* a counter; odd while the hub waits in the kernel */
} green_hub_registration;

/* The first hub. The gdb script starts here. */
extern green_hub_registration *green__hubs;

/* Returns the first hub. No hub is added, removed or freed until the unlock. */
green_hub_registration *green__hubs_lock(void);
void green__hubs_unlock(void);

/* Adds a hub of the calling OS thread, or removes it. */
void green__hub_register(struct green_hub *hub, green_hub_registration *registration);
void green__hub_unregister(green_hub_registration *registration);

/* In a forked child: empties the list, initializes its lock, and returns the first hub
 * of the parent. */
green_hub_registration *green__hubs_reset(void);

static inline uint32_t green__hub_timing(const green_hub_registration *registration) {
    return __atomic_load_n(&registration->timing, __ATOMIC_RELAXED);
}

#endif
