#include "thread_record.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_THREADS = 256 };

struct green_thread_block {
    struct green_thread_block *next;
    green_thread threads[BLOCK_THREADS];
};

green_thread *green__thread_record_alloc(green_thread_records *records) {
    if (!records->free) {
        struct green_thread_block *block = aligned_alloc(GREEN_CACHE_LINE, sizeof *block);
        if (!block)
            return NULL;
        block->next = records->blocks;
        records->blocks = block;
        for (size_t i = BLOCK_THREADS; i-- > 0;)
            green__thread_record_free(records, &block->threads[i]);
    }
    green_thread *thread = records->free;
    records->free = thread->next;
    return thread;
}

void green__thread_record_free(green_thread_records *records, green_thread *thread) {
    thread->state = GREEN_UNUSED;
    thread->next = records->free;
    records->free = thread;
}

void green__thread_records_destroy(green_thread_records *records) {
    for (struct green_thread_block *block = records->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
}

void green__thread_records_each(const green_thread_records *records, void (*visit)(green_thread *thread, void *context),
                                void *context) {
    for (struct green_thread_block *block = records->blocks; block; block = block->next)
        for (size_t i = 0; i < BLOCK_THREADS; i++)
            if (block->threads[i].state < GREEN_DONE)
                visit(&block->threads[i], context);
}

void green__thread_id_block_take(green_thread_records *records) {
    static atomic_uint_fast64_t last;
    records->last_id = atomic_fetch_add_explicit(&last, GREEN_THREAD_ID_BLOCK, memory_order_relaxed);
}

void green__thread_set_name(green_thread *thread, const char *name) {
    /* With -flto gcc sees the name, and warns about an overread if the bound of strndup()
     * exceeds its length. */
    size_t length = name ? strlen(name) : 0;
    if (length > GREEN_NAME_MAX)
        length = GREEN_NAME_MAX;
    char *former = thread->name;
    thread->name = length > 0 ? strndup(name, length) : NULL; /* without memory: no name */
    /* A signal handler may read the name of the current thread at any moment. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    free(former);
}

const char *green__thread_label(const green_thread *thread, char *text, size_t size) {
    if (thread->name)
        snprintf(text, size, "thread %lu '%s'", thread->id, thread->name);
    else
        snprintf(text, size, "thread %lu", thread->id);
    return text;
}
