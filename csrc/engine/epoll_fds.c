/* What the epoll engine knows of each descriptor. */
#include "epoll.h"

#include <stdlib.h>
#include <string.h>

static bool grow(green_descriptors *descriptors, size_t page) {
    if (page < descriptors->count)
        return true;
    size_t count = descriptors->count ? descriptors->count : 8;
    while (count <= page)
        count *= 2;
    green_watched **pages = realloc(descriptors->pages, count * sizeof *pages);
    if (!pages)
        return false;
    memset(pages + descriptors->count, 0, (count - descriptors->count) * sizeof *pages);
    descriptors->pages = pages;
    descriptors->count = count;
    return true;
}

green_watched *green__watched(green_descriptors *descriptors, int fd) {
    size_t page = (size_t)fd / GREEN_PAGE_DESCRIPTORS;
    if (!grow(descriptors, page))
        return NULL;
    if (!descriptors->pages[page])
        descriptors->pages[page] = calloc(GREEN_PAGE_DESCRIPTORS, sizeof **descriptors->pages);
    return descriptors->pages[page] ? &descriptors->pages[page][fd % GREEN_PAGE_DESCRIPTORS] : NULL;
}

green_watched *green__watched_already(const green_descriptors *descriptors, int fd) {
    size_t page = (size_t)fd / GREEN_PAGE_DESCRIPTORS;
    if (page >= descriptors->count || !descriptors->pages[page])
        return NULL;
    return &descriptors->pages[page][fd % GREEN_PAGE_DESCRIPTORS];
}

void green__descriptors_free(green_descriptors *descriptors) {
    for (size_t i = 0; i < descriptors->count; i++)
        free(descriptors->pages[i]);
    free(descriptors->pages);
    *descriptors = (green_descriptors){0};
}
