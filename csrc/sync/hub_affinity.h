/* Where an object of this room lives: the hub of the OS thread that first uses
 * it, so that making one needs no hub. */
#ifndef GREEN_SYNC_HUB_AFFINITY_H
#define GREEN_SYNC_HUB_AFFINITY_H

#include "../core/hub.h"
#include "../core/interrupt.h"

int green__hub_affinity_set(green_hub **home, const char *what);

/* 0, or the -errno of a call that is made where the object does not live;
 * what is "queue", for the sentence. */
static inline int green__hub_affinity_check(green_hub **home, const char *what) {
    return GREEN_LIKELY(*home && *home == green__hub) ? 0 : green__hub_affinity_set(home, what);
}

/* Ends every wait of a list with cause, first come first. */
void green__wait_list_end(green_wait_list *list, int cause);

size_t green__wait_list_count(const green_wait_list *list);

#endif
