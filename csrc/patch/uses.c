#include "uses.h"

#include <stdio.h>

/* Somebody who closes, parked until the last use has ended. */
struct closer {
    green_wait wait;
    int fd;
};

/* By number, and known by their hub, as in watch.c. */
enum { BUCKETS = 64 };
static _Thread_local struct {
    const green_hub *hub;
    green_use *first[BUCKETS];
    green_wait_list closers;
} used;

static green_use **bucket(const green_hub *hub, int fd) {
    if (GREEN_UNLIKELY(used.hub != hub)) {
        for (size_t i = 0; i < BUCKETS; i++)
            used.first[i] = NULL;
        green__list_init(&used.closers);
        used.hub = hub;
    }
    return &used.first[(unsigned)fd % BUCKETS];
}

static bool is_used(const green_hub *hub, int fd) {
    const green_use *use = *bucket(hub, fd);
    while (use && use->fd != fd)
        use = use->next;
    return use != NULL;
}

static struct closer *closer_of(const green_wait_link *link) {
    return GREEN_CONTAINER(GREEN_CONTAINER(link, green_wait, link), struct closer, wait);
}

int green__use_begin(green_hub *hub, green_use *use, int fd) {
    green_use **place = bucket(hub, fd);
    for (const green_wait_link *link = used.closers.next; link != &used.closers; link = link->next)
        if (closer_of(link)->fd == fd)
            return -EBADF;
    *use = (green_use){.fd = fd, .next = *place, .place = place};
    if (use->next)
        use->next->place = &use->next;
    *place = use;
    return 0;
}

void green__use_end(green_use *use) {
    *use->place = use->next;
    if (use->next)
        use->next->place = use->place;
    if (is_used(used.hub, use->fd))
        return;
    for (const green_wait_link *link = used.closers.next; link != &used.closers; link = link->next)
        if (closer_of(link)->fd == use->fd)
            green__ready(closer_of(link)->wait.thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "in a patched call, closing descriptor %d, which others use",
             GREEN_CONTAINER(wait, const struct closer, wait)->fd);
}

static const green_wait_kind closing = {NULL, describe};

void green__uses_end(int fd) {
    green_hub *hub = green__may_park();
    if (!hub || !is_used(hub, fd) || green__is_vfork_child(hub))
        return;
    struct closer closer = {.fd = fd};
    green__wait_init(hub, &closer.wait, &closing);
    green__list_append(&used.closers, &closer.wait);
    green__park(hub, &closer.wait);
    green__list_remove(&closer.wait); /* until here nobody begins to use it */
}
