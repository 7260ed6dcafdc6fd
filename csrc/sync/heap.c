#include "heap.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 32, CAPACITY_KEPT = 1024 };

static bool comes_before(const green_heap *heap, struct green_heap_entry first, struct green_heap_entry second) {
    if (heap->precedes(first.slot, second.slot, heap->context))
        return true;
    return first.number < second.number && !heap->precedes(second.slot, first.slot, heap->context);
}

static bool reserve(green_heap *heap) {
    if (heap->count < heap->capacity)
        return true;
    size_t capacity = heap->capacity ? heap->capacity * 2 : CAPACITY_MIN;
    void *entries = realloc(heap->entries, capacity * sizeof *heap->entries);
    if (!entries)
        return false;
    heap->entries = entries;
    heap->capacity = capacity;
    return true;
}

void *green__heap_reserve(green_heap *heap, green_segmented_buffer *buffer) {
    if (!reserve(heap))
        return NULL;
    void *slot = heap->free_slots;
    if (!slot)
        return green__segmented_buffer_push_back(buffer);
    heap->free_slots = *(void **)slot;
    return slot;
}

void green__heap_push(green_heap *heap, void *slot) {
    struct green_heap_entry entry = {slot, heap->next_number++};
    size_t index = heap->count++;
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!comes_before(heap, entry, heap->entries[parent]))
            break;
        heap->entries[index] = heap->entries[parent];
        index = parent;
    }
    heap->entries[index] = entry;
}

/* Fills the place of the removed first entry. */
static void sift_down(green_heap *heap, struct green_heap_entry entry) {
    size_t index = 0;
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && comes_before(heap, heap->entries[child + 1], heap->entries[child]))
            child++;
        if (!comes_before(heap, heap->entries[child], entry))
            break;
        heap->entries[index] = heap->entries[child];
        index = child;
    }
    heap->entries[index] = entry;
}

void *green__heap_pop(green_heap *heap) {
    if (heap->removed) {
        *(void **)heap->removed = heap->free_slots;
        heap->free_slots = heap->removed;
    }
    heap->removed = heap->entries[0].slot;
    if (--heap->count > 0)
        sift_down(heap, heap->entries[heap->count]);
    return heap->removed;
}

void green__heap_shrink(green_heap *heap, green_segmented_buffer *buffer) {
    green__segmented_buffer_clear(buffer, heap->removed);
    heap->free_slots = heap->removed = NULL;
    if (heap->capacity > CAPACITY_KEPT) {
        free(heap->entries);
        heap->entries = NULL;
        heap->capacity = 0;
    }
}
