#include "timer.h"

#include <errno.h>
#include <stdlib.h>

enum { CHILDREN = 4, CAPACITY_MIN = 64 };

static const size_t CAPACITY_MAX = UINT32_MAX / 2; /* so that numbers can be compared when they wrap around */

/* Equal deadlines are common only under a virtual clock. */
static inline bool is_before(struct green_deadline one, struct green_deadline other) {
    if (GREEN_LIKELY(one.at != other.at))
        return one.at < other.at;
    return (int32_t)(one.timer->number - other.timer->number) < 0;
}

static void place(green_timer_heap *heap, size_t index, struct green_deadline entry) {
    heap->entries[index] = entry;
    entry.timer->place = (uint32_t)index + 1;
}

/* A new timer comes after all with the same deadline. */
static inline void sift_up(green_timer_heap *heap, size_t index, struct green_deadline entry, bool is_new) {
    while (index > 0) {
        size_t parent = (index - 1) / CHILDREN;
        if (is_new ? heap->entries[parent].at <= entry.at : is_before(heap->entries[parent], entry))
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
            if (is_before(heap->entries[child], heap->entries[least]))
                least = child;
        if (is_before(entry, heap->entries[least]))
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
    if (capacity > CAPACITY_MAX)
        return -ENOMEM;
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
    timer->number = heap->started++;
    sift_up(heap, heap->count++, (struct green_deadline){deadline, timer}, true);
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
    if (index > 0 && is_before(last, heap->entries[(index - 1) / CHILDREN]))
        sift_up(heap, index, last, false);
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
