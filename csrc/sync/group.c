/* Groups: threads in the order in which they finish. */
#include "../core/exit_observer.h"
#include "../core/fork.h"
#include "takers.h"

#include <green/group.h>

#include <stdlib.h>

enum { BLOCK_ENTRIES = 8 };

/* A thread of a group. It is in the list of running threads, then in the list of
 * finished ones. */
struct entry {
    green_exit_observer exit_observer;
    green_group *group;
    green_thread *thread; /* retained */
    void *context;
    struct entry *next, **place;
};

struct block {
    struct block *next;
    struct entry entries[BLOCK_ENTRIES];
};

struct green_group {
    green_takers takers;
    struct entry *running; /* in no particular order */
    struct entry *finished, **last;
    size_t finished_count;
    struct entry *spare;
    struct block *blocks;           /* freed with the group */
    void (*discard)(void *context); /* called with those of the threads that are left; NULL: none */
    green_foreign_release foreign_release;
};

static inline void entry_give(green_group *group, struct entry *entry) {
    entry->next = group->spare;
    group->spare = entry;
}

static __attribute__((noinline)) bool add_block(green_group *group) {
    struct block *block = malloc(sizeof *block);
    if (!block)
        return false;
    block->next = group->blocks;
    group->blocks = block;
    for (size_t i = BLOCK_ENTRIES; i-- > 0;)
        entry_give(group, &block->entries[i]);
    return true;
}

/* Returns NULL without a message if there is no memory. */
static inline struct entry *entry_take(green_group *group) {
    if (GREEN_UNLIKELY(!group->spare) && !add_block(group))
        return NULL;
    struct entry *entry = group->spare;
    group->spare = entry->next;
    return entry;
}

static inline green_taken hand_out(green_group *group, struct entry *entry) {
    green_taken taken = {.item = entry->context, .thread = entry->thread};
    entry->thread->observed = true;
    group->takers.count--;
    entry_give(group, entry);
    return taken;
}

/* Passes a finished thread to the first waiter, or adds it to the list. */
static void arrive(green_group *group, struct entry *entry) {
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

static void drop_all(green_group *group, struct entry *entry) {
    for (struct entry *next; entry; entry = next) {
        next = entry->next;
        if (group->discard)
            group->discard(entry->context);
        green_thread_release(entry->thread);
    }
}

static void destroy(green_group *group) {
    drop_all(group, group->running);
    drop_all(group, group->finished);
    for (struct block *block = group->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
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

void green_group_free_with(green_group *group, void (*discard)(void *context)) {
    if (!group)
        return;
    group->discard = discard;
    green_group_free(group);
}

/* Adds a thread that runs, and takes over a reference to it. */
static inline void enter(green_group *group, struct entry *entry, green_thread *thread, void *context) {
    *entry = (struct entry){.exit_observer.exited = entry_exited, .group = group, .thread = thread, .context = context};
    group->takers.count++;
    entry->next = group->running;
    entry->place = &group->running;
    if (entry->next)
        entry->next->place = &entry->next;
    group->running = entry;
    green__exit_observer_add(thread, &entry->exit_observer);
}

int green_group_add_with(green_group *group, green_thread *thread, void *context) {
    int error = green__thread_check_hub(thread, "cannot add to a group");
    if (error == 0)
        error = green__hub_affinity_check(&group->takers.hub, "group");
    if (error < 0)
        return error;
    struct entry *entry = entry_take(group);
    if (!entry)
        return green__fail(-ENOMEM, "cannot add a green thread to a group");
    green_thread_retain(thread);
    if (thread->state != GREEN_DONE) {
        enter(group, entry, thread, context);
        return 0;
    }
    *entry = (struct entry){.group = group, .thread = thread, .context = context};
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
    struct entry *entry = entry_take(group);
    if (!entry)
        return green__fail(-ENOMEM, "cannot spawn a green thread of a group");
    green_thread *thread = NULL;
    error = options ? green_spawn_with(&thread, options, function, argument) : green_spawn(&thread, function, argument);
    if (error < 0) {
        entry_give(group, entry);
        return error;
    }
    enter(group, entry, thread, argument);
    if (handle)
        *handle = green_thread_retain(thread);
    return 0;
}

static bool is_only(const green_group *group, const green_thread *thread) {
    for (const struct entry *entry = group->running; entry; entry = entry->next)
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
    struct entry *first = group->finished;
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
