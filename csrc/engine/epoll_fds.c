/* What the epoll engine knows of each descriptor. */
#include "epoll.h"

#include <stdlib.h>
#include <string.h>

static bool grow(green_epoll_fds *descriptors, size_t page) {
    if (page < descriptors->count)
        return true;
    size_t count = descriptors->count ? descriptors->count : 8;
    while (count <= page)
        count *= 2;
    green_epoll_fd **pages = realloc(descriptors->pages, count * sizeof *pages);
    if (!pages)
        return false;
    memset(pages + descriptors->count, 0, (count - descriptors->count) * sizeof *pages);
    descriptors->pages = pages;
    descriptors->count = count;
    return true;
}

green_epoll_fd *green__epoll_fds_get(green_epoll_fds *descriptors, int fd) {
    size_t page = (size_t)fd / GREEN_EPOLL_FDS_PER_PAGE;
    if (!grow(descriptors, page))
        return NULL;
    if (!descriptors->pages[page])
        descriptors->pages[page] = calloc(GREEN_EPOLL_FDS_PER_PAGE, sizeof **descriptors->pages);
    return descriptors->pages[page] ? &descriptors->pages[page][fd % GREEN_EPOLL_FDS_PER_PAGE] : NULL;
}

green_epoll_fd *green__epoll_fds_find(const green_epoll_fds *descriptors, int fd) {
    size_t page = (size_t)fd / GREEN_EPOLL_FDS_PER_PAGE;
    if (page >= descriptors->count || !descriptors->pages[page])
        return NULL;
    return &descriptors->pages[page][fd % GREEN_EPOLL_FDS_PER_PAGE];
}

void green__epoll_fds_free(green_epoll_fds *descriptors) {
    for (size_t i = 0; i < descriptors->count; i++)
        free(descriptors->pages[i]);
    free(descriptors->pages);
    *descriptors = (green_epoll_fds){0};
}
