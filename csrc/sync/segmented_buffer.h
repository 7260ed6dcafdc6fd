/* The storage of a queue: a list of segments that hold slots for elements.
 *
 * Slots do not move, so their addresses can be passed to callers. Slots are added
 * at the tail and removed at the head or at the tail. A removed slot keeps its
 * element until the slot is reused; the caller moves the element before that. */
#ifndef GREEN_SYNC_SEGMENTED_BUFFER_H
#define GREEN_SYNC_SEGMENTED_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct green_segment {
    struct green_segment *next, *previous;
    size_t size; /* in bytes, including this header */
    char *end;   /* of the slots */
} green_segment;

typedef struct green_segmented_buffer {
    char *head, *head_end; /* the oldest slot, and the end of its segment */
    char *tail, *tail_end; /* the next free slot, and the end of its segment */
    char *tail_begin;      /* the first slot of that segment */
    size_t stride;         /* bytes from one slot to the next */
    size_t alignment;
    green_segment *first, *last;
    size_t size;           /* bytes in all segments in use */
    green_segment *spares; /* free segments, kept for reuse */
    size_t spare_size, spare_limit;
} green_segmented_buffer;

/* Checks the options of a queue or a channel. Returns 0 or -EINVAL; object is the kind of
 * object, for the message. */
int green__segmented_buffer_check(const char *object, int64_t capacity, size_t element_size, size_t alignment);

/* Initializes an empty buffer. The first slot allocates memory. */
void green__segmented_buffer_init(green_segmented_buffer *buffer, size_t element_size, size_t alignment);

/* Sets how many elements the buffer is expected to hold. It keeps spare segments
 * for that many. */
void green__segmented_buffer_expect(green_segmented_buffer *buffer, size_t elements);

/* Frees all segments. The buffer is empty and can be used again. */
void green__segmented_buffer_destroy(green_segmented_buffer *buffer);

/* Removes all slots and releases all segments except the one that contains slot.
 * The next slot may be the same one. */
void green__segmented_buffer_clear(green_segmented_buffer *buffer, const void *slot);

bool green__segmented_buffer_grow(green_segmented_buffer *buffer);
void green__segmented_buffer_advance(green_segmented_buffer *buffer);
void green__segmented_buffer_retreat(green_segmented_buffer *buffer);

/* Adds a slot at the tail. Returns NULL if there is no memory. */
static inline void *green__segmented_buffer_push_back(green_segmented_buffer *buffer) {
    if (buffer->tail == buffer->tail_end && !green__segmented_buffer_grow(buffer))
        return NULL;
    void *slot = buffer->tail;
    buffer->tail += buffer->stride;
    return slot;
}

/* Removes the oldest slot. The buffer must not be empty. */
static inline void *green__segmented_buffer_pop_front(green_segmented_buffer *buffer) {
    if (buffer->head == buffer->head_end)
        green__segmented_buffer_advance(buffer);
    void *slot = buffer->head;
    buffer->head += buffer->stride;
    return slot;
}

/* Removes the newest slot. The buffer must not be empty. */
static inline void *green__segmented_buffer_pop_back(green_segmented_buffer *buffer) {
    if (buffer->tail == buffer->tail_begin)
        green__segmented_buffer_retreat(buffer);
    buffer->tail -= buffer->stride;
    return buffer->tail;
}

/* Moves an element into a slot or out of one, by the function of the object's options. */
static inline void green__element_move(void *to, void *from, size_t size, void (*move)(void *, void *, void *),
                                       void *context) {
    if (move)
        move(to, from, context);
    else if (size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t)); /* inlined, unlike the next */
    else
        memcpy(to, from, size);
}

#endif
