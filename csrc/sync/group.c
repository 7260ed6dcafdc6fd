/* Groups: threads in the order in which they finish. */
#include "../core/fork.h"
#include "../core/thread.h"
#include "group_record.h"
#include "kill_and_wait.h"

#include <stdlib.h>

/* Returns NULL without a message if there is no memory. */
static inline green_group_entry *entry_take(green_group *group) {
    if (GREEN_UNLIKELY(!group->spare) && !green__group_add_block(group))
        return NULL;
    green_group_entry *entry = group->spare;
    group->spare = entry->next;
    return entry;
}

static inline green_taken hand_out(green_group *group, green_group_entry *entry) {
    green_taken taken = {.item = entry->context, .thread = entry->thread};
    entry->thread->observed = true;
    group->takers.count--;
    green__group_entry_give(group, entry);
    return taken;
}

/* Passes a finished thread to the first waiter, or adds it to the list. */
static void arrive(green_group *group, green_group_entry *entry) {
    if (green__takers_first(&group->takers)) {
        green__takers_give(&group->takers, hand_out(group, entry));
        return;
    }
    entry->next = NULL;
    *group->last = entry;
    group->last = &entry->next;
    group->finished_count++;
}

static void entry_exited(green_exit_observer *observer, green_thread *thread) {
    green_group_entry *entry = GREEN_CONTAINER(observer, green_group_entry, exit_observer);
    *entry->place = entry->next;
    if (entry->next)
        entry->next->place = entry->place;
    green_group *group = entry->group;
    void *context = entry->context;
    arrive(group, entry);
    if (GREEN_UNLIKELY(group->scope != NULL))
        green__group_child_exited(group, thread, context);
}

int green_group_make(green_group **made) {
    green_group *group = malloc(sizeof *group);
    if (!group)
        return green__fail(-ENOMEM, "cannot create a group");
    green__group_init(group);
    *made = group;
    return 0;
}

static void foreign_released(green_post *post, int error) {
    green_group *group = GREEN_CONTAINER(post, green_group, foreign_release.post);
    if (error < 0)
        green__group_destroy(group);
    else
        green_group_free(group);
}

void green_group_free(green_group *group) {
    if (!group)
        return;
    if (green__hub_affinity_is_foreign(group->takers.hub)) {
        if (green__foreign_release(group->takers.hub, &group->foreign_release, foreign_released) > 0)
            green__group_destroy(group); /* its threads never exit */
        return;
    }
    if (group->scope && group->scope->is_ending) {
        group->scope->is_freed = true;
        green__group_kill_for_good(group);
        return; /* green_group_end() frees it */
    }
    if (group->scope)
        green__group_abandon(group);
    green__group_free_here(group);
}

void green_group_free_with(green_group *group, void (*discard)(void *context)) {
    if (!group)
        return;
    group->discard = discard;
    green_group_free(group);
}

/* Adds a thread that runs, and takes over a reference to it. */
static inline void enter(green_group *group, green_group_entry *entry, green_thread *thread, void *context) {
    *entry =
        (green_group_entry){.exit_observer.exited = entry_exited, .group = group, .thread = thread, .context = context};
    group->takers.count++;
    entry->next = group->running;
    entry->place = &group->running;
    if (entry->next)
        entry->next->place = &entry->next;
    group->running = entry;
    green__exit_observer_add(thread, &entry->exit_observer);
    if (GREEN_UNLIKELY(group->scope != NULL) && group->scope->has_ended)
        green__thread_kill_for_good(thread);
}

int green_group_add_with(green_group *group, green_thread *thread, void *context) {
    int error = green__thread_check_hub(thread, "cannot add to a group");
    if (error == 0)
        error = green__hub_affinity_check(&group->takers.hub, "group");
    if (error < 0)
        return error;
    if (group->scope && group->scope->owner == thread)
        return green__fail(-EDEADLK, "cannot add a green thread to a group that waits for its end");
    green_group_entry *entry = entry_take(group);
    if (!entry)
        return green__fail(-ENOMEM, "cannot add a green thread to a group");
    green_thread_retain(thread);
    if (thread->state != GREEN_DONE) {
        enter(group, entry, thread, context);
        return 0;
    }
    *entry = (green_group_entry){.group = group, .thread = thread, .context = context};
    group->takers.count++;
    arrive(group, entry);
    return 0;
}

int green_group_add(green_group *group, green_thread *thread) {
    return green_group_add_with(group, thread, NULL);
}

int green_group_spawn(green_group *group, green_thread **handle, const green_spawn_options *options,
                      green_function *function, void *argument) {
    if (handle)
        *handle = NULL;
    int error = green__hub_affinity_check(&group->takers.hub, "group");
    if (error < 0)
        return error;
    green_group_entry *entry = entry_take(group);
    if (!entry)
        return green__fail(-ENOMEM, "cannot spawn a green thread of a group");
    green_thread *thread = NULL;
    error = options ? green_spawn_with(&thread, options, function, argument) : green_spawn(&thread, function, argument);
    if (error < 0) {
        green__group_entry_give(group, entry);
        return error;
    }
    enter(group, entry, thread, argument);
    if (handle)
        *handle = green_thread_retain(thread);
    return 0;
}

static bool is_only(const green_group *group, const green_thread *thread) {
    for (const green_group_entry *entry = group->running; entry; entry = entry->next)
        if (entry->thread != thread)
            return false;
    return true;
}

static int take(green_group *group, green_taken *taken, int64_t timeout) {
    green_takers *takers = &group->takers;
    if (!takers->hub)
        return green_check_interrupt(); /* no thread was ever added */
    int error = green__hub_affinity_enter(&takers->hub, takers->object);
    if (error < 0)
        return error;
    green_group_entry *first = group->finished;
    if (first) {
        group->finished = first->next;
        if (!first->next)
            group->last = &group->finished;
        group->finished_count--;
        *taken = hand_out(group, first);
        return 1;
    }
    if (takers->count == 0)
        return 0;
    if (is_only(group, takers->hub->current))
        return green__fail(-EDEADLK, "a green thread waits for a group that contains only itself");
    if (timeout == 0)
        return green__fail_timed_out(0, "none of the %zu green threads of a group has finished", takers->count);
    return green__takers_wait(takers, taken, timeout);
}

int green_group_next_with(green_group *group, green_thread **thread, void **context, int64_t timeout) {
    green_taken taken;
    int found = take(group, &taken, timeout);
    if (found != 1)
        return found;
    if (context)
        *context = taken.item;
    if (thread)
        *thread = taken.thread;
    else
        green_thread_release(taken.thread);
    return 1;
}

int green_group_next(green_group *group, green_thread **thread, int64_t timeout) {
    return green_group_next_with(group, thread, NULL, timeout);
}

size_t green_group_count(const green_group *group) {
    return group->takers.count;
}

size_t green_group_finished(const green_group *group) {
    return group->finished_count;
}

int green_group_kill_all(green_group *group) {
    int error = green__hub_affinity_check(&group->takers.hub, "group");
    if (error < 0)
        return error;
    for (green_group_entry *entry = group->running; entry; entry = entry->next)
        green__thread_kill_unless_current(entry->thread);
    return 0;
}

static void each_running(void *group, void (*visit)(green_thread *, void *), void *context) {
    for (green_group_entry *entry = ((green_group *)group)->running; entry; entry = entry->next)
        visit(entry->thread, context);
}

int green_group_kill_all_and_wait(green_group *group, int64_t timeout) {
    int error = green__hub_affinity_check(&group->takers.hub, "group");
    return error < 0 ? error : green__kill_and_wait(group->takers.hub, each_running, group, timeout);
}
