/* Groups: threads in the order in which they finish. */
#include "../core/exit_observer.h"
#include "../core/fork.h"
#include "takers.h"

#include <green/group.h>

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
    green_foreign_release foreign_release;
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
        return green__fail(-ENOMEM, "cannot create a group");
    *group = (green_group){.takers = {.object = "group", .which = "next"}, .last = &group->finished};
    green__wait_list_init(&group->takers.waiting);
    *made = group;
    return 0;
}

static void stop_observing(green_group *group) {
    for (struct entry *entry = group->running; entry; entry = entry->next)
        green__exit_observer_remove(&entry->exit_observer);
}

static void drop_all(struct entry *entry) {
    for (struct entry *next; entry; entry = next) {
        next = entry->next;
        green_thread_release(entry->thread);
        free(entry);
    }
}

static void destroy(green_group *group) {
    drop_all(group->running);
    drop_all(group->finished);
    free(group);
}

static void foreign_released(green_post *post, int error) {
    green_group *group = GREEN_CONTAINER(post, green_group, foreign_release.post);
    if (error < 0)
        destroy(group);
    else
        green_group_free(group);
}

void green_group_free(green_group *group) {
    if (!group)
        return;
    if (green__hub_affinity_is_foreign(group->takers.hub)) {
        if (green__foreign_release(group->takers.hub, &group->foreign_release, foreign_released) > 0)
            destroy(group); /* its threads never exit */
        return;
    }
    green__wait_list_end(&group->takers.waiting, -EBADF);
    stop_observing(group);
    destroy(group);
}

int green_group_add(green_group *group, green_thread *thread) {
    int error = green__thread_check_hub(thread, "cannot add to a group");
    if (error == 0)
        error = green__hub_affinity_check(&group->takers.hub, "group");
    if (error < 0)
        return error;
    struct entry *entry = malloc(sizeof *entry);
    if (!entry)
        return green__fail(-ENOMEM, "cannot add a green thread to a group");
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
        return green__fail_timed_out(0, "none of the %zu green threads of a group has finished", takers->count);
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
