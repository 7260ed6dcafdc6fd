#include "timer.h"

#include <errno.h>
#include <stdlib.h>

enum { CHILDREN = 4, CAPACITY_MIN = 64 };

static void place(green_timer_heap *heap, size_t index, struct green_deadline entry) {
    heap->entries[index] = entry;
    entry.timer->place = index + 1;
}

static void sift_up(green_timer_heap *heap, size_t index, struct green_deadline entry) {
    while (index > 0) {
        size_t parent = (index - 1) / CHILDREN;
        if (heap->entries[parent].at <= entry.at)
            break;
        place(heap, index, heap->entries[parent]);
        index = parent;
    }
    place(heap, index, entry);
}

static void sift_down(green_timer_heap *heap, size_t index, struct green_deadline entry) {
    for (;;) {
        size_t first = index * CHILDREN + 1, least = first;
        if (first >= heap->count)
            break;
        size_t end = first + CHILDREN < heap->count ? first + CHILDREN : heap->count;
        for (size_t child = first + 1; child < end; child++)
            if (heap->entries[child].at < heap->entries[least].at)
                least = child;
        if (heap->entries[least].at >= entry.at)
            break;
        place(heap, index, heap->entries[least]);
        index = least;
    }
    place(heap, index, entry);
}

int green__timer_reserve(green_timer_heap *heap) {
    if (heap->count < heap->capacity)
        return 0;
    size_t capacity = heap->capacity ? heap->capacity * 2 : CAPACITY_MIN;
    void *entries = realloc(heap->entries, capacity * sizeof *heap->entries);
    if (!entries)
        return -ENOMEM;
    heap->entries = entries;
    heap->capacity = capacity;
    return 0;
}

int green__timer_start(green_timer_heap *heap, green_timer *timer, int64_t deadline) {
    if (green__timer_reserve(heap) < 0)
        return -ENOMEM;
    sift_up(heap, heap->count++, (struct green_deadline){deadline, timer});
    return 0;
}

void green__timer_cancel(green_timer_heap *heap, green_timer *timer) {
    if (timer->place == 0)
        return;
    size_t index = timer->place - 1;
    timer->place = 0;
    struct green_deadline last = heap->entries[--heap->count];
    if (index == heap->count)
        return;
    if (index > 0 && heap->entries[(index - 1) / CHILDREN].at > last.at)
        sift_up(heap, index, last);
    else
        sift_down(heap, index, last);
}

void green__timers_fire(green_timer_heap *heap, int64_t now) {
    /* A fired timer may start others that are due at once. So one call fires at most as
     * many as there are now. */
    for (size_t most = heap->count; most > 0 && heap->count > 0 && heap->entries[0].at <= now; most--) {
        green_timer *timer = heap->entries[0].timer;
        green__timer_cancel(heap, timer);
        timer->fire(timer);
    }
}

void green__timers_destroy(green_timer_heap *heap) {
    free(heap->entries);
    *heap = (green_timer_heap){0};
}
