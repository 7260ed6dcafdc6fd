/* The slots that a queue keeps its elements in: a row of chunks that never move,
 * so that the address of a slot can be handed out.
 *
 * Elements go in at the tail and come out at the head, or at the tail again. A
 * slot that has come out keeps its element until the caller has moved it, which
 * is before the next one goes in at the same place: see queue.c. */
#ifndef GREEN_SYNC_SEGMENTED_BUFFER_H
#define GREEN_SYNC_SEGMENTED_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct green_segment {
    struct green_segment *next, *previous;
    size_t size; /* bytes, with this header */
    char *end;   /* of its slots */
} green_segment;

typedef struct green_segmented_buffer {
    char *head, *head_end; /* where the next one comes out, and the end of that chunk */
    char *tail, *tail_end; /* where the next one goes in */
    char *tail_begin;      /* of the chunk that it goes into */
    size_t stride;         /* bytes from slot to slot */
    size_t alignment;
    green_segment *first, *last;
    size_t size;           /* bytes in the row of chunks */
    green_segment *spares; /* kept for the next growth */
    size_t spare_size, spare_limit;
} green_segmented_buffer;

/* A store without memory; the first slot allocates. */
void green__segmented_buffer_init(green_segmented_buffer *store, size_t element_size, size_t alignment);

/* How many elements it is going to hold: it keeps the memory for as many. */
void green__segmented_buffer_expect(green_segmented_buffer *store, size_t elements);

/* Frees all chunks. */
void green__segmented_buffer_destroy(green_segmented_buffer *store);

/* Empties the store, giving back every chunk but the one that slot is in; the
 * next slot may be that very one. */
void green__segmented_buffer_clear(green_segmented_buffer *store, const void *slot);

bool green__segmented_buffer_grow(green_segmented_buffer *store);
void green__segmented_buffer_advance(green_segmented_buffer *store);
void green__segmented_buffer_retreat(green_segmented_buffer *store);

/* A slot for one more; NULL without memory. */
static inline void *green__segmented_buffer_push_back(green_segmented_buffer *store) {
    if (store->tail == store->tail_end && !green__segmented_buffer_grow(store))
        return NULL;
    void *slot = store->tail;
    store->tail += store->stride;
    return slot;
}

/* The slot of the oldest. There is one. */
static inline void *green__segmented_buffer_pop_front(green_segmented_buffer *store) {
    if (store->head == store->head_end)
        green__segmented_buffer_advance(store);
    void *slot = store->head;
    store->head += store->stride;
    return slot;
}

/* The slot of the newest. There is one. */
static inline void *green__segmented_buffer_pop_back(green_segmented_buffer *store) {
    if (store->tail == store->tail_begin)
        green__segmented_buffer_retreat(store);
    store->tail -= store->stride;
    return store->tail;
}

#endif
