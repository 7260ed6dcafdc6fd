/* The CPUs that an OS thread may use. */
#ifndef GREEN_HUBS_CPUS_H
#define GREEN_HUBS_CPUS_H

#include <stddef.h>

/* A set of CPUs for sched_setaffinity(2), of any size. */
typedef struct green_cpus {
    void *set; /* of malloc() */
    size_t size;
    size_t count;
} green_cpus;

/* Gets the CPUs that the calling OS thread may use: at least one. 0 or -errno, explained. */
int green__cpus_get(green_cpus *cpus);
void green__cpus_free(green_cpus *cpus);

/* Binds the calling OS thread to one of them: the first for an index of 0, and so on; after
 * the last comes the first again. 0 or -errno, explained. */
int green__cpus_bind(const green_cpus *cpus, size_t index);

#endif
