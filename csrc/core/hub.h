/* Making hubs, and finding the hub of an OS thread. */
#ifndef GREEN_CORE_HUB_H
#define GREEN_CORE_HUB_H

#include "hub_record.h"

#include <green/hub.h>

/* Makes the hub of this OS thread. 0 or -errno, with a message. */
int green__hub_make(const green_hub_options *options);

/* Returns the hub of this OS thread, and makes it first if there is none. NULL with
 * *error set if that fails. */
static inline green_hub *green__hub_here(int *error) {
    if (GREEN_LIKELY(green__hub))
        return green__hub;
    *error = green__hub_make(NULL);
    return green__hub;
}

/* The hub of this OS thread if the caller is a green thread of it. Then the hub runs other
 * threads soon: the context of an OS thread may never block again. NULL otherwise. */
static inline green_hub *green__hub_running(void) {
    green_hub *hub = green__hub;
    return hub && hub->current != &hub->root && !hub->in_event_loop ? hub : NULL;
}

/* Ends the hub of this OS thread, whose inbox is closed. Frees it once the last reference is
 * released. */
void green__hub_destroy(green_hub *hub);

/* Ends the hub of this OS thread, which will end: closes it, or if it is in use, reports that,
 * and ends the waits of others for it. */
void green__hub_leave(void);

/* Whether others than the hub itself have a reference to it, so that they may post. Handles
 * of the root, which keep its record, do not count. */
static inline bool green__hub_is_shared(const green_hub *hub) {
    return __atomic_load_n(&hub->references, __ATOMIC_RELAXED) > hub->root.references;
}

/* green_hub_post() to a hub that may have been freed. -ESRCH, without a message: it has
 * ended, or belongs to the process before a fork. A new hub at the same address counts as the
 * hub. */
int green__hub_post_if_open(const green_hub *hub, green_post *post);

/* Retains a hub that may have been freed. NULL if it has ended, or belongs to the process
 * before a fork. */
green_hub *green__hub_retain_if_open(const green_hub *hub);

#endif
