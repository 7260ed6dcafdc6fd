#include "relro.h"

#include "../../base/descriptor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int append(green_memory_map *pages, struct green_memory_range range) {
    if (pages->count == pages->capacity) {
        size_t capacity = pages->capacity ? pages->capacity * 2 : 128;
        struct green_memory_range *larger = realloc(pages->ranges, capacity * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        pages->ranges = larger;
        pages->capacity = capacity;
    }
    pages->ranges[pages->count++] = range;
    return 0;
}

int green__memory_map_read(green_memory_map *pages) {
    *pages = (green_memory_map){0};
    FILE *maps = green__open_stream("/proc/self/maps");
    if (!maps)
        return green__fail(-errno, "patching: reading /proc/self/maps");
    char line[256];
    int error = 0;
    bool begins = true; /* a line, and not the rest of one with a long path */
    while (error == 0 && fgets(line, sizeof line, maps)) {
        struct green_memory_range range;
        char mode[5];
        bool is_range = begins && sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &range.first, &range.behind, mode) == 3;
        begins = strchr(line, '\n') != NULL;
        if (!is_range)
            continue;
        range.protection =
            (mode[0] == 'r' ? PROT_READ : 0) | (mode[1] == 'w' ? PROT_WRITE : 0) | (mode[2] == 'x' ? PROT_EXEC : 0);
        error = append(pages, range);
    }
    fclose(maps);
    if (error == 0)
        return 0;
    green__memory_map_free(pages);
    return green__fail(error, "patching: no memory for the list of pages");
}

void green__memory_map_free(green_memory_map *pages) {
    free(pages->ranges);
    *pages = (green_memory_map){0};
}

int green__memory_map_protection(const green_memory_map *pages, const void *address) {
    for (size_t i = 0; i < pages->count; i++)
        if ((uintptr_t)address >= pages->ranges[i].first && (uintptr_t)address < pages->ranges[i].behind)
            return pages->ranges[i].protection;
    return -1;
}

/* The ranges are sorted. */
bool green__memory_map_is_readable(const green_memory_map *pages, uintptr_t first, size_t size) {
    uintptr_t end = first + size;
    if (end < first)
        return false;
    for (size_t i = 0; i < pages->count && first < end; i++) {
        const struct green_memory_range *range = &pages->ranges[i];
        if (first >= range->first && first < range->behind && (range->protection & PROT_READ))
            first = range->behind;
    }
    return first >= end;
}

int green__relro_write(void **slot, void *value, int protection) {
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *page = (void *)((uintptr_t)slot & ~(size - 1));
    if (protection < 0)
        return green__fail(-EFAULT, "patching: the slot at %p is not in memory", (void *)slot);
    bool lifted = !(protection & PROT_WRITE);
    if (lifted && mprotect(page, size, protection | PROT_WRITE) < 0)
        return green__fail(-errno, "patching: the system does not let the page at %p be written", page);
    void *before = __atomic_exchange_n(slot, value, __ATOMIC_ACQ_REL);
    if (!lifted || mprotect(page, size, protection) == 0)
        return 0;
    int error = errno;
    __atomic_store_n(slot, before, __ATOMIC_RELEASE);
    return green__fail(-error, "patching: the page at %p cannot be protected again", page);
}
