#include "fixture.h"

ssize_t inner_recv(int fd, void *bytes, size_t size) {
    return recv(fd, bytes, size, 0);
}
