/* The hub that an object belongs to: that of the OS thread which first uses the
 * object. Creating an object needs no hub. */
#ifndef GREEN_SYNC_HUB_AFFINITY_H
#define GREEN_SYNC_HUB_AFFINITY_H

#include "../core/foreign_release.h"
#include "../core/hub.h"
#include "../core/interrupt.h"

int green__hub_affinity_set(green_hub **hub, const char *object);

/* Returns 0 if *hub is the hub of this OS thread, after setting it at the first
 * use. Otherwise returns -EXDEV, or the error of creating the hub. object is the
 * kind of object, such as "queue", for the error message. */
static inline int green__hub_affinity_check(green_hub **hub, const char *object) {
    return GREEN_LIKELY(*hub && *hub == green__hub) ? 0 : green__hub_affinity_set(hub, object);
}

/* Whether the object belongs to another hub than that of this OS thread. It is then freed by
 * green__foreign_release(). An object that no hub has used is freed on any OS thread. */
static inline bool green__hub_affinity_is_foreign(const green_hub *hub) {
    return hub && hub != green__hub;
}

/* The start of a call that may block but may also return at once: checks the hub
 * and delivers a pending interrupt. Returns 0 or -errno. */
static inline int green__hub_affinity_enter(green_hub **hub, const char *object) {
    int error = green__hub_affinity_check(hub, object);
    return error < 0 ? error : green__check_interrupt(*hub);
}

/* Parks the current thread in a list until it is woken, interrupted, or timeout
 * nanoseconds have passed. wait must be zeroed. Returns 0 or -errno; wait->cause
 * is the cause if the call itself was ended. */
static inline int green__wait_in_list(green_hub *hub, green_wait *wait, const green_wait_kind *kind,
                                      green_wait_list *list, int64_t timeout) {
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    green__wait_init(hub, wait, kind);
    green__wait_list_append(list, wait);
    return green__wait(hub, wait, timeout);
}

/* Ends all waits in a list with an error, in order. */
void green__wait_list_end(green_wait_list *list, int cause);

size_t green__wait_list_count(const green_wait_list *list);

#endif
