/* The epoll engine's receive buffers. */
#include "epoll.h"

#include "../base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

int green__loans_open(green_loans *loans, size_t memory) {
    loans->count = (unsigned)(memory / GREEN_LENT_SIZE < GREEN_LENT_MAX ? memory / GREEN_LENT_SIZE : GREEN_LENT_MAX);
    loans->free = malloc(loans->count * sizeof *loans->free);
    char *bytes = mmap(NULL, loans->count * (size_t)GREEN_LENT_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    loans->memory = bytes == MAP_FAILED ? NULL : bytes;
    if (!loans->free || !loans->memory) {
        green__loans_close(loans);
        return green__fail(-ENOMEM, "making %zu bytes of receive memory", memory);
    }
    while (loans->free_count < loans->count) {
        loans->free[loans->free_count] = (uint16_t)(loans->count - 1 - loans->free_count);
        loans->free_count++;
    }
    return 0;
}

void green__loans_close(green_loans *loans) {
    free(loans->free);
    if (loans->memory)
        munmap(loans->memory, loans->count * (size_t)GREEN_LENT_SIZE);
    *loans = (green_loans){0};
}
