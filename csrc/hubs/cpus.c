#include "cpus.h"

#include "../base/error.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

enum { CPUS_FIRST = 1024, CPUS_MAX = 1 << 20 };

/* The kernel refuses a set that is too small for its number of CPUs. */
int green__cpus_get(green_cpus *cpus) {
    for (int number = CPUS_FIRST; number <= CPUS_MAX; number *= 4) {
        size_t size = CPU_ALLOC_SIZE(number);
        cpu_set_t *set = calloc(1, size);
        if (!set)
            return green__fail(-ENOMEM, "cannot get the CPUs of an OS thread");
        if (sched_getaffinity(0, size, set) == 0) {
            *cpus = (green_cpus){set, size, (size_t)CPU_COUNT_S(size, set)};
            return 0;
        }
        free(set);
        if (errno != EINVAL)
            break;
    }
    return green__fail(-errno, "cannot get the CPUs of an OS thread");
}

void green__cpus_free(green_cpus *cpus) {
    free(cpus->set);
    cpus->set = NULL;
}

int green__cpus_bind(const green_cpus *cpus, size_t index) {
    size_t cpu = 0;
    for (size_t left = index % cpus->count; !CPU_ISSET_S(cpu, cpus->size, (cpu_set_t *)cpus->set) || left-- > 0;)
        cpu++;
    cpu_set_t *one = calloc(1, cpus->size);
    if (!one)
        return green__fail(-ENOMEM, "cannot bind an OS thread to CPU %zu", cpu);
    CPU_SET_S(cpu, cpus->size, one);
    int error = sched_setaffinity(0, cpus->size, one) < 0 ? -errno : 0;
    free(one);
    return error < 0 ? green__fail(error, "cannot bind an OS thread to CPU %zu", cpu) : 0;
}
