/* eventfd_read() and eventfd_write(), which the C library makes from read() and write(). */
#include "../calls.h"

int green__green_eventfd_read(int fd, eventfd_t *value) {
    return green__green_read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}

int green__green_eventfd_write(int fd, eventfd_t value) {
    return green__green_write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}
