#include "epoll.h"

#include <stdlib.h>
#include <string.h>

static bool grow(green_epoll_fds *fds, size_t page) {
    if (page < fds->count)
        return true;
    size_t count = fds->count ? fds->count : 8;
    while (count <= page)
        count *= 2;
    green_epoll_fd **pages = realloc(fds->pages, count * sizeof *pages);
    if (!pages)
        return false;
    memset(pages + fds->count, 0, (count - fds->count) * sizeof *pages);
    fds->pages = pages;
    fds->count = count;
    return true;
}

green_epoll_fd *green__epoll_fds_get(green_epoll_fds *fds, int fd) {
    size_t page = (size_t)fd / GREEN_EPOLL_FDS_PER_PAGE;
    if (!grow(fds, page))
        return NULL;
    if (!fds->pages[page])
        fds->pages[page] = calloc(GREEN_EPOLL_FDS_PER_PAGE, sizeof **fds->pages);
    return fds->pages[page] ? &fds->pages[page][fd % GREEN_EPOLL_FDS_PER_PAGE] : NULL;
}

green_epoll_fd *green__epoll_fds_find(const green_epoll_fds *fds, int fd) {
    size_t page = (size_t)fd / GREEN_EPOLL_FDS_PER_PAGE;
    if (page >= fds->count || !fds->pages[page])
        return NULL;
    return &fds->pages[page][fd % GREEN_EPOLL_FDS_PER_PAGE];
}

void green__epoll_fds_free(green_epoll_fds *fds) {
    for (size_t i = 0; i < fds->count; i++)
        free(fds->pages[i]);
    free(fds->pages);
    *fds = (green_epoll_fds){0};
}
