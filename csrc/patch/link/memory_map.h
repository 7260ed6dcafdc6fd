/* The memory map of this process at one moment, from /proc/self/maps. */
#ifndef GREEN_PATCH_LINK_MEMORY_MAP_H
#define GREEN_PATCH_LINK_MEMORY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct green_memory_map {
    struct green_memory_range {
        uintptr_t begin, end;
        int protection;
    } * ranges; /* sorted */
    size_t count, capacity;
} green_memory_map;

/* Returns 0, or -errno, explained. The caller ends a map by green__memory_map_free(). */
int green__memory_map_read(green_memory_map *map);
void green__memory_map_free(green_memory_map *map);

/* The protection of the page at an address; negative if it is not mapped. */
int green__memory_map_protection(const green_memory_map *map, const void *address);

/* Whether these bytes are all mapped and readable. */
bool green__memory_map_is_readable(const green_memory_map *map, uintptr_t begin, size_t size);

#endif
