#include "segmented_buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    CHUNK_SIZE = 4096,
    /* At least two: the slot that has just come out of a chunk must not be the
     * next that goes in. */
    SLOTS_MIN = 4,
    /* A row that has grown this long goes on in mappings, whose memory goes
     * back to the system with them, whatever lies beside it in the heap. */
    ROW_SMALL = 16 * CHUNK_SIZE,
    MAPPING_SIZE = 256 * 1024,
};

static size_t round_up(size_t value, size_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

static size_t header_size(const green_store *store) {
    return round_up(sizeof(green_chunk), store->alignment);
}

static char *slots_of(const green_store *store, green_chunk *chunk) {
    return (char *)chunk + header_size(store);
}

void green__store_init(green_store *store, size_t element_size, size_t alignment) {
    *store = (green_store){.alignment = alignment > sizeof(void *) ? alignment : sizeof(void *)};
    /* Even an element without size has a place of its own, and there is room
     * for a pointer in a free slot. */
    store->stride = round_up(element_size > 0 ? element_size : 1, store->alignment);
    green__store_expect(store, 0);
}

static bool is_mapped(const green_chunk *chunk) {
    return chunk->size == MAPPING_SIZE;
}

static void chunk_free(green_chunk *chunk) {
    if (is_mapped(chunk))
        munmap(chunk, MAPPING_SIZE);
    else
        free(chunk);
}

static void free_chunks(green_chunk *chunk) {
    for (green_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
}

void green__store_expect(green_store *store, size_t elements) {
    size_t size;
    if (__builtin_mul_overflow(elements, store->stride, &size))
        size = SIZE_MAX / 2;
    store->spare_limit = size + CHUNK_SIZE;
}

void green__store_destroy(green_store *store) {
    free_chunks(store->first);
    free_chunks(store->spares);
    *store = (green_store){.stride = store->stride, .alignment = store->alignment, .spare_limit = store->spare_limit};
}

static green_chunk *chunk_make(const green_store *store) {
    size_t least = header_size(store) + SLOTS_MIN * store->stride, size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
    green_chunk *chunk;
    if (store->size >= ROW_SMALL && least <= MAPPING_SIZE && store->alignment <= CHUNK_SIZE) {
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

static green_chunk *chunk_take(green_store *store) {
    green_chunk *chunk = store->spares;
    if (!chunk)
        return chunk_make(store);
    store->spares = chunk->next;
    store->spare_size -= chunk->size;
    return chunk;
}

static void chunk_give(green_store *store, green_chunk *chunk) {
    if (store->spare_size + chunk->size > store->spare_limit) {
        chunk_free(chunk);
        return;
    }
    chunk->next = store->spares;
    store->spares = chunk;
    store->spare_size += chunk->size;
}

/* The next one goes in at the beginning, or the end, of the last chunk. */
static void aim_tail(green_store *store, bool at_end) {
    store->tail_begin = slots_of(store, store->last);
    store->tail_end = store->last->end;
    store->tail = at_end ? store->tail_end : store->tail_begin;
}

static void aim_head(green_store *store) {
    store->head = slots_of(store, store->first);
    store->head_end = store->first->end;
}

void green__store_keep(green_store *store, const void *slot) {
    green_chunk *kept = NULL;
    for (green_chunk *chunk = store->first, *next; chunk; chunk = next) {
        next = chunk->next;
        if ((const char *)slot >= slots_of(store, chunk) && (const char *)slot < chunk->end)
            kept = chunk;
        else
            chunk_give(store, chunk);
    }
    kept->next = kept->previous = NULL;
    store->first = store->last = kept;
    store->size = kept->size;
    aim_head(store);
    aim_tail(store, false);
}

bool green__store_grow(green_store *store) {
    if (store->first && store->head == store->tail && store->first == store->last) {
        /* Empty: the same chunk once more, which is still in the cache. */
        aim_head(store);
        aim_tail(store, false);
        return true;
    }
    green_chunk *chunk = chunk_take(store);
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
        aim_head(store);
    aim_tail(store, false);
    return true;
}

void green__store_advance(green_store *store) {
    green_chunk *used = store->first;
    store->first = used->next;
    store->first->previous = NULL;
    store->size -= used->size;
    aim_head(store);
    chunk_give(store, used);
}

void green__store_step_back(green_store *store) {
    green_chunk *unused = store->last;
    store->last = unused->previous;
    store->last->next = NULL;
    store->size -= unused->size;
    aim_tail(store, true);
    chunk_give(store, unused);
}
