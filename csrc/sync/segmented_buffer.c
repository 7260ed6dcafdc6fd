#include "segmented_buffer.h"

#include "../base/error.h"

#include <green/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    SEGMENT_SIZE = 4096,
    /* At least 2: the slot that was removed last must not be reused at once. */
    SLOTS_MIN = 4,
    /* A larger buffer grows by mappings. Their memory returns to the system when
     * they are freed, which a fragmented heap would prevent. */
    MALLOC_LIMIT = 16 * SEGMENT_SIZE,
    MAPPING_SIZE = 256 * 1024,
};

int green__segmented_buffer_check(const char *object, int64_t capacity, size_t element_size, size_t alignment) {
    if (capacity < GREEN_UNBOUNDED)
        return green__fail(-EINVAL, "cannot create a %s of capacity %ld; use GREEN_UNBOUNDED for no limit", object,
                           capacity);
    if (alignment & (alignment - 1))
        return green__fail(-EINVAL, "cannot create a %s: the alignment %zu is not a power of two", object, alignment);
    if (element_size > SIZE_MAX / 16 || alignment > SIZE_MAX / 16)
        return green__fail(-EINVAL, "cannot create a %s: elements of %zu bytes are too large", object, element_size);
    return 0;
}

static size_t round_up(size_t value, size_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

static size_t header_size(const green_segmented_buffer *buffer) {
    return round_up(sizeof(green_segment), buffer->alignment);
}

static char *slots_of(const green_segmented_buffer *buffer, green_segment *segment) {
    return (char *)segment + header_size(buffer);
}

void green__segmented_buffer_init(green_segmented_buffer *buffer, size_t element_size, size_t alignment) {
    *buffer = (green_segmented_buffer){.alignment = alignment > sizeof(void *) ? alignment : sizeof(void *)};
    /* An element of size 0 has a slot too. A free slot has room for a pointer. */
    buffer->stride = round_up(element_size > 0 ? element_size : 1, buffer->alignment);
    green__segmented_buffer_expect(buffer, 0);
}

static bool is_mapped(const green_segment *segment) {
    return segment->size == MAPPING_SIZE;
}

static void segment_free(green_segment *segment) {
    if (is_mapped(segment))
        munmap(segment, MAPPING_SIZE);
    else
        free(segment);
}

static void free_segments(green_segment *segment) {
    for (green_segment *next; segment; segment = next) {
        next = segment->next;
        segment_free(segment);
    }
}

void green__segmented_buffer_expect(green_segmented_buffer *buffer, size_t elements) {
    size_t size;
    if (__builtin_mul_overflow(elements, buffer->stride, &size))
        size = SIZE_MAX / 2;
    buffer->spare_limit = size + SEGMENT_SIZE;
}

void green__segmented_buffer_destroy(green_segmented_buffer *buffer) {
    free_segments(buffer->first);
    free_segments(buffer->spares);
    *buffer = (green_segmented_buffer){
        .stride = buffer->stride, .alignment = buffer->alignment, .spare_limit = buffer->spare_limit};
}

static green_segment *segment_make(const green_segmented_buffer *buffer) {
    size_t least = header_size(buffer) + SLOTS_MIN * buffer->stride, size = least > SEGMENT_SIZE ? least : SEGMENT_SIZE;
    green_segment *segment;
    if (buffer->size >= MALLOC_LIMIT && least <= MAPPING_SIZE && buffer->alignment <= SEGMENT_SIZE) {
        size = MAPPING_SIZE;
        segment = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (segment == MAP_FAILED)
            return NULL;
    } else {
        size += size == MAPPING_SIZE; /* that size marks mappings */
        /* glibc's malloc() is faster than aligned_alloc(). */
        segment = buffer->alignment <= _Alignof(max_align_t)
                      ? malloc(size)
                      : aligned_alloc(buffer->alignment, round_up(size, buffer->alignment));
        if (!segment)
            return NULL;
    }
    segment->size = size;
    segment->end = slots_of(buffer, segment) + (size - header_size(buffer)) / buffer->stride * buffer->stride;
    return segment;
}

static green_segment *segment_take(green_segmented_buffer *buffer) {
    green_segment *segment = buffer->spares;
    if (!segment)
        return segment_make(buffer);
    buffer->spares = segment->next;
    buffer->spare_size -= segment->size;
    return segment;
}

static void segment_give(green_segmented_buffer *buffer, green_segment *segment) {
    if (buffer->spare_size + segment->size > buffer->spare_limit) {
        segment_free(segment);
        return;
    }
    segment->next = buffer->spares;
    buffer->spares = segment;
    buffer->spare_size += segment->size;
}

/* Sets the tail to the beginning or the end of the last segment. */
static void reset_tail(green_segmented_buffer *buffer, bool at_end) {
    buffer->tail_begin = slots_of(buffer, buffer->last);
    buffer->tail_end = buffer->last->end;
    buffer->tail = at_end ? buffer->tail_end : buffer->tail_begin;
}

static void reset_head(green_segmented_buffer *buffer) {
    buffer->head = slots_of(buffer, buffer->first);
    buffer->head_end = buffer->first->end;
}

void green__segmented_buffer_clear(green_segmented_buffer *buffer, const void *slot) {
    green_segment *kept = NULL;
    for (green_segment *segment = buffer->first, *next; segment; segment = next) {
        next = segment->next;
        if ((const char *)slot >= slots_of(buffer, segment) && (const char *)slot < segment->end)
            kept = segment;
        else
            segment_give(buffer, segment);
    }
    kept->next = kept->previous = NULL;
    buffer->first = buffer->last = kept;
    buffer->size = kept->size;
    reset_head(buffer);
    reset_tail(buffer, false);
}

bool green__segmented_buffer_grow(green_segmented_buffer *buffer) {
    if (buffer->first && buffer->head == buffer->tail && buffer->first == buffer->last) {
        /* Empty: reuse the segment, which is still in the cache. */
        reset_head(buffer);
        reset_tail(buffer, false);
        return true;
    }
    green_segment *segment = segment_take(buffer);
    if (!segment)
        return false;
    segment->next = NULL;
    segment->previous = buffer->last;
    if (buffer->last)
        buffer->last->next = segment;
    else
        buffer->first = segment;
    buffer->last = segment;
    buffer->size += segment->size;
    if (buffer->first == segment)
        reset_head(buffer);
    reset_tail(buffer, false);
    return true;
}

void green__segmented_buffer_advance(green_segmented_buffer *buffer) {
    green_segment *used = buffer->first;
    buffer->first = used->next;
    buffer->first->previous = NULL;
    buffer->size -= used->size;
    reset_head(buffer);
    segment_give(buffer, used);
}

void green__segmented_buffer_retreat(green_segmented_buffer *buffer) {
    green_segment *unused = buffer->last;
    buffer->last = unused->previous;
    buffer->last->next = NULL;
    buffer->size -= unused->size;
    reset_tail(buffer, true);
    segment_give(buffer, unused);
}
