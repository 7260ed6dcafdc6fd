#include "memory_map.h"

#include "../../base/descriptor.h"
#include "../../base/error.h"
#include "array.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int append(green_memory_map *map, struct green_memory_range range) {
    struct green_memory_range *ranges = green__array_reserve(map->ranges, map->count, &map->capacity, sizeof *ranges);
    if (!ranges)
        return -ENOMEM;
    map->ranges = ranges;
    map->ranges[map->count++] = range;
    return 0;
}

int green__memory_map_read(green_memory_map *map) {
    *map = (green_memory_map){0};
    FILE *maps = green__open_stream("/proc/self/maps");
    if (!maps)
        return green__fail(-errno, "cannot read /proc/self/maps");
    char line[256];
    int error = 0;
    bool is_new_line = true; /* or the rest of a line with a long path */
    while (error == 0 && fgets(line, sizeof line, maps)) {
        struct green_memory_range range;
        char mode[5];
        bool is_range =
            is_new_line && sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &range.begin, &range.end, mode) == 3;
        is_new_line = strchr(line, '\n') != NULL;
        if (!is_range)
            continue;
        range.protection =
            (mode[0] == 'r' ? PROT_READ : 0) | (mode[1] == 'w' ? PROT_WRITE : 0) | (mode[2] == 'x' ? PROT_EXEC : 0);
        error = append(map, range);
    }
    fclose(maps);
    if (error == 0)
        return 0;
    green__memory_map_free(map);
    return green__fail(error, "cannot store the memory map of this process");
}

void green__memory_map_free(green_memory_map *map) {
    free(map->ranges);
    *map = (green_memory_map){0};
}

int green__memory_map_protection(const green_memory_map *map, const void *address) {
    for (size_t i = 0; i < map->count; i++)
        if ((uintptr_t)address >= map->ranges[i].begin && (uintptr_t)address < map->ranges[i].end)
            return map->ranges[i].protection;
    return -1;
}

bool green__memory_map_is_readable(const green_memory_map *map, uintptr_t begin, size_t size) {
    uintptr_t end = begin + size;
    if (end < begin)
        return false;
    for (size_t i = 0; i < map->count && begin < end; i++) {
        const struct green_memory_range *range = &map->ranges[i];
        if (begin >= range->begin && begin < range->end && (range->protection & PROT_READ))
            begin = range->end;
    }
    return begin >= end;
}
