/* pthread_self(), and calls that take a thread id. Attributes that a green thread does not have
 * itself, such as CPU affinity or priority, are those of its OS thread. */
#include "../../core/schedule.h"
#include "../signal_wait.h"
#include "pthread.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 16 }; /* the kernel's limit for thread names */

static pthread_t id_of(const green_thread *thread) {
    const green_pthread *pthread = green__pthread_record(thread);
    return pthread ? green__pthread_id(pthread) : (pthread_t)thread + GREEN_ID_SPAWNED;
}

pthread_t green__green_pthread_self(void) {
    const green_thread *thread = green__patch_current_thread();
    return thread ? id_of(thread) : green__real.pthread_self();
}

/* The OS thread that a green thread runs on, or the OS thread itself. */
static pthread_t carrier_of(pthread_t id) {
    if (!green__pthread_is_green(id))
        return id;
    const green_pthread *pthread = green__pthread_of(id);
    return pthread ? pthread->carrier : ((const green_thread *)(id - GREEN_ID_SPAWNED))->hub->registration.thread;
}

static bool has_ended(pthread_t id) {
    const green_pthread *pthread = green__pthread_of(id);
    if (pthread)
        return green__pthread_is_gone(pthread);
    return green__pthread_is_green(id) && ((const green_thread *)(id - GREEN_ID_SPAWNED))->state >= GREEN_DONE;
}

int green__pthread_find_here(pthread_t id, green_thread **thread) {
    const green_pthread *pthread = green__pthread_of(id);
    if (has_ended(id))
        return ESRCH;
    if (carrier_of(id) != green__real.pthread_self())
        return ENOTSUP;
    *thread = pthread ? pthread->thread : (green_thread *)(id - GREEN_ID_SPAWNED);
    return 0;
}

/* Names -------------------------------------------------------------------- */

int green__green_pthread_setname_np(pthread_t id, const char *name) {
    green_thread *thread;
    if (!green__pthread_is_green(id))
        return green__real.pthread_setname_np(id, name);
    if (strlen(name) >= NAME_SIZE)
        return ERANGE;
    int error = green__pthread_find_here(id, &thread);
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
    int error = green__pthread_find_here(id, &thread);
    if (error == 0 && !*green_thread_name(thread)) /* without one, that of the OS thread, as by prctl() */
        return green__real.pthread_getname_np(carrier_of(id), name, size);
    if (error == 0)
        snprintf(name, NAME_SIZE, "%s", green_thread_name(thread));
    return error;
}

/* Signals ---------------------------------------------------------- */

/* The thread of an id, if the caller can end its call when it receives a signal. Otherwise NULL. */
static green_thread *receiver_here(pthread_t id) {
    green_thread *thread;
    return green__hub && green__pthread_is_green(id) && green__pthread_find_here(id, &thread) == 0 ? thread : NULL;
}

/* Sends a signal. Without a value (NULL) as pthread_kill() does. The handler runs in the caller, if the
 * thread is of its OS thread. But it ends the call of the thread that receives the signal. */
static int send_signal(pthread_t id, int signal, const union sigval *value) {
    green_hub *hub = green__hub;
    if (has_ended(id))
        return ESRCH;
    green_thread *receiver = receiver_here(id);
    if (receiver)
        hub->signalled = receiver;
    int error = value ? green__real.pthread_sigqueue(carrier_of(id), signal, *value)
                      : green__real.pthread_kill(carrier_of(id), signal);
    if (!receiver)
        return error;
    hub->signalled = NULL;
    green__signals_end_wait(receiver);
    return error;
}

int green__green_pthread_kill(pthread_t id, int signal) {
    return send_signal(id, signal, NULL);
}

int green__green_pthread_sigqueue(pthread_t id, int signal, const union sigval value) {
    return send_signal(id, signal, &value);
}

int green__green_sched_yield(void) {
    green_hub *hub = green__may_park_here();
    if (!hub)
        return green__real.sched_yield();
    green__yield(hub);
    return 0;
}

/* Attributes --------------------------------------------------------------- */

static int describe(const green_thread *thread, pthread_attr_t *attributes) {
    const green_pthread *pthread = green__pthread_record(thread);
    bool is_detached = !pthread || green__pthread_is_detached(pthread);
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
    int error = green__pthread_find_here(id, &thread);
    return error ? error : describe(thread, attributes);
}

int green__green_pthread_getaffinity_np(pthread_t id, size_t size, cpu_set_t *processors) {
    return has_ended(id) ? ESRCH : green__real.pthread_getaffinity_np(carrier_of(id), size, processors);
}

int green__green_pthread_setaffinity_np(pthread_t id, size_t size, const cpu_set_t *processors) {
    return has_ended(id) ? ESRCH : green__real.pthread_setaffinity_np(carrier_of(id), size, processors);
}

int green__green_pthread_getschedparam(pthread_t id, int *restrict policy, struct sched_param *restrict parameters) {
    return has_ended(id) ? ESRCH : green__real.pthread_getschedparam(carrier_of(id), policy, parameters);
}

int green__green_pthread_setschedparam(pthread_t id, int policy, const struct sched_param *parameters) {
    return has_ended(id) ? ESRCH : green__real.pthread_setschedparam(carrier_of(id), policy, parameters);
}

int green__green_pthread_setschedprio(pthread_t id, int priority) {
    return has_ended(id) ? ESRCH : green__real.pthread_setschedprio(carrier_of(id), priority);
}

int green__green_pthread_getcpuclockid(pthread_t id, clockid_t *clock) {
    return has_ended(id) ? ESRCH : green__real.pthread_getcpuclockid(carrier_of(id), clock);
}
