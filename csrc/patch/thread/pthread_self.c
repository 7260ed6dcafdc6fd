/* Which thread it is, and calls about one by its id. What a green thread has not
 * itself, such as a processor or a priority, its OS thread has. */
#include "pthread.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 16 }; /* the kernel's, of a thread */

static pthread_t id_of(const green_thread *thread) {
    const green_pthread *posix = green__pthread_record(thread);
    return posix ? green__pthread_id(posix) : (pthread_t)thread + GREEN_ID_SPAWNED;
}

pthread_t green__green_pthread_self(void) {
    const green_thread *thread = green__patch_current_thread();
    return thread ? id_of(thread) : green__real.pthread_self();
}

/* The OS thread that carries it; the thread itself, if that is one. */
static pthread_t carrier_of(pthread_t id) {
    if (!green__pthread_is_green(id))
        return id;
    const green_pthread *posix = green__pthread_of(id);
    return posix ? posix->carrier : ((const green_thread *)(id - GREEN_ID_SPAWNED))->hub->registration.thread;
}

static bool is_over(pthread_t id) {
    const green_pthread *posix = green__pthread_of(id);
    if (posix)
        return green__pthread_is_gone(posix);
    return green__pthread_is_green(id) && ((const green_thread *)(id - GREEN_ID_SPAWNED))->state >= GREEN_DONE;
}

/* For what only its own OS thread may do: 0, ESRCH when it has ended, or ENOTSUP. */
static int find_here(pthread_t id, green_thread **thread) {
    const green_pthread *posix = green__pthread_of(id);
    if (is_over(id))
        return ESRCH;
    if (carrier_of(id) != green__real.pthread_self())
        return ENOTSUP;
    *thread = posix ? posix->thread : (green_thread *)(id - GREEN_ID_SPAWNED);
    return 0;
}

/* Names ---------------------------------------------------------------------- */

int green__green_pthread_setname_np(pthread_t id, const char *name) {
    green_thread *thread;
    if (!green__pthread_is_green(id))
        return green__real.pthread_setname_np(id, name);
    if (strlen(name) >= NAME_SIZE)
        return ERANGE;
    int error = find_here(id, &thread);
    if (error == 0)
        green__thread_set_name(thread, name);
    return error;
}

int green__green_pthread_getname_np(pthread_t id, char *name, size_t size) {
    green_thread *thread;
    if (!green__pthread_is_green(id))
        return green__real.pthread_getname_np(id, name, size);
    if (size < NAME_SIZE)
        return ERANGE;
    int error = find_here(id, &thread);
    if (error == 0)
        snprintf(name, NAME_SIZE, "%s", green_thread_name(thread));
    return error;
}

/* Ending, signals ------------------------------------------------------------ */

/* One that has called it for itself goes on until its next blocking call, too. */
int green__green_pthread_cancel(pthread_t id) {
    green_thread *thread;
    if (!green__pthread_is_green(id))
        return green__real.pthread_cancel(id);
    int error = find_here(id, &thread);
    if (error != 0)
        return error;
    if (thread == green__hub->current)
        green__interrupt(thread, &thread->kill);
    else
        (void)green_thread_kill(thread);
    return 0;
}

int green__green_pthread_kill(pthread_t id, int signal) {
    return is_over(id) ? ESRCH : green__real.pthread_kill(carrier_of(id), signal);
}

int green__green_pthread_sigqueue(pthread_t id, int signal, const union sigval value) {
    return is_over(id) ? ESRCH : green__real.pthread_sigqueue(carrier_of(id), signal, value);
}

int green__green_sched_yield(void) {
    green_hub *hub = green__may_park_here();
    if (!hub)
        return green__real.sched_yield();
    green__yield(hub);
    return 0;
}

/* Attributes ----------------------------------------------------------------- */

static int describe(const green_thread *thread, pthread_attr_t *attributes) {
    const green_pthread *posix = green__pthread_record(thread);
    bool is_detached = !posix || green__pthread_is_detached(posix);
    int error = pthread_attr_init(attributes);
    if (error != 0)
        return error;
    (void)pthread_attr_setdetachstate(attributes, is_detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
    error = pthread_attr_setstack(attributes, thread->stack->bottom, green__stack_size(thread->stack));
    if (error != 0)
        pthread_attr_destroy(attributes);
    return error;
}

int green__green_pthread_getattr_np(pthread_t id, pthread_attr_t *attributes) {
    green_thread *thread;
    if (!green__pthread_is_green(id))
        return green__real.pthread_getattr_np(id, attributes);
    int error = find_here(id, &thread);
    return error ? error : describe(thread, attributes);
}

int green__green_pthread_getaffinity_np(pthread_t id, size_t size, cpu_set_t *processors) {
    return is_over(id) ? ESRCH : green__real.pthread_getaffinity_np(carrier_of(id), size, processors);
}

int green__green_pthread_setaffinity_np(pthread_t id, size_t size, const cpu_set_t *processors) {
    return is_over(id) ? ESRCH : green__real.pthread_setaffinity_np(carrier_of(id), size, processors);
}

int green__green_pthread_getschedparam(pthread_t id, int *restrict policy, struct sched_param *restrict parameters) {
    return is_over(id) ? ESRCH : green__real.pthread_getschedparam(carrier_of(id), policy, parameters);
}

int green__green_pthread_setschedparam(pthread_t id, int policy, const struct sched_param *parameters) {
    return is_over(id) ? ESRCH : green__real.pthread_setschedparam(carrier_of(id), policy, parameters);
}

int green__green_pthread_setschedprio(pthread_t id, int priority) {
    return is_over(id) ? ESRCH : green__real.pthread_setschedprio(carrier_of(id), priority);
}

int green__green_pthread_getcpuclockid(pthread_t id, clockid_t *clock) {
    return is_over(id) ? ESRCH : green__real.pthread_getcpuclockid(carrier_of(id), clock);
}
