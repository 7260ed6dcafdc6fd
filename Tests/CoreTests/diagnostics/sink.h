/* A file in memory for dumps. */
#ifndef GREEN_TESTS_SINK_H
#define GREEN_TESTS_SINK_H

#include "helpers.h"

#include <sys/mman.h>
#include <unistd.h>

static int sink = -1;

static inline void open_sink(void) {
    sink = memfd_create("dumps", MFD_CLOEXEC);
    CHECK(sink, >=, 0);
}

/* What was written to the sink since the last call, which the next call overwrites. */
static inline const char *taken(void) {
    static char text[65536];
    ssize_t size = pread(sink, text, sizeof text - 1, 0);
    CHECK(size, >=, 0);
    text[size] = 0;
    CHECK(ftruncate(sink, 0), ==, 0);
    CHECK(lseek(sink, 0, SEEK_SET), ==, 0);
    return text;
}

/* The place of a hub's dump in a text. */
static inline const char *dump_of(const char *text, int os_thread) {
    char head[64];
    snprintf(head, sizeof head, "green threads of OS thread %d, ", os_thread);
    CHECK_CONTAINS(text, head);
    return strstr(text, head);
}

#endif
