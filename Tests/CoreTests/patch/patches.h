/* The libraries that the tests patch. */
#ifndef GREEN_TESTS_PATCHES_H
#define GREEN_TESTS_PATCHES_H

#include "helpers.h"
#include "patched/fixture.h"

#include <dlfcn.h>

/* Loads a library without patching it, and returns its exported calls. */
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

/* The number of slots of a call in an object, by the report of a patch. */
static inline size_t slots_of(green_patch *patch, const char *object, const char *symbol) {
    green_patch_line line;
    size_t count = 0;
    for (size_t i = 0; green_patch_report(patch, i, &line); i++)
        if (strcmp(line.symbol, symbol) == 0 && strstr(line.object, object))
            count += line.count;
    return count;
}

/* Whether a poll() is green: a thread that is ready when it begins has run when it ends. */
typedef int poll_function(struct pollfd *polled, nfds_t count, int timeout);

struct onlooker {
    poll_function *poll;
    int time;
    bool other_ran, green;
};

static inline int look_on(void *argument) {
    struct onlooker *onlooker = argument;
    int result = onlooker->poll(NULL, 0, onlooker->time);
    onlooker->green = onlooker->other_ran;
    return result;
}

static inline int run_meanwhile(void *argument) {
    ((struct onlooker *)argument)->other_ran = true;
    return 0;
}

/* On a slow machine the time may expire before the call parks, so a longer time is tried, too. */
static inline bool is_green(poll_function *function) {
    struct onlooker onlooker = {.poll = function};
    for (int time = 30; time < 300 && !onlooker.green; time *= 8) {
        onlooker = (struct onlooker){.poll = function, .time = time};
        green_thread *waiting = start(look_on, &onlooker), *other = start(run_meanwhile, &onlooker);
        CHECK(finish(waiting), ==, 0);
        CHECK(finish(other), ==, 0);
    }
    return onlooker.green;
}

/* A pair of connected stream sockets. */
static inline void socket_pair(int ends[2]) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
}

#endif
