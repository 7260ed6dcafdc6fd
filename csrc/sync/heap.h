/* The elements of a priority queue: a binary heap of slots.
 *
 * The slots stay where they are, only the entries move; equal elements come out
 * as they came in. */
#ifndef GREEN_SYNC_HEAP_H
#define GREEN_SYNC_HEAP_H

#include "segmented_buffer.h"

#include <stdint.h>

typedef struct green_heap {
    struct green_heap_entry {
        void *slot;
        uint64_t number; /* counts the elements that ever came */
    } * entries;
    size_t count, capacity;
    uint64_t numbers;
    void *free_slots; /* a list through the slots themselves */
    void *taken;      /* the slot that came out last: its element may be in it yet */
    bool (*precedes)(const void *first, const void *second, void *context);
    void *context;
} green_heap;

/* A slot for one more, which is no part of the heap before green__heap_push();
 * NULL without memory. */
void *green__heap_reserve(green_heap *heap, green_segmented_buffer *store);

/* Puts the element that is in the slot in its place. */
void green__heap_push(green_heap *heap, void *slot);

/* The slot of the first. There is one. */
void *green__heap_pop(green_heap *heap);

/* Gives back the memory of an empty heap, but for the slot that came out last. */
void green__heap_shrink(green_heap *heap, green_segmented_buffer *store);

#endif
