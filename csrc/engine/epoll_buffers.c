#include "buffer_memory.h"
#include "epoll.h"

#include "../base/error.h"

#include <errno.h>
#include <stdlib.h>

int green__epoll_buffers_open(green_epoll_buffers *buffers, size_t memory) {
    buffers->count = (unsigned)(memory / GREEN_PROVIDED_BUFFER_SIZE < GREEN_PROVIDED_BUFFERS_MAX
                                    ? memory / GREEN_PROVIDED_BUFFER_SIZE
                                    : GREEN_PROVIDED_BUFFERS_MAX);
    buffers->free = malloc(buffers->count * sizeof *buffers->free);
    buffers->memory = green__buffer_memory_map(buffers->count * (size_t)GREEN_PROVIDED_BUFFER_SIZE);
    if (!buffers->free || !buffers->memory) {
        green__epoll_buffers_close(buffers);
        return green__fail(-ENOMEM, "cannot allocate %zu bytes of receive memory", memory);
    }
    while (buffers->free_count < buffers->count) {
        buffers->free[buffers->free_count] = (uint16_t)(buffers->count - 1 - buffers->free_count);
        buffers->free_count++;
    }
    return 0;
}

void green__epoll_buffers_close(green_epoll_buffers *buffers) {
    free(buffers->free);
    if (buffers->memory)
        munmap(buffers->memory, buffers->count * (size_t)GREEN_PROVIDED_BUFFER_SIZE);
    *buffers = (green_epoll_buffers){0};
}
