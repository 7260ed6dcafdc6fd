/* Writing to pages that the dynamic linker has made read-only (RELRO). */
#ifndef GREEN_PATCH_LINK_RELRO_H
#define GREEN_PATCH_LINK_RELRO_H

#include "../calls.h"

/* The protection of this process' memory at one moment, by /proc/self/maps. */
typedef struct green_pages {
    struct green_page_range {
        uintptr_t first, behind;
        int protection;
    } * ranges;
    size_t count, capacity;
} green_pages;

/* -errno, explained. */
int green__pages_read(green_pages *pages);
void green__pages_free(green_pages *pages);

/* The protection of the page with this address; negative: it is not mapped. */
int green__pages_protection(const green_pages *pages, const void *address);

/* Whether all of these bytes are mapped and readable. */
bool green__pages_are_readable(const green_pages *pages, uintptr_t first, size_t size);

/* Puts a value into a slot, in one store: other OS threads may be calling through
 * it. Its page, which has this protection, is writable only meanwhile. -errno,
 * explained; then the slot is as it was. */
int green__page_write(void **slot, void *value, int protection);

#endif
