#include "fd_in_use.h"

#include <stdio.h>

/* Somebody who closes, parked until the last use has ended. */
struct closer {
    green_wait wait;
    int fd;
};

/* By number, and known by their hub, as in wait_fds.c. */
enum { BUCKETS = 64, DRAIN_LOOKS = 1000 };
static size_t count; /* of the process's; atomic */
static _Thread_local struct {
    const green_hub *hub;
    green_fd_in_use *first[BUCKETS];
    green_wait_list closers;
} used;

static green_fd_in_use **bucket(const green_hub *hub, int fd) {
    if (GREEN_UNLIKELY(used.hub != hub)) {
        for (size_t i = 0; i < BUCKETS; i++)
            used.first[i] = NULL;
        green__wait_list_init(&used.closers);
        used.hub = hub;
    }
    return &used.first[(unsigned)fd % BUCKETS];
}

static bool is_used(const green_hub *hub, int fd) {
    const green_fd_in_use *use = *bucket(hub, fd);
    while (use && use->fd != fd)
        use = use->next;
    return use != NULL;
}

static struct closer *closer_of(const green_wait_link *link) {
    return GREEN_CONTAINER(GREEN_CONTAINER(link, green_wait, link), struct closer, wait);
}

static bool is_closing(int fd) {
    for (const green_wait_link *link = used.closers.next; link != &used.closers; link = link->next)
        if (closer_of(link)->fd == fd)
            return true;
    return false;
}

int green__fd_in_use_begin(green_hub *hub, green_fd_in_use *use, int fd) {
    green_fd_in_use **place = bucket(hub, fd);
    if (is_closing(fd))
        return -EBADF;
    *use = (green_fd_in_use){.fd = fd, .thread = hub->current, .next = *place, .place = place};
    if (use->next)
        use->next->place = &use->next;
    *place = use;
    __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    return 0;
}

void green__fd_in_use_end(green_fd_in_use *use) {
    __atomic_sub_fetch(&count, 1, __ATOMIC_RELAXED);
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

/* Whether a call is waiting, and not only about to hear that it need not any more. */
static bool is_waited_for(const green_hub *hub, int fd) {
    for (const green_fd_in_use *use = *bucket(hub, fd); use; use = use->next)
        if (use->fd == fd && use->thread->state == GREEN_PARKED)
            return true;
    return false;
}

/* A turn of the engine only, since no other thread may run. */
static void wait_in_place(green_hub *hub, int fd) {
    hub->in_event_loop = true;
    while (is_waited_for(hub, fd))
        hub->engine->class->turn(hub->engine, GREEN_MILLISECOND);
    hub->in_event_loop = false;
}

int green__fd_in_use_wait(int fd) {
    green_hub *hub = green__hub;
    if (!hub || hub->in_event_loop || !is_used(hub, fd) || green__cannot_park(hub))
        return 0;
    if (is_closing(fd))
        return -EBADF;
    if (hub->current->must_not_block) {
        wait_in_place(hub, fd);
        return 0;
    }
    struct closer closer = {.fd = fd};
    green__wait_init(hub, &closer.wait, &closing);
    green__wait_list_append(&used.closers, &closer.wait);
    green__park(hub, &closer.wait);
    green__wait_list_remove(&closer.wait); /* until here nobody begins to use it */
    return 0;
}

/* Those of this OS thread; of others it would be a matter of luck. */
static bool is_any_used(const green_hub *hub) {
    for (size_t i = 0; i < BUCKETS && used.hub == hub; i++)
        if (used.first[i])
            return true;
    return false;
}

void green__fd_in_use_drain(void) {
    green_hub *hub = green__may_park_here();
    while (hub && is_any_used(hub))
        green__yield(hub);
    for (int i = 0; i < DRAIN_LOOKS && __atomic_load_n(&count, __ATOMIC_RELAXED) > 0; i++)
        (void)green__wait_fds_blocking(GREEN_NEVER);
}
