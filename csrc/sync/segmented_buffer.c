#include "segmented_buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    SEGMENT_SIZE = 4096,
    /* At least two: the slot that has just come out of a chunk must not be the
     * next that goes in. */
    SLOTS_MIN = 4,
    /* A row that has grown this long goes on in mappings, whose memory goes
     * back to the system with them, whatever lies beside it in the heap. */
    ROW_SMALL = 16 * SEGMENT_SIZE,
    MAPPING_SIZE = 256 * 1024,
};

static size_t round_up(size_t value, size_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

static size_t header_size(const green_segmented_buffer *store) {
    return round_up(sizeof(green_segment), store->alignment);
}

static char *slots_of(const green_segmented_buffer *store, green_segment *chunk) {
    return (char *)chunk + header_size(store);
}

void green__segmented_buffer_init(green_segmented_buffer *store, size_t element_size, size_t alignment) {
    *store = (green_segmented_buffer){.alignment = alignment > sizeof(void *) ? alignment : sizeof(void *)};
    /* Even an element without size has a place of its own, and there is room
     * for a pointer in a free slot. */
    store->stride = round_up(element_size > 0 ? element_size : 1, store->alignment);
    green__segmented_buffer_expect(store, 0);
}

static bool is_mapped(const green_segment *chunk) {
    return chunk->size == MAPPING_SIZE;
}

static void segment_free(green_segment *chunk) {
    if (is_mapped(chunk))
        munmap(chunk, MAPPING_SIZE);
    else
        free(chunk);
}

static void free_segments(green_segment *chunk) {
    for (green_segment *next; chunk; chunk = next) {
        next = chunk->next;
        segment_free(chunk);
    }
}

void green__segmented_buffer_expect(green_segmented_buffer *store, size_t elements) {
    size_t size;
    if (__builtin_mul_overflow(elements, store->stride, &size))
        size = SIZE_MAX / 2;
    store->spare_limit = size + SEGMENT_SIZE;
}

void green__segmented_buffer_destroy(green_segmented_buffer *store) {
    free_segments(store->first);
    free_segments(store->spares);
    *store = (green_segmented_buffer){
        .stride = store->stride, .alignment = store->alignment, .spare_limit = store->spare_limit};
}

static green_segment *segment_make(const green_segmented_buffer *store) {
    size_t least = header_size(store) + SLOTS_MIN * store->stride, size = least > SEGMENT_SIZE ? least : SEGMENT_SIZE;
    green_segment *chunk;
    if (store->size >= ROW_SMALL && least <= MAPPING_SIZE && store->alignment <= SEGMENT_SIZE) {
        size = MAPPING_SIZE;
        chunk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (chunk == MAP_FAILED)
            return NULL;
    } else {
        size += size == MAPPING_SIZE; /* which means a mapping */
        /* glibc's malloc() is faster than aligned_alloc() and aligns for all but the few. */
        chunk = store->alignment <= _Alignof(max_align_t)
                    ? malloc(size)
                    : aligned_alloc(store->alignment, round_up(size, store->alignment));
        if (!chunk)
            return NULL;
    }
    chunk->size = size;
    chunk->end = slots_of(store, chunk) + (size - header_size(store)) / store->stride * store->stride;
    return chunk;
}

static green_segment *segment_take(green_segmented_buffer *store) {
    green_segment *chunk = store->spares;
    if (!chunk)
        return segment_make(store);
    store->spares = chunk->next;
    store->spare_size -= chunk->size;
    return chunk;
}

static void segment_give(green_segmented_buffer *store, green_segment *chunk) {
    if (store->spare_size + chunk->size > store->spare_limit) {
        segment_free(chunk);
        return;
    }
    chunk->next = store->spares;
    store->spares = chunk;
    store->spare_size += chunk->size;
}

/* The next one goes in at the beginning, or the end, of the last chunk. */
static void reset_tail(green_segmented_buffer *store, bool at_end) {
    store->tail_begin = slots_of(store, store->last);
    store->tail_end = store->last->end;
    store->tail = at_end ? store->tail_end : store->tail_begin;
}

static void reset_head(green_segmented_buffer *store) {
    store->head = slots_of(store, store->first);
    store->head_end = store->first->end;
}

void green__segmented_buffer_clear(green_segmented_buffer *store, const void *slot) {
    green_segment *kept = NULL;
    for (green_segment *chunk = store->first, *next; chunk; chunk = next) {
        next = chunk->next;
        if ((const char *)slot >= slots_of(store, chunk) && (const char *)slot < chunk->end)
            kept = chunk;
        else
            segment_give(store, chunk);
    }
    kept->next = kept->previous = NULL;
    store->first = store->last = kept;
    store->size = kept->size;
    reset_head(store);
    reset_tail(store, false);
}

bool green__segmented_buffer_grow(green_segmented_buffer *store) {
    if (store->first && store->head == store->tail && store->first == store->last) {
        /* Empty: the same chunk once more, which is still in the cache. */
        reset_head(store);
        reset_tail(store, false);
        return true;
    }
    green_segment *chunk = segment_take(store);
    if (!chunk)
        return false;
    chunk->next = NULL;
    chunk->previous = store->last;
    if (store->last)
        store->last->next = chunk;
    else
        store->first = chunk;
    store->last = chunk;
    store->size += chunk->size;
    if (store->first == chunk)
        reset_head(store);
    reset_tail(store, false);
    return true;
}

void green__segmented_buffer_advance(green_segmented_buffer *store) {
    green_segment *used = store->first;
    store->first = used->next;
    store->first->previous = NULL;
    store->size -= used->size;
    reset_head(store);
    segment_give(store, used);
}

void green__segmented_buffer_retreat(green_segmented_buffer *store) {
    green_segment *unused = store->last;
    store->last = unused->previous;
    store->last->next = NULL;
    store->size -= unused->size;
    reset_tail(store, true);
    segment_give(store, unused);
}
