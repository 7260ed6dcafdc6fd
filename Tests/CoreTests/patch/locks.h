/* A library whose locks are patched. */
#ifndef GREEN_TESTS_PATCHED_LOCKS_H
#define GREEN_TESTS_PATCHED_LOCKS_H

#include "patched/locks.h"
#include "patches.h"

static const struct locks *lib;
static green_patch *patch;

static inline void begin(void) {
    CHECK(green_import_patched(&patch, PATCHED_LOCKS, &(green_import_options){.families = GREEN_PATCH_LOCK}), ==, 0);
    lib = dlsym(dlopen(PATCHED_LOCKS, RTLD_NOW | RTLD_NOLOAD), "locks_calls");
    CHECK(lib != NULL);
}

static inline void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

static inline struct timespec after(clockid_t clock, int64_t delay) {
    struct timespec time;
    CHECK(clock_gettime(clock, &time), ==, 0);
    int64_t nanoseconds = time.tv_sec * GREEN_SECOND + time.tv_nsec + delay;
    return (struct timespec){nanoseconds / GREEN_SECOND, nanoseconds % GREEN_SECOND};
}

#endif
