/* Releases of objects on another OS thread than that of their hub.
 *
 * An object of a hub counts its references without atomic operations, so only its hub may
 * change the count. A release elsewhere is counted in a second, atomic count. The first one
 * posts to the hub, which then subtracts all of them:
 *
 *     OS thread B          count 0 -> 1, posts
 *     OS thread C          count 1 -> 2
 *     the hub              takes 2, and subtracts 2 references
 *
 * The post is part of the object, which exists until the hub has subtracted the references.
 * So a release allocates nothing and cannot fail. If the hub has ended, or belongs to the
 * process before a fork, nothing but such releases uses the object any more; they then
 * subtract from the references themselves, atomically. */
#ifndef GREEN_CORE_FOREIGN_RELEASE_H
#define GREEN_CORE_FOREIGN_RELEASE_H

#include "inbox.h"

/* Part of an object. All zero at first. */
typedef struct green_foreign_release {
    green_post post;
    uint32_t count; /* atomic: releases that are not subtracted yet */
} green_foreign_release;

/* Releases a reference to an object of the hub, which may have been freed. Usually returns 0,
 * and the hub calls run(&release->post, 0) as green_hub_post() describes. Otherwise the hub
 * has ended, and the caller must subtract the returned number of references. If the hub ends
 * before the call, it passes -ESRCH, and run() must do the same.
 *
 * run() calls green__foreign_release_take() once. */
uint32_t green__foreign_release(green_hub *hub, green_foreign_release *release,
                                void (*run)(green_post *post, int error));

/* Returns the number of references to subtract, which is at least 1. */
static inline uint32_t green__foreign_release_take(green_foreign_release *release) {
    return __atomic_exchange_n(&release->count, 0, __ATOMIC_ACQ_REL);
}

/* Subtracts references of an object whose hub has ended. Returns how many are left; exactly
 * one caller gets each number. */
static inline uint32_t green__references_subtract(uint32_t *references, uint32_t count) {
    return __atomic_sub_fetch(references, count, __ATOMIC_ACQ_REL);
}

#endif
