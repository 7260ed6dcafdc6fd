#include "hub_affinity.h"

#include "../core/fork.h"
#include "../core/select.h"

int green__hub_affinity_set(green_hub **hub, const char *object) {
    if (*hub && green__hub_is_abandoned(*hub))
        return green__fail(-EXDEV, "this %s belongs to the process before the fork", object);
    if (*hub)
        return green__fail(-EXDEV,
                           "this %s lives on another OS thread; to pass values between OS threads, use a channel "
                           "(green_channel, or Channel in Swift) or a promise",
                           object);
    int error = 0;
    *hub = green__hub_here(&error);
    return *hub ? 0 : error;
}

void green__wait_list_end(green_wait_list *list, int cause) {
    while (!green__wait_list_is_empty(list)) {
        green_wait *first = GREEN_CONTAINER(list->next, green_wait, link);
        if (GREEN_LIKELY(!first->select)) {
            green__wait_end(first, cause);
        } else {
            green__wait_list_pop(list);
            green__select_serve(first, cause);
        }
    }
}

size_t green__wait_list_count(const green_wait_list *list) {
    size_t count = 0;
    for (const green_wait_link *link = list->next; link != list; link = link->next)
        count++;
    return count;
}
