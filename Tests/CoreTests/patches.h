/* The libraries that the tests of patching patch. */
#ifndef GREEN_TESTS_PATCHES_H
#define GREEN_TESTS_PATCHES_H

#include "helpers.h"
#include "patched/fixture.h"

#include <dlfcn.h>

/* Loads a library, without patching it, and returns what it exports. */
static inline const struct fixture *load_fixture(const char *path) {
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    CHECK(library != NULL);
    const struct fixture *found = dlsym(library, "fixture_calls");
    CHECK(found != NULL);
    return found;
}

static inline green_patch *import(const char *path) {
    green_patch *patch;
    CHECK(green_import_patched(&patch, path, NULL), ==, 0);
    return patch;
}

/* How many slots of a call in an object a patch tells of. */
static inline size_t slots_of(green_patch *patch, const char *object, const char *symbol) {
    green_patch_line line;
    size_t count = 0;
    for (size_t i = 0; green_patch_report(patch, i, &line); i++)
        if (strcmp(line.symbol, symbol) == 0 && strstr(line.object, object))
            count += line.count;
    return count;
}

/* A descriptor pair of connected stream sockets. */
static inline void socket_pair(int ends[2]) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
}

#endif
