#include "hub.h"

#include "../base/clock.h"
#include "exit_observer.h"
#include "fork.h"
#include "interrupt.h"
#include "main_queue.h"
#include "shared_wait.h"
#include "stack_overflow.h"
#include "thread.h"
#include "virtual_clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The Swift runtime's: see green_hub. Absent without Swift. */
extern void swift_task_enterThreadLocalContext(char *state) __attribute__((weak));
extern void swift_task_exitThreadLocalContext(char *state) __attribute__((weak));

enum {
    ENTRIES_DEFAULT = 256,
    ENTRIES_MAX = 32768,
    WARM_STACKS_DEFAULT = 1024,
};

static const size_t STACK_SIZE_DEFAULT = (size_t)1 << 20;
static const size_t STACK_SIZE_MAX = SIZE_MAX / 2; /* can be rounded up without overflow */
static const size_t RECEIVE_MEMORY_DEFAULT = (size_t)4 << 20;
static const size_t RECEIVE_MEMORY_MIN = (size_t)64 << 10;
static const size_t RECEIVE_MEMORY_MAX = (size_t)1 << 30;

/* Checks the options and fills in the defaults. */
static int options_check(const green_hub_options *given, green_hub_options *options) {
    *options = given ? *given : (green_hub_options){0};
    if (options->entries == 0)
        options->entries = ENTRIES_DEFAULT;
    if (options->receive_memory == 0)
        options->receive_memory = RECEIVE_MEMORY_DEFAULT;
    if (options->stack_size == 0)
        options->stack_size = STACK_SIZE_DEFAULT;
    if (options->warm_stacks == 0)
        options->warm_stacks = WARM_STACKS_DEFAULT;
    if (options->entries > ENTRIES_MAX || (options->entries & (options->entries - 1)))
        return green__fail(-EINVAL, "green_hub_open: entries is %u and must be a power of two up to %d",
                           options->entries, ENTRIES_MAX);
    if (options->receive_memory < RECEIVE_MEMORY_MIN || options->receive_memory > RECEIVE_MEMORY_MAX)
        return green__fail(-EINVAL, "green_hub_open: receive_memory is %zu and must be from %zu to %zu",
                           options->receive_memory, RECEIVE_MEMORY_MIN, RECEIVE_MEMORY_MAX);
    if (options->stack_size < GREEN_STACK_MIN || options->stack_size > STACK_SIZE_MAX)
        return green__fail(-EINVAL, "green_hub_open: stack_size is %zu and must be from %d to %zu", options->stack_size,
                           GREEN_STACK_MIN, STACK_SIZE_MAX);
    return 0;
}

green_hub *green_hub_retain(green_hub *hub) {
    __atomic_fetch_add(&hub->references, 1, __ATOMIC_RELAXED);
    return hub;
}

void green_hub_release(green_hub *hub) {
    if (hub && __atomic_sub_fetch(&hub->references, 1, __ATOMIC_ACQ_REL) == 0)
        free(hub);
}

/* Returns the hub of a list with an address. NULL: there is none. */
static green_hub *find(const green_hub_registration *first, const green_hub *hub) {
    for (; first; first = first->next)
        if (first->hub == hub)
            return first->hub;
    return NULL;
}

/* Does not retain the hub: while it is retained, it reports no deadlock. */
int green__hub_post_if_open(const green_hub *hub, green_post *post) {
    green_hub *open = find(green__hubs_lock(), hub);
    post->deliver = green__post_deliver;
    int error = open ? green__inbox_try_post(open, post) : -ESRCH;
    green__hubs_unlock();
    return error;
}

green_hub *green__hub_retain_if_open(const green_hub *hub) {
    green_hub *open = find(green__hubs_lock(), hub);
    if (open)
        green_hub_retain(open);
    green__hubs_unlock();
    return open;
}

/* Frees all but the record. */
static void hub_end(green_hub *hub) {
    if (hub->engine)
        hub->engine->class->close(hub->engine);
    green__stack_overflow_unwatch(hub);
    green__stacks_destroy(&hub->stacks);
    green__timers_destroy(&hub->timers);
    green__thread_records_destroy(&hub->records);
    green__task_jobs_destroy(&hub->task_jobs);
    green__thread_set_name(&hub->root, NULL);
    free(hub->fallback);
    free(hub->root_select);
    free(hub->root.signal_mask);
    green_hub_release(hub);
}

static pthread_key_t exit_key; /* its destructor runs when an OS thread with a hub exits */

void green__hub_destroy(green_hub *hub) {
    pthread_setspecific(exit_key, NULL);
    if (hub->exit)
        hub->exit((char *)hub->root.access);
    green__hub_unregister(&hub->registration);
    green__hub = NULL;
    green__virtual_now = 0;
    /* A sender that has ended a wait of the hub may not have made its wake-up yet. */
    green__engine_await_wakes(hub->engine, hub->inbox.wakes);
    hub_end(hub);
}

static void report_in_use(const green_hub *hub) {
    const char *advice = green__main_queue_needs_hub()
                             ? "; an async main of Swift ends the main OS thread when it first suspends: run green "
                               "threads on a HubPool, or wait for them before"
                             : "";
    if (*hub->name)
        green__report("an OS thread ended while its hub '%s' was in use: %s%s", hub->name, green_explain(-EBUSY),
                      advice);
    else
        green__report("an OS thread ended while its hub was in use: %s%s", green_explain(-EBUSY), advice);
}

/* The memory of the threads of a lost hub stays: other threads may have pointers into their
 * frames. A list keeps it reachable, so that leak checkers do not report it. */
static green_hub *lost;

static void keep_lost(green_hub *hub) {
    green__hubs_lock();
    hub->next_lost = lost;
    lost = hub;
    green__hubs_unlock();
}

void green__hub_leave(void) {
    green_hub *hub = green__hub;
    green__main_queue_stop(hub);
    if (green_hub_close() == 0)
        return;
    report_in_use(hub);
    hub->is_lost = true;
    green__virtual_now = 0;
    pthread_setspecific(exit_key, NULL);
    hub->current->must_not_block = GREEN_IN_DESTRUCTOR;
    green__hub_unregister(&hub->registration);
    keep_lost(hub);
    green__posts_refuse(hub);
    green__own_threads_call(hub);
    green__inbox_close_with_posts(&hub->inbox);
    green__task_jobs_refuse(hub);
    green__shared_waits_leave(hub);
    green__loss_observers_run(hub);
}

static void on_os_thread_exit(void *unused) {
    (void)unused;
    if (green__hub)
        green__hub_leave();
}

static green_message **find_message_slot(void) {
    return green__hub ? green__message_slot_of(green__hub->current) : NULL;
}

static void locate_report(green_report *report) {
    if (green__hub)
        green__report_set_thread(report, green__hub->current);
}

static int forbid_blocking(void) {
    if (!green__hub)
        return GREEN_MAY_BLOCK;
    int before = green__hub->current->must_not_block;
    green__hub->current->must_not_block = GREEN_IN_DESTRUCTOR;
    return before;
}

static void allow_blocking(int before) {
    if (green__hub)
        green__hub->current->must_not_block = (uint8_t)before;
}

static void prepare(void) {
    static const green_report_core report_core = {locate_report, forbid_blocking, allow_blocking};
    green__message_set_slot_finder(find_message_slot);
    green__report_set_core(&report_core);
    if (pthread_key_create(&exit_key, on_os_thread_exit) != 0)
        green__warn("no pthread key is left; a hub will outlive its OS thread");
}

static void root_init(green_hub *hub) {
    static uint64_t const FIRST = 1;
    green_thread *root = &hub->root;
    root->hub = hub;
    root->state = GREEN_RUNNING;
    root->references = 1;
    root->begun = true;
    root->kill = (green_interrupt){.error = -ECANCELED, .delivered = green__kill_delivered};
    root->last_link = &root->links;
    root->id = green__thread_id_next(&hub->records);
    green__wait_list_init(&root->waiters);
    if (root->id == FIRST)
        green__thread_set_name(root, "main");
    hub->root_fiber = green__fiber_current();
#ifdef GREEN_ASAN
    const green_stack *inherited = green__inherited_stack();
    pthread_attr_t attributes;
    if (inherited) {
        hub->root_bottom = inherited->bottom;
        hub->root_size = green__stack_size(inherited);
    } else if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &hub->root_bottom, &hub->root_size);
        pthread_attr_destroy(&attributes);
    }
#endif
}

/* The OS thread's own context is the first thread, and it is running. */
static void scheduler_init(green_hub *hub, bool has_virtual_clock) {
    green__virtual_clock_init(hub, has_virtual_clock);
    hub->tail = &hub->head;
    hub->last_post = &hub->posts;
    hub->error_number = &errno;
    hub->now = green_now();
    hub->threads = hub->spawned = hub->most_threads = 1;
    hub->current = &hub->root;
    root_init(hub);
    green__run_queue_append(hub, &hub->mark);
}

static void swift_hooks_init(green_hub *hub) {
    if (!swift_task_enterThreadLocalContext || !swift_task_exitThreadLocalContext)
        return;
    hub->enter = swift_task_enterThreadLocalContext;
    hub->exit = swift_task_exitThreadLocalContext;
    hub->enter((char *)hub->root.access);
    hub->root_has_no_access = (hub->root.access[0] | hub->root.access[1]) == 0;
}

/* Makes it the hub of this OS thread, for diagnostics and forks, too. */
static void publish(green_hub *hub) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    hub->diagnostics.since = green__os_clock(); /* it may be blocked from the start */
    green__hub = hub;
    pthread_once(&once, prepare);
    pthread_setspecific(exit_key, hub);
    green__fork_watch();
    green__hub_register(hub, &hub->registration);
    green__diagnostics_hooks.hub_opened(hub);
}

int green__hub_make(const green_hub_options *given) {
    green_hub_options options;
    int error = options_check(given, &options);
    if (error < 0)
        return error;

    green_hub *hub = aligned_alloc(GREEN_CACHE_LINE, sizeof *hub);
    if (!hub)
        return green__fail(-ENOMEM, "cannot make a hub");
    *hub = (green_hub){.references = 1};
    if (options.name)
        strncpy(hub->name, options.name, sizeof hub->name - 1);
    green__stacks_init(&hub->stacks, options.stack_size, options.warm_stacks);
    error = green__engine_open(&hub->engine, options.engine,
                               &(green_engine_options){options.entries, options.receive_memory}, &hub->fallback);
    if (error < 0)
        goto failed;
    error = green__stack_overflow_watch(hub);
    if (error < 0)
        goto failed;
    green__guards_open(&hub->stacks.guards); /* last, because it can do without a descriptor */

    scheduler_init(hub, options.virtual_clock);
    swift_hooks_init(hub);
    green__task_words_find(&hub->switch_state.task_words);
    green__switch_state_scan(&hub->switch_state);
    publish(hub);
    green__main_queue_start(hub);
    return 0;

failed:
    hub_end(hub);
    return error;
}

int green_hub_open(const green_hub_options *options) {
    if (green__hub)
        return green__fail(-EALREADY, "green_hub_open: this OS thread has a hub; open it before anything blocks");
    return green__hub_make(options);
}

green_hub *green_hub_current(void) {
    int error;
    return green__hub_here(&error);
}

const char *green_hub_name(const green_hub *hub) {
    return hub->name;
}

const char *green_hub_engine(void) {
    int error;
    green_hub *hub = green__hub_here(&error);
    return hub ? hub->engine->class->name : NULL;
}

const char *green_hub_fallback(void) {
    return green__hub ? green__hub->fallback : NULL;
}

/* The kind is known once the first guard has been made. */
const char *green_hub_guard(void) {
    int error;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return NULL;
    green_stacks *stacks = &hub->stacks;
    if (!stacks->guards.proven) {
        green_stack *stack = green__stack_take(stacks, 0);
        if (!stack)
            return NULL;
        green__stack_give(stack);
    }
    return green__guard_name(stacks->guards.kind);
}
