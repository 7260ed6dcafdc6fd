#include "readers.h"

#include <green/green.h>

int read_byte(void *socket) {
    char byte;
    return (int)green_read(socket, &byte, 1);
}

int read_line(void *socket) {
    char line[64];
    return (int)green_read_line(socket, line, sizeof line);
}

int read_exactly(void *socket) {
    char bytes[64];
    return (int)green_read_exactly(socket, bytes, sizeof bytes);
}

int receive(void *socket) {
    const void *bytes;
    return (int)green_receive(socket, &bytes);
}
