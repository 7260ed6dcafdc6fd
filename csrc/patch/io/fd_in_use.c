#include "fd_in_use.h"

#include "../../core/interrupt.h"

#include <stdio.h>

/* A thread that closes a descriptor, parked until no call uses it. */
struct closer {
    green_wait wait;
    int fd;
};

enum { DRAIN_CHECKS = 1000 };
static size_t use_count;                      /* in this process; atomic */
static _Thread_local green_hub_table uses;    /* by descriptor */
static _Thread_local green_wait_list closers; /* valid while uses is not stale */

static green_hub_table_entry **bucket(const green_hub *hub, int fd) {
    if (green__hub_table_is_stale(&uses, hub))
        green__wait_list_init(&closers);
    return green__hub_table_bucket(&uses, hub, (unsigned)fd);
}

static green_fd_in_use *use_of(green_hub_table_entry *entry) {
    return GREEN_CONTAINER(entry, green_fd_in_use, entry);
}

static bool is_used(const green_hub *hub, int fd) {
    green_hub_table_entry *entry = *bucket(hub, fd);
    while (entry && use_of(entry)->fd != fd)
        entry = entry->next;
    return entry != NULL;
}

static struct closer *closer_of(const green_wait_link *link) {
    return GREEN_CONTAINER(GREEN_CONTAINER(link, green_wait, link), struct closer, wait);
}

static bool is_closing(int fd) {
    for (const green_wait_link *link = closers.next; link != &closers; link = link->next)
        if (closer_of(link)->fd == fd)
            return true;
    return false;
}

int green__fd_in_use_begin(green_hub *hub, green_fd_in_use *use, int fd) {
    green_hub_table_entry **place = bucket(hub, fd);
    if (is_closing(fd))
        return -EBADF;
    *use = (green_fd_in_use){.fd = fd, .thread = hub->current};
    green__hub_table_add(place, &use->entry);
    __atomic_add_fetch(&use_count, 1, __ATOMIC_RELAXED);
    return 0;
}

void green__fd_in_use_end(green_fd_in_use *use) {
    __atomic_sub_fetch(&use_count, 1, __ATOMIC_RELAXED);
    green__hub_table_remove(&use->entry);
    if (is_used(uses.hub, use->fd))
        return;
    for (const green_wait_link *link = closers.next; link != &closers; link = link->next)
        if (closer_of(link)->fd == use->fd)
            green__ready(closer_of(link)->wait.thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "in a patched call, closing descriptor %d that other calls use",
             GREEN_CONTAINER(wait, const struct closer, wait)->fd);
}

static const green_wait_kind closing = {NULL, describe};

/* Whether a call still waits, rather than being ready to end. */
static bool is_waited_for(const green_hub *hub, int fd) {
    for (green_hub_table_entry *entry = *bucket(hub, fd); entry; entry = entry->next)
        if (use_of(entry)->fd == fd && use_of(entry)->thread->state == GREEN_PARKED)
            return true;
    return false;
}

/* No other green thread may run. */
static void wait_without_parking(green_hub *hub, int fd) {
    while (is_waited_for(hub, fd))
        green__event_loop_poll(hub, GREEN_MILLISECOND);
}

int green__fd_in_use_wait(int fd) {
    green_hub *hub = green__hub;
    if (!hub || hub->in_event_loop || !is_used(hub, fd) || green__cannot_park(hub))
        return 0;
    if (is_closing(fd))
        return -EBADF;
    if (hub->current->must_not_block) {
        wait_without_parking(hub, fd);
        return 0;
    }
    struct closer closer = {.fd = fd};
    green__wait_init(hub, &closer.wait, &closing);
    green__wait_list_append(&closers, &closer.wait);
    green__park(hub, &closer.wait);
    green__wait_list_remove(&closer.wait); /* until here green__fd_in_use_begin() fails */
    return 0;
}

/* A used descriptor of a range, or -1. */
static int find_used(const green_hub *hub, unsigned first, unsigned last) {
    for (size_t i = 0; i < GREEN_HUB_TABLE_BUCKETS && uses.hub == hub; i++)
        for (green_hub_table_entry *entry = uses.buckets[i]; entry; entry = entry->next)
            if ((unsigned)use_of(entry)->fd >= first && (unsigned)use_of(entry)->fd <= last)
                return use_of(entry)->fd;
    return -1;
}

void green__fd_in_use_wait_range(unsigned first, unsigned last) {
    green_hub *hub = green__hub;
    int fd;
    if (!hub || hub->in_event_loop || green__cannot_park(hub))
        return;
    while ((fd = find_used(hub, first, last)) >= 0)
        if (green__fd_in_use_wait(fd) < 0)
            green__yield(hub); /* another thread waits to close it */
}

/* Whether green threads of this OS thread use any descriptor. */
static bool is_any_used(const green_hub *hub) {
    for (size_t i = 0; i < GREEN_HUB_TABLE_BUCKETS && uses.hub == hub; i++)
        if (uses.buckets[i])
            return true;
    return false;
}

void green__fd_in_use_drain(void) {
    green_hub *hub = green__may_park_here();
    while (hub && is_any_used(hub))
        green__yield(hub);
    for (int i = 0; i < DRAIN_CHECKS && __atomic_load_n(&use_count, __ATOMIC_RELAXED) > 0; i++)
        (void)green__block_briefly(GREEN_NEVER);
}
