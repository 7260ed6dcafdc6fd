/* Groups: threads in the order in which they finish. */
#include "../core/exit_observer.h"
#include "../core/fork.h"
#include "takers.h"

#include <green/group.h>

#include <stdio.h>
#include <stdlib.h>

/* A thread of a group. It is in the list of running threads, then in the list of
 * finished ones. */
struct entry {
    green_exit_observer exit_observer;
    green_group *group;
    green_thread *thread; /* retained */
    struct entry *next, **place;
};

struct green_group {
    green_takers takers;
    struct entry *running; /* in no particular order */
    struct entry *finished, **last;
    size_t finished_count;
};

static green_thread *hand_out(green_group *group, struct entry *entry) {
    green_thread *thread = entry->thread;
    thread->observed = true;
    group->takers.count--;
    free(entry);
    return thread;
}

/* Passes a finished thread to the first waiter, or adds it to the list. */
static void arrive(green_group *group, struct entry *entry) {
    if (green__takers_first(&group->takers)) {
        green__takers_give(&group->takers, (green_taken){.item = hand_out(group, entry)});
        return;
    }
    entry->next = NULL;
    *group->last = entry;
    group->last = &entry->next;
    group->finished_count++;
}

static void entry_exited(green_exit_observer *observer, green_thread *thread) {
    (void)thread;
    struct entry *entry = GREEN_CONTAINER(observer, struct entry, exit_observer);
    *entry->place = entry->next;
    if (entry->next)
        entry->next->place = entry->place;
    arrive(entry->group, entry);
}

int green_group_make(green_group **made) {
    green_group *group = malloc(sizeof *group);
    if (!group)
        return green__fail(-ENOMEM, "cannot create a group: out of memory");
    *group = (green_group){.takers = {.object = "group", .which = "next"}, .last = &group->finished};
    green__wait_list_init(&group->takers.waiting);
    *made = group;
    return 0;
}

static void drop_all(struct entry *entry) {
    for (struct entry *next; entry; entry = next) {
        next = entry->next;
        green__exit_observer_remove(&entry->exit_observer);
        green_thread_release(entry->thread);
        free(entry);
    }
}

void green_group_free(green_group *group) {
    if (!group)
        return;
    green__wait_list_end(&group->takers.waiting, -EBADF);
    drop_all(group->running);
    drop_all(group->finished);
    free(group);
}

static int check_hub_affinity(const green_thread *thread, const char *call) {
    if (GREEN_LIKELY(thread->hub == green__hub))
        return 0;
    char label[GREEN_LABEL_MAX];
    return green__fail(-EXDEV, "%s: %s %s", call, green__thread_label(thread, label, sizeof label),
                       green__foreign_hub_reason(thread->hub));
}

int green_group_add(green_group *group, green_thread *thread) {
    int error = check_hub_affinity(thread, "adding to a group");
    if (error == 0)
        error = green__hub_affinity_check(&group->takers.hub, "group");
    if (error < 0)
        return error;
    struct entry *entry = malloc(sizeof *entry);
    if (!entry)
        return green__fail(-ENOMEM, "cannot add a green thread to a group: out of memory");
    *entry =
        (struct entry){.exit_observer.exited = entry_exited, .group = group, .thread = green_thread_retain(thread)};
    group->takers.count++;
    if (thread->state == GREEN_DONE) {
        arrive(group, entry);
        return 0;
    }
    entry->next = group->running;
    entry->place = &group->running;
    if (entry->next)
        entry->next->place = &entry->next;
    group->running = entry;
    green__exit_observer_add(thread, &entry->exit_observer);
    return 0;
}

static bool is_only(const green_group *group, const green_thread *thread) {
    for (const struct entry *entry = group->running; entry; entry = entry->next)
        if (entry->thread != thread)
            return false;
    return true;
}

int green_group_next(green_group *group, green_thread **thread, int64_t timeout) {
    green_takers *takers = &group->takers;
    if (!takers->hub)
        return green_check_interrupt(); /* no thread was ever added */
    int error = green__hub_affinity_enter(&takers->hub, takers->object);
    if (error < 0)
        return error;
    struct entry *first = group->finished;
    if (first) {
        group->finished = first->next;
        if (!first->next)
            group->last = &group->finished;
        group->finished_count--;
        *thread = hand_out(group, first);
        return 1;
    }
    if (takers->count == 0)
        return 0;
    if (is_only(group, takers->hub->current))
        return green__fail(-EDEADLK, "a green thread waits for a group that contains only itself");
    if (timeout == 0)
        return green__fail(-ETIMEDOUT, "none of the %zu green threads of a group has finished", takers->count);
    green_taken taken;
    int found = green__takers_wait(takers, &taken, timeout);
    if (found == 1)
        *thread = taken.item;
    return found;
}

size_t green_group_count(const green_group *group) {
    return group->takers.count;
}

size_t green_group_finished(const green_group *group) {
    return group->finished_count;
}

/* Any and all -------------------------------------------------------------- */

enum { NODES_ON_STACK = 16 };

/* One for each thread that is waited for. */
struct node {
    green_exit_observer exit_observer;
    struct several *several;
    green_thread *thread; /* retained: somebody may release the handle meanwhile */
};

struct several {
    green_wait wait;
    size_t count;        /* of nodes */
    size_t missing;      /* so many threads have to end before the wait does */
    green_thread *first; /* that has ended */
    struct node *nodes;
    struct node few[NODES_ON_STACK];
};

static void wake(green_wait *wait) {
    green__ready(wait->thread);
}

static void describe_several(const green_wait *wait, char *text, size_t size) {
    const struct several *several = GREEN_CONTAINER(wait, const struct several, wait);
    snprintf(text, size, "waiting for %zu of %zu green threads", several->missing, several->count);
}

static const green_wait_kind awaiting_several = {wake, describe_several};

static void node_exited(green_exit_observer *observer, green_thread *thread) {
    struct several *several = GREEN_CONTAINER(observer, struct node, exit_observer)->several;
    if (!several->first)
        several->first = thread;
    if (several->missing == 0)
        return; /* of any, this is not the first */
    several->missing--;
    /* Its timeout may have ended the wait a moment ago. */
    if (several->missing == 0 && several->wait.thread->state == GREEN_PARKED)
        wake(&several->wait);
}

static int watch(struct several *several, green_thread *const *threads, size_t count) {
    several->count = count;
    several->first = NULL;
    several->nodes = count <= NODES_ON_STACK ? several->few : calloc(count, sizeof *several->nodes);
    if (!several->nodes)
        return green__fail(-ENOMEM, "no memory for waiting for %zu green threads", count);
    for (size_t i = 0; i < count; i++) {
        struct node *node = &several->nodes[i];
        *node = (struct node){{.exited = node_exited}, several, green_thread_retain(threads[i])};
        if (threads[i]->state != GREEN_DONE)
            green__exit_observer_add(threads[i], &node->exit_observer);
    }
    return 0;
}

static void unwatch(struct several *several) {
    for (size_t i = 0; i < several->count; i++) {
        green__exit_observer_remove(&several->nodes[i].exit_observer);
        green_thread_release(several->nodes[i].thread);
    }
    if (several->nodes != several->few)
        free(several->nodes);
}

/* Parks until missing of the threads have ended. unwatch() is to follow when
 * several->nodes is set. */
static int wait_for_several(struct several *several, green_thread *const *threads, size_t count, size_t missing,
                            int64_t timeout) {
    green_hub *hub = green__hub;
    several->nodes = NULL;
    int error = green__begin(hub, timeout);
    if (error == 0)
        error = watch(several, threads, count);
    if (error < 0)
        return error;
    several->missing = missing;
    green__wait_init(hub, &several->wait, &awaiting_several);
    error = green__wait(hub, &several->wait, timeout);
    if (error < 0 && several->wait.cause == -ETIMEDOUT)
        green__fail(error, "waiting for %zu of %zu green threads", several->missing, count);
    return error;
}

/* Starts a wait for any number of threads, including none. */
static int enter(green_thread *const *threads, size_t count) {
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        error = check_hub_affinity(threads[i], "wait");
    return error < 0 ? error : green_check_interrupt();
}

/* Those that have not finished, once for each time they are named. */
static size_t count_unfinished(green_thread *const *threads, size_t count) {
    size_t unfinished = 0;
    for (size_t i = 0; i < count; i++)
        unfinished += threads[i]->state != GREEN_DONE;
    return unfinished;
}

static size_t count_of(const green_thread *thread, green_thread *const *threads, size_t count) {
    size_t times = 0;
    for (size_t i = 0; i < count; i++)
        times += threads[i] == thread;
    return times;
}

ssize_t green_wait_any(green_thread *const *threads, size_t count, int64_t timeout) {
    if (count == 0)
        return green__fail(-EINVAL, "waiting for any of no green threads");
    int error = enter(threads, count);
    if (error < 0)
        return error;
    for (size_t i = 0; i < count; i++)
        if (threads[i]->state == GREEN_DONE) {
            threads[i]->observed = true;
            return (ssize_t)i;
        }
    if (count_of(green__hub->current, threads, count) == count)
        return green__fail(-EDEADLK, "a green thread waits for itself");
    if (timeout == 0)
        return green__fail(-ETIMEDOUT, "none of %zu green threads has finished", count);
    struct several any;
    size_t index = 0;
    error = wait_for_several(&any, threads, count, 1, timeout);
    if (error == 0) {
        while (any.nodes[index].thread != any.first)
            index++;
        any.first->observed = true;
    }
    if (any.nodes)
        unwatch(&any);
    return error < 0 ? error : (ssize_t)index;
}

int green_wait_all(green_thread *const *threads, size_t count, int64_t timeout) {
    int error = enter(threads, count);
    if (error < 0)
        return error;
    size_t unfinished = count_unfinished(threads, count);
    if (unfinished == 0) {
        for (size_t i = 0; i < count; i++)
            threads[i]->observed = true;
        return 0;
    }
    const green_thread *self = green__hub->current;
    if (self->state != GREEN_DONE && count_of(self, threads, count) > 0)
        return green__fail(-EDEADLK, "a green thread waits for itself and %zu others", count - 1);
    if (timeout == 0)
        return green__fail(-ETIMEDOUT, "%zu of %zu green threads have not finished", unfinished, count);
    struct several all;
    error = wait_for_several(&all, threads, count, unfinished, timeout);
    for (size_t i = 0; i < count && error == 0; i++)
        all.nodes[i].thread->observed = true;
    if (all.nodes)
        unwatch(&all);
    return error;
}
