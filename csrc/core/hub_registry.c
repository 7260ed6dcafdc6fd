/* The list of the process's hubs, and what a hub does for those who look at it. */
#include "monitor.h"

#include "../base/pthread.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A debugger's script begins here, too. */
green_hub *green__hubs;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t dumps = PTHREAD_MUTEX_INITIALIZER; /* one hub writes its dump after the other */
static uint32_t timed;                                    /* the number of the monitor that has turns timed, or 0 */

green_hub *green__hubs_lock(void) {
    green__pthread.mutex_lock(&lock);
    return green__hubs;
}

void green__hubs_unlock(void) {
    green__pthread.mutex_unlock(&lock);
}

static void set_timed(green_hub_registration *registration) {
    __atomic_fetch_and(&registration->requests, GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
    __atomic_fetch_or(&registration->requests, timed * GREEN_REQUEST_TIMING, __ATOMIC_RELAXED);
}

void green__hubs_set_timing(uint32_t monitor) {
    green__pthread.mutex_lock(&lock);
    timed = monitor;
    for (green_hub *hub = green__hubs; hub; hub = hub->registration.next)
        set_timed(&hub->registration);
    green__pthread.mutex_unlock(&lock);
}

static void enlist(green_hub *hub) {
    green_hub_registration *registration = &hub->registration;
    registration->thread = pthread_self();
    registration->number = (int32_t)gettid();
    registration->since = hub->now; /* it may be held from the first on */
    registration->next = green__hubs;
    registration->place = &green__hubs;
    if (registration->next)
        registration->next->registration.place = &registration->next;
    green__hubs = hub;
    set_timed(registration);
}

static void before_fork(void) {
    green__pthread.mutex_lock(&lock);
}

static void after_fork(void) {
    green__pthread.mutex_unlock(&lock);
}

/* Of the OS threads only the one that forked is left, and nobody watches. */
static void in_child(void) {
    lock = dumps = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    for (green_hub *hub = green__hubs, *next; hub; hub = next) {
        next = hub->registration.next;
        green__hub_abandon(hub);
    }
    green__hubs = NULL;
    timed = 0;
    green__monitor_forked();
}

static void prepare(void) {
    if (pthread_atfork(before_fork, after_fork, in_child) != 0)
        green__report("no memory for what is to be done at a fork");
}

void green__hub_registry_prepare(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare);
}

void green__hub_register(green_hub *hub) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    green__hub_registry_prepare();
    green__pthread.mutex_lock(&lock);
    enlist(hub);
    green__pthread.mutex_unlock(&lock);
    pthread_once(&once, green__monitor_from_environment);
}

void green__hub_unregister(green_hub *hub) {
    green_hub_registration *registration = &hub->registration;
    green__pthread.mutex_lock(&lock);
    if (registration->place) {
        *registration->place = registration->next;
        if (registration->next)
            registration->next->registration.place = registration->place;
        registration->place = NULL;
    }
    green__pthread.mutex_unlock(&lock);
}

/* What the hub does ---------------------------------------------------------- */

static int dump_all(void *unused) {
    (void)unused;
    green_hub *hub = green__hub;
    green_hub_registration *registration = &hub->registration;
    __atomic_fetch_and(&registration->requests, ~(uint32_t)GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
    registration->dump_scheduled = false;
    green__pthread.mutex_lock(&dumps);
    green__hub_dump(hub, STDERR_FILENO);
    green__pthread.mutex_unlock(&dumps);
    return 0;
}

/* By a thread of its own: the one that does this turn may have no stack left for it. */
static void begin_dump(green_hub *hub) {
    static const green_spawn_options options = {.name = "dump"};
    if (hub->registration.dump_scheduled)
        return;
    hub->registration.dump_scheduled = true;
    if (green_spawn_with(NULL, &options, dump_all, NULL) < 0)
        dump_all(NULL);
}

static void time_turn(green_hub_registration *registration, uint32_t monitor) {
    int64_t now = green_now();
    if (registration->timed != monitor)
        registration->timed = monitor; /* what came before was not timed */
    else if (now - registration->iteration_start > registration->longest_iteration)
        registration->longest_iteration = now - registration->iteration_start;
    registration->iteration_start = now;
}

void green__hub_serve_requests(green_hub *hub) {
    uint32_t requests = green__hub_requests(&hub->registration);
    if (requests & GREEN_REQUEST_DUMP)
        begin_dump(hub);
    if (requests >= GREEN_REQUEST_TIMING)
        time_turn(&hub->registration, requests / GREEN_REQUEST_TIMING);
}

void green__hub_woken(green_hub *hub) {
    hub->registration.iteration_start = hub->now;
    if (green__hub_requests(&hub->registration) & GREEN_REQUEST_DUMP)
        begin_dump(hub);
}
