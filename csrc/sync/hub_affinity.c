#include "hub_affinity.h"

#include "../core/fork.h"

int green__hub_affinity_set(green_hub **home, const char *what) {
    if (*home)
        return green__fail(-EXDEV, "this %s %s", what, green__foreign_hub_reason(*home));
    int error = 0;
    *home = green__hub_here(&error);
    return *home ? 0 : error;
}

void green__wait_list_end(green_wait_list *list, int cause) {
    while (!green__wait_list_is_empty(list))
        green__wait_end(GREEN_CONTAINER(list->next, green_wait, link), cause);
}

size_t green__wait_list_count(const green_wait_list *list) {
    size_t count = 0;
    for (const green_wait_link *link = list->next; link != list; link = link->next)
        count++;
    return count;
}
