/* Writing to pages that the dynamic linker has made read-only (RELRO). */
#ifndef GREEN_PATCH_LINK_RELRO_H
#define GREEN_PATCH_LINK_RELRO_H

#include "../calls.h"

/* The protection of this process' memory at one moment, by /proc/self/maps. */
typedef struct green_memory_map {
    struct green_memory_range {
        uintptr_t first, behind;
        int protection;
    } * ranges;
    size_t count, capacity;
} green_memory_map;

/* -errno, explained. */
int green__memory_map_read(green_memory_map *pages);
void green__memory_map_free(green_memory_map *pages);

/* The protection of the page with this address; negative: it is not mapped. */
int green__memory_map_protection(const green_memory_map *pages, const void *address);

/* Whether all of these bytes are mapped and readable. */
bool green__memory_map_is_readable(const green_memory_map *pages, uintptr_t first, size_t size);

/* Puts a value into a slot, in one store: other OS threads may be calling through
 * it. Its page, which has this protection, is writable only meanwhile. -errno,
 * explained; then the slot is as it was. */
int green__relro_write(void **slot, void *value, int protection);

#endif
