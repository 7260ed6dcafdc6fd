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

static void set_timed(green_sight *sight) {
    __atomic_fetch_and(&sight->requests, GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
    __atomic_fetch_or(&sight->requests, timed * GREEN_REQUEST_TIMED, __ATOMIC_RELAXED);
}

void green__hubs_time(uint32_t monitor) {
    green__pthread.mutex_lock(&lock);
    timed = monitor;
    for (green_hub *hub = green__hubs; hub; hub = hub->sight.next)
        set_timed(&hub->sight);
    green__pthread.mutex_unlock(&lock);
}

static void enlist(green_hub *hub) {
    green_sight *sight = &hub->sight;
    sight->thread = pthread_self();
    sight->number = (int32_t)gettid();
    sight->since = hub->now; /* it may be held from the first on */
    sight->next = green__hubs;
    sight->place = &green__hubs;
    if (sight->next)
        sight->next->sight.place = &sight->next;
    green__hubs = hub;
    set_timed(sight);
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
        next = hub->sight.next;
        green__hub_forsake(hub);
    }
    green__hubs = NULL;
    timed = 0;
    green__monitor_forked();
}

static void prepare(void) {
    if (pthread_atfork(before_fork, after_fork, in_child) != 0)
        green__report("no memory for what is to be done at a fork");
}

void green__sight_prepare(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare);
}

void green__sight_open(green_hub *hub) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    green__sight_prepare();
    green__pthread.mutex_lock(&lock);
    enlist(hub);
    green__pthread.mutex_unlock(&lock);
    pthread_once(&once, green__monitor_from_environment);
}

void green__sight_close(green_hub *hub) {
    green_sight *sight = &hub->sight;
    green__pthread.mutex_lock(&lock);
    if (sight->place) {
        *sight->place = sight->next;
        if (sight->next)
            sight->next->sight.place = sight->place;
        sight->place = NULL;
    }
    green__pthread.mutex_unlock(&lock);
}

/* What the hub does ---------------------------------------------------------- */

static int dump_all(void *unused) {
    (void)unused;
    green_hub *hub = green__hub;
    green_sight *sight = &hub->sight;
    __atomic_fetch_and(&sight->requests, ~(uint32_t)GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
    sight->dumping = false;
    green__pthread.mutex_lock(&dumps);
    green__dump(hub, STDERR_FILENO);
    green__pthread.mutex_unlock(&dumps);
    return 0;
}

/* By a thread of its own: the one that does this turn may have no stack left for it. */
static void begin_dump(green_hub *hub) {
    static const green_spawn_options options = {.name = "dump"};
    if (hub->sight.dumping)
        return;
    hub->sight.dumping = true;
    if (green_spawn_with(NULL, &options, dump_all, NULL) < 0)
        dump_all(NULL);
}

static void time_turn(green_sight *sight, uint32_t monitor) {
    int64_t now = green_now();
    if (sight->timed != monitor)
        sight->timed = monitor; /* what came before was not timed */
    else if (now - sight->turned > sight->longest_turn)
        sight->longest_turn = now - sight->turned;
    sight->turned = now;
}

void green__sight_turn(green_hub *hub) {
    uint32_t requests = green__requests(&hub->sight);
    if (requests & GREEN_REQUEST_DUMP)
        begin_dump(hub);
    if (requests >= GREEN_REQUEST_TIMED)
        time_turn(&hub->sight, requests / GREEN_REQUEST_TIMED);
}

void green__sight_woken(green_hub *hub) {
    hub->sight.turned = hub->now;
    if (green__requests(&hub->sight) & GREEN_REQUEST_DUMP)
        begin_dump(hub);
}
