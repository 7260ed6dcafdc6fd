/* The order of a priority queue: a binary heap of slots.
 *
 * Only the entries of the heap move, not the slots. Equal elements come out in
 * the order in which they were added. */
#ifndef GREEN_SYNC_HEAP_H
#define GREEN_SYNC_HEAP_H

#include "segmented_buffer.h"

#include <stdint.h>

typedef struct green_heap {
    struct green_heap_entry {
        void *slot;
        uint64_t number; /* in the order of insertion */
    } * entries;
    size_t count, capacity;
    uint64_t next_number;
    void *free_slots; /* a list, linked through the slots */
    void *removed;    /* the last removed slot, which may still hold its element */
    bool (*precedes)(const void *first, const void *second, void *context);
    void *context;
} green_heap;

/* Returns a free slot, which green__heap_push() adds to the heap. Returns NULL if
 * there is no memory. */
void *green__heap_reserve(green_heap *heap, green_segmented_buffer *buffer);

/* Adds the slot. The element must be in it. */
void green__heap_push(green_heap *heap, void *slot);

/* Removes the slot that precedes all others. The heap must not be empty. */
void *green__heap_pop(green_heap *heap);

/* Releases the memory of an empty heap, except for the last removed slot. */
void green__heap_shrink(green_heap *heap, green_segmented_buffer *buffer);

#endif
