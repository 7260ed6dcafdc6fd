#include "hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    ENTRIES_DEFAULT = 256,
    ENTRIES_MAX = 32768,
    WARM_STACKS_DEFAULT = 1024,
    BLOCK_THREADS = 256,
};

static const size_t STACK_SIZE_DEFAULT = (size_t)1 << 20;
static const size_t STACK_SIZE_MAX = SIZE_MAX / 2; /* can be rounded up without overflow */
static const size_t RECEIVE_MEMORY_DEFAULT = (size_t)4 << 20;
static const size_t RECEIVE_MEMORY_MIN = (size_t)64 << 10;
static const size_t RECEIVE_MEMORY_MAX = (size_t)1 << 30;

_Thread_local green_hub *green__hub __attribute__((tls_model("initial-exec")));

/* Thread records come in blocks and are never given back while the hub lives,
 * so that a handle of a finished thread costs a record and no stack. */
struct green_thread_block {
    struct green_thread_block *next;
    green_thread threads[BLOCK_THREADS];
};

green_thread *green__thread_record_alloc(green_hub *hub) {
    if (!hub->free_records) {
        struct green_thread_block *block = aligned_alloc(GREEN_CACHE_LINE, sizeof *block);
        if (!block)
            return NULL;
        block->next = hub->blocks;
        hub->blocks = block;
        for (size_t i = BLOCK_THREADS; i-- > 0;) {
            block->threads[i].state = GREEN_UNUSED;
            block->threads[i].next = hub->free_records;
            hub->free_records = &block->threads[i];
        }
    }
    green_thread *thread = hub->free_records;
    hub->free_records = thread->next;
    return thread;
}

void green__thread_record_free(green_hub *hub, green_thread *thread) {
    thread->state = GREEN_UNUSED;
    thread->next = hub->free_records;
    hub->free_records = thread;
}

void green__hub_each_thread(green_hub *hub, void (*visit)(green_thread *thread, void *context), void *context) {
    visit(&hub->root, context);
    for (struct green_thread_block *block = hub->blocks; block; block = block->next)
        for (size_t i = 0; i < BLOCK_THREADS; i++)
            if (block->threads[i].state < GREEN_DONE)
                visit(&block->threads[i], context);
}

/* Fills in the defaults. */
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

static void hub_free(green_hub *hub) {
    if (hub->engine)
        hub->engine->class->close(hub->engine);
    green__stack_overflow_unwatch(hub);
    green__stacks_destroy(&hub->stacks);
    green__timers_destroy(&hub->timers);
    for (struct green_thread_block *block = hub->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(hub->root.name);
    free(hub->fallback);
    free(hub);
}

/* The OS thread is exit_observer. */
static void hub_os_thread_exit(void *unused) {
    (void)unused;
    if (!green__hub || green_hub_close() == 0)
        return;
    green__hub_unregister(green__hub);
    /* Their frames may hold what others point to, so their memory stays. */
    green__report("an OS thread ended while its hub was in use: %s", green_explain(-EBUSY));
}

static pthread_key_t os_thread_exit_key;

static green_message **find_message_slot(void) {
    return green__hub ? green__message_slot_of(green__hub->current) : NULL;
}

static void prepare(void) {
    green__message_set_slot_finder(find_message_slot);
    if (pthread_key_create(&os_thread_exit_key, hub_os_thread_exit) != 0)
        green__report("no pthread key is left; a hub will outlive its OS thread");
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
    root->id = green__thread_id_next(hub);
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

int green__hub_make(const green_hub_options *given) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    green_hub_options options;
    int error = options_check(given, &options);
    if (error < 0)
        return error;

    green_hub *hub = aligned_alloc(GREEN_CACHE_LINE, sizeof *hub);
    if (!hub)
        return green__fail(-ENOMEM, "making a hub");
    *hub = (green_hub){0};
    green__stacks_init(&hub->stacks, options.stack_size, options.warm_stacks);
    error = green__engine_open(&hub->engine, options.engine,
                               &(green_engine_options){options.entries, options.receive_memory}, &hub->fallback);
    if (error < 0)
        goto failed;
    error = green__stack_overflow_watch(hub);
    if (error < 0)
        goto failed;
    green__guards_open(&hub->stacks.guards); /* last, because it can do without a descriptor */

    hub->tail = &hub->head;
    hub->error_number = &errno;
    hub->now = green_now();
    hub->threads = 1;
    hub->current = &hub->root;
    root_init(hub);
    green__run_queue_append(hub, &hub->mark);
    if (swift_task_enterThreadLocalContext && swift_task_exitThreadLocalContext) {
        hub->enter = swift_task_enterThreadLocalContext;
        hub->exit = swift_task_exitThreadLocalContext;
        hub->enter((char *)hub->root.access);
        hub->root_has_no_access = (hub->root.access[0] | hub->root.access[1]) == 0;
    }
    green__switch_state_scan(hub);
    green__hub = hub;
    pthread_once(&once, prepare);
    pthread_setspecific(os_thread_exit_key, hub);
    green__hub_register(hub);
    return 0;

failed:
    hub_free(hub);
    return error;
}

int green_hub_open(const green_hub_options *options) {
    if (green__hub)
        return green__fail(-EALREADY, "green_hub_open: this OS thread has a hub; open it before anything blocks");
    return green__hub_make(options);
}

int green_hub_close(void) {
    green_hub *hub = green__hub;
    if (!hub)
        return green__fail(-ENOENT, "green_hub_close: this OS thread has no hub");
    while (hub->registration.dump_scheduled && hub->current == &hub->root)
        (void)green_yield(); /* a thread of Green's own, which ends without waiting */
    if (hub->current != &hub->root || hub->threads > 1 || hub->handles || hub->sockets)
        return green__fail(-EBUSY,
                           "green_hub_close: %lu green threads have not finished, %lu handles of finished ones and "
                           "%lu sockets, files or processes are still held",
                           hub->threads - 1, hub->handles, hub->sockets);
    /* What was cancelled may not have completed yet. */
    hub->in_event_loop = true;
    while (hub->engine->operations > 0)
        hub->engine->class->poll(hub->engine, GREEN_FOREVER);
    hub->root.must_not_block = true;
    green__locals_destroy(&hub->root);
    green__exit_observers_run(&hub->root);
    green__interrupt_reason_discard(&hub->root.reason);
    green__interrupt_reason_discard(&hub->root.kill.reason);
    pthread_setspecific(os_thread_exit_key, NULL);
    if (hub->exit)
        hub->exit((char *)hub->root.access);
    green__hub_unregister(hub);
    green__hub = NULL;
    hub_free(hub);
    return 0;
}

const char *green_hub_engine(void) {
    int error;
    green_hub *hub = green__hub_here(&error);
    return hub ? hub->engine->class->name : NULL;
}

const char *green_hub_fallback(void) {
    return green__hub ? green__hub->fallback : NULL;
}

/* Which kind it is shows when the first guard is made. */
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

static void count_state(green_thread *thread, void *context) {
    green_statistics *statistics = context;
    statistics->ready += thread->state == GREEN_READY && !green__timer_pending(&thread->start);
    statistics->parked += thread->state == GREEN_PARKED;
    statistics->delayed += green__timer_pending(&thread->start);
}

int green_hub_statistics(green_statistics *statistics) {
    green_hub *hub = green__hub;
    if (!hub)
        return green__fail(-ENOENT, "green_hub_statistics: this OS thread has no hub");
    *statistics = (green_statistics){
        .threads = hub->threads,
        .handles = hub->handles,
        .timers = hub->timers.count,
        .sockets = hub->sockets,
        .operations = hub->engine->operations,
        .buffers = hub->engine->buffers_in_use,
        .switches = hub->switches,
        .loop_iterations = hub->loop_iterations,
        .system_calls = hub->engine->system_calls,
        .submitted = hub->engine->submitted,
        .completions = hub->engine->completions,
        .fallbacks = hub->fallbacks,
        .longest_iteration = hub->registration.longest_iteration,
    };
    green__hub_each_thread(hub, count_state, statistics);
    for (const green_stack_class *class = &hub->stacks.first; class; class = class->next) {
        statistics->stacks += class->carved;
        statistics->free_stacks += class->free_count;
    }
    return 0;
}

size_t green_hub_deepest_stack(void) {
    return green__hub ? green__stacks_deepest(&green__hub->stacks) : 0;
}
