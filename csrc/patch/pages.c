#include "pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static int append(green_pages *pages, struct green_page_range range) {
    if (pages->count == pages->capacity) {
        size_t capacity = pages->capacity ? pages->capacity * 2 : 128;
        struct green_page_range *larger = realloc(pages->ranges, capacity * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        pages->ranges = larger;
        pages->capacity = capacity;
    }
    pages->ranges[pages->count++] = range;
    return 0;
}

int green__pages_read(green_pages *pages) {
    *pages = (green_pages){0};
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return green__fail(-errno, "patching: reading /proc/self/maps");
    char *line = NULL;
    size_t size = 0;
    int error = 0;
    while (error == 0 && getline(&line, &size, maps) > 0) {
        struct green_page_range range;
        char mode[5];
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &range.first, &range.behind, mode) != 3)
            continue;
        range.protection =
            (mode[0] == 'r' ? PROT_READ : 0) | (mode[1] == 'w' ? PROT_WRITE : 0) | (mode[2] == 'x' ? PROT_EXEC : 0);
        error = append(pages, range);
    }
    free(line);
    fclose(maps);
    if (error == 0)
        return 0;
    green__pages_free(pages);
    return green__fail(error, "patching: no memory for the list of pages");
}

void green__pages_free(green_pages *pages) {
    free(pages->ranges);
    *pages = (green_pages){0};
}

/* Negative: it is not mapped. */
static int protection_of(const green_pages *pages, uintptr_t address) {
    for (size_t i = 0; i < pages->count; i++)
        if (address >= pages->ranges[i].first && address < pages->ranges[i].behind)
            return pages->ranges[i].protection;
    return -1;
}

int green__pages_write(const green_pages *pages, void **slot, void *value) {
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *page = (void *)((uintptr_t)slot & ~(size - 1));
    int protection = protection_of(pages, (uintptr_t)slot);
    if (protection < 0)
        return green__fail(-EFAULT, "patching: the slot at %p is not in memory", (void *)slot);
    bool lifted = !(protection & PROT_WRITE);
    if (lifted && mprotect(page, size, protection | PROT_WRITE) < 0)
        return green__fail(-errno, "patching: the system does not let the page at %p be written", page);
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    if (lifted && mprotect(page, size, protection) < 0)
        return green__fail(-errno, "patching: the page at %p cannot be protected again", page);
    return 0;
}
