#include "pool_hub.h"

#include "../base/libc.h"
#include "../base/os_thread.h"
#include "../core/hub.h"
#include "../core/thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* All other signals stay blocked, so that they reach the threads of the program: a default
 * action or a handler runs there, and green_signals collects them there. These belong to the
 * OS thread that causes them, or that a profiler or the monitor examines. */
static void unblock_own_signals(void) {
    static const int own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPROF, SIGSEGV, SIGSYS, SIGTRAP, SIGURG};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigaddset(&set, own[i]);
    green__libc.pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* The end ---------------------------------------------------------------------- */

static void describe_end(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for the end of its hub pool");
}

static void describe_drain(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for the other threads to finish, to end the hub");
}

static void kill_one(green_thread *thread, void *argument) {
    green_pool_hub *self = argument;
    if (!thread->stack || thread->is_own || thread->kill.posted || thread->id <= self->last_killed)
        return;
    green__thread_kill(thread, (green_interrupt_reason){0});
    __atomic_fetch_add(&self->killed, 1, __ATOMIC_RELAXED);
}

/* Kills the threads that are younger than those of the last call. */
static void kill_threads(green_pool_hub *self) {
    green__hub_each_thread(self->hub, kill_one, self);
    self->last_killed = self->hub->records.last_id;
}

/* Waits until a thread has finished. Does not count as a wait for its result. */
static void await(green_thread *thread, void *argument) {
    static const green_wait_kind kind = {NULL, describe_drain};
    green_pool_hub *self = argument;
    if (self->kills && thread->id > self->last_killed)
        kill_threads(self);
    if (thread->stack)
        green__park_in(thread->hub, &thread->waiters, &kind);
}

static void deliver_kill(green_post *post, int error) {
    green_pool_hub *self = GREEN_CONTAINER(post, green_pool_hub, kill);
    if (error < 0)
        return;
    self->kills = true;
    __atomic_store_n(&self->hub->refuses_threads, true, __ATOMIC_RELAXED);
    kill_threads(self);
}

void green__pool_hub_kill(green_pool_hub *self) {
    if (__atomic_exchange_n(&self->kill_posted, true, __ATOMIC_RELAXED))
        return;
    self->kill.deliver = deliver_kill;
    (void)green__inbox_post(self->hub, &self->kill); /* it fails if the hub has ended */
}

/* A close runs posts, which may start threads. Once it has succeeded, the record may have been
 * freed. */
static void end_hub(green_pool_hub *self) {
    green_hub *hub = green__hub;
    int error;
    do {
        while (hub->threads > 1)
            green__hub_each_thread(hub, await, self);
        error = green_hub_close();
    } while (error == -EBUSY && hub->threads > 1);
    if (error < 0)
        green__hub_leave();
}

/* Its OS thread may have ended the hub without the function below, by pthread_exit(3). */
static void ended(green_pool_hub *self) {
    green__exit_observer_remove(&self->exit_observer);
    green__exit_observer_remove(&self->loss_observer);
    green__hub_pool_ended(self->pool);
}

static void closed(green_exit_observer *observer, green_thread *root) {
    (void)root;
    ended(GREEN_CONTAINER(observer, green_pool_hub, exit_observer));
}

static void lost(green_exit_observer *observer, green_thread *root) {
    (void)root;
    ended(GREEN_CONTAINER(observer, green_pool_hub, loss_observer));
}

/* The start -------------------------------------------------------------------- */

/* Keeps an error with its message for the maker of the pool. */
static int keep(green_pool_hub *self, int error) {
    self->error = error;
    self->message = strdup(green_explain(error));
    return error;
}

static int make_hub(green_pool_hub *self) {
    const green_hub_pool *pool = self->pool;
    green_hub_options options = pool->options;
    options.name = self->name;
    options.virtual_clock = false;
    int error = pool->cpus.set ? green__cpus_bind(&pool->cpus, self->index) : 0;
    if (error == 0)
        error = green_hub_open(&options);
    if (error < 0)
        return keep(self, error);
    self->hub = green_hub_retain(green__hub);
    self->exit_observer.exited = closed;
    self->loss_observer.exited = lost;
    green__exit_observer_add(&green__hub->root, &self->exit_observer);
    green__loss_observer_add(green__hub, &self->loss_observer);
    return 0;
}

static void *run(void *argument) {
    green_pool_hub *self = argument;
    green_hub_pool *pool = self->pool;
    green__os_thread_set_name(self->name);
    unblock_own_signals();
    bool made = make_hub(self) == 0;
    green__latch_open(&self->started);
    if (made) {
        green__latch_await(&pool->stop, describe_end);
        end_hub(self);
    } else {
        green__hub_pool_ended(pool);
    }
    return NULL;
}

int green__pool_hub_start(green_pool_hub *self) {
    snprintf(self->name, sizeof self->name, "%s-%zu", self->pool->name, self->index);
    int error = green__os_thread_start(&self->os_thread, 0, run, self);
    return error < 0 ? keep(self, green__fail(error, "cannot start its OS thread")) : 0;
}
