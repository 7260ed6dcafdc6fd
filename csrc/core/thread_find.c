/* Finding the threads of a hub, among them those that were started without a handle. */
#include "hub.h"

#include <errno.h>
#include <stdlib.h>

struct search {
    uint64_t id;
    green_thread *found;
};

static void compare(green_thread *thread, void *context) {
    struct search *search = context;
    if (thread->id == search->id && !thread->is_own)
        search->found = thread;
}

green_thread *green_thread_find(uint64_t id) {
    struct search search = {.id = id};
    if (green__hub)
        green__hub_each_thread(green__hub, compare, &search);
    return search.found ? green_thread_retain(search.found) : NULL;
}

/* The threads are collected first, because visit may start others, and end the last handles of
 * others. */
struct collection {
    green_thread **threads;
    size_t count;
};

static void count_thread(green_thread *thread, void *context) {
    struct collection *all = context;
    all->count += !thread->is_own;
}

static void collect(green_thread *thread, void *context) {
    struct collection *all = context;
    if (!thread->is_own)
        all->threads[all->count++] = green_thread_retain(thread);
}

static int by_id(const void *left, const void *right) {
    const green_thread *const *first = left, *const *second = right;
    return ((*first)->id > (*second)->id) - ((*first)->id < (*second)->id);
}

int green_thread_each(void (*visit)(green_thread *thread, void *context), void *context) {
    struct collection all = {0};
    if (!green__hub)
        return 0;
    green__hub_each_thread(green__hub, count_thread, &all);
    all.threads = malloc((all.count + 1) * sizeof *all.threads);
    if (!all.threads)
        return green__fail(-ENOMEM, "cannot list %zu green threads", all.count);
    all.count = 0;
    green__hub_each_thread(green__hub, collect, &all);
    qsort(all.threads, all.count, sizeof *all.threads, by_id);
    for (size_t i = 0; i < all.count; i++) {
        visit(all.threads[i], context);
        green_thread_release(all.threads[i]);
    }
    free(all.threads);
    return 0;
}
