/* Times for system calls. */
#ifndef GREEN_BASE_TIMESPEC_H
#define GREEN_BASE_TIMESPEC_H

#include <green/base.h>

#include <time.h>

static inline struct timespec green__timespec_of(int64_t nanoseconds) {
    return (struct timespec){nanoseconds / GREEN_SECOND, nanoseconds % GREEN_SECOND};
}

#endif
