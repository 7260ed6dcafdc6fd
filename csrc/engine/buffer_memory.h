/* Memory for the receive buffers of an engine. */
#ifndef GREEN_ENGINE_BUFFER_MEMORY_H
#define GREEN_ENGINE_BUFFER_MEMORY_H

#include <stddef.h>
#include <sys/mman.h>

/* Maps size bytes, which use no memory until they are written to. Free it with munmap(2).
 * NULL if it cannot be mapped. */
static inline void *green__buffer_memory_map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

#endif
