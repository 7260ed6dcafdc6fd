#include "world.h"

#include <unistd.h>

struct world world;

enum { STEPS_MAX = 200, STACK_SIZE = 128 * 1024 };

void world_check(void) {
    queues_check();
    semaphores_check();
    meeting_check();
}

/* Actors --------------------------------------------------------------------- */

static void sleep_some(struct actor *actor) {
    struct call call;
    int64_t time = below(2 * GREEN_MILLISECOND);
    call_begin(&call, actor, GREEN_FOREVER);
    long result = call_end(&call, chance(500) ? green_yield() : green_sleep(time));
    CHECK(result == 0 || is_early(result));
}

static void interrupt_any_actor(void) {
    struct actor *actor = &world.actors[below(world.actor_count)];
    if (!actor->thread || green_thread_is_finished(actor->thread) || actor->thread == green_current())
        return;
    CHECK(green_thread_kill(actor->thread), ==, 0);
    actor->killed = true;
}

/* Starts a timeout around the next calls, or ends it. */
static void change_limit(struct actor *actor) {
    if (actor->limit) {
        green_timeout_free(actor->limit);
        actor->limit = NULL;
        return;
    }
    int64_t time = below(3 * GREEN_MILLISECOND);
    actor->limit_at = kernel_now() + time;
    CHECK(green_timeout_start(&actor->limit, time), ==, 0);
}

static int act(void *argument) {
    static void (*const acts[])(struct actor *) = {streams_act, queues_act, semaphores_act, meeting_act};
    struct actor *actor = argument;
    while (!world.is_ending) {
        if (chance(world.interrupts))
            interrupt_any_actor();
        if (chance(world.interrupts) || actor->limit)
            change_limit(actor);
        if (chance(100))
            sleep_some(actor);
        acts[below(4)](actor);
        if (chance(30))
            break;
    }
    if (actor->limit)
        green_timeout_free(actor->limit);
    actor->limit = NULL;
    return 0;
}

static void actors_start(void) {
    green_spawn_options options = {.name = "actor", .stack_size = STACK_SIZE};
    for (uint32_t i = 0; i < world.actor_count; i++) {
        struct actor *actor = &world.actors[i];
        if (actor->thread && green_thread_is_finished(actor->thread)) {
            green_thread_release(actor->thread);
            actor->thread = NULL;
        }
        if (actor->thread)
            continue;
        *actor = (struct actor){0};
        CHECK(green_spawn_with(&actor->thread, &options, act, actor), ==, 0);
    }
}

/* All actors end; a kill ends those that wait. */
static void actors_end(void) {
    world.is_ending = true;
    for (uint32_t i = 0; i < world.actor_count; i++) {
        struct actor *actor = &world.actors[i];
        for (int kills = 0; green_thread_wait(actor->thread, NULL, 100 * GREEN_MILLISECOND) != 0; kills++) {
            CHECK(kills, <, 20); /* it is stuck */
            CHECK(green_thread_kill(actor->thread), ==, 0);
            actor->killed = true;
        }
        green_thread_release(actor->thread);
        actor->thread = NULL;
    }
}

/* Runs ----------------------------------------------------------------------- */

/* Each run has some of the faults, rarely or often. */
static uint32_t some_rate(void) {
    static const uint32_t rates[] = {0, 0, 10, 50, 200};
    return rates[below(5)];
}

static struct faults some_faults(void) {
    return (struct faults){
        .late = some_rate() * 3,
        .interrupted = some_rate(),
        .cut = some_rate() * 2,
        .reset = some_rate() / 4,
        .full = some_rate(),
        .no_buffer = some_rate(),
        .refused = some_rate(),
        .busy = some_rate(),
        .running = some_rate() * 3,
    };
}

static void world_make(void) {
    world = (struct world){
        .actor_count = 2 + below(ACTORS_MAX - 1),
        .stream_count = 1 + below(STREAMS_MAX),
        .queue_count = 1 + below(QUEUES_MAX),
        .semaphore_count = 1 + below(SEMAPHORES_MAX),
        .interrupts = some_rate(),
    };
    streams_make();
    queues_make();
    semaphores_make();
    meeting_make();
}

static void check_nothing_left(void) {
    green_statistics now;
    for (int i = 0; i < 100; i++) {
        CHECK(green_hub_statistics(&now), ==, 0);
        if (now.threads == 1 && now.handles + now.timers + now.sockets + now.operations + now.buffers == 0)
            break;
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
    CHECK(now.threads, ==, 1);
    CHECK(now.handles, ==, 0);
    CHECK(now.timers, ==, 0);
    CHECK(now.sockets, ==, 0);
    CHECK(now.operations, ==, 0);
    CHECK(now.buffers, ==, 0);
}

void world_run(uint64_t seed, const char *engine) {
    dice_begin(seed);
    struct faults faults = some_faults();
    green_hub_options options = {
        .engine = engine,
        .entries = 1u << below(6),
        .receive_memory = 64 * 1024 << below(3),
    };
    unsigned completions = chance(500) ? 0 : 2u << below(4);
    uint64_t steps = 20 + below(STEPS_MAX);
    size_t descriptors = open_descriptors();
    kernel_begin(&faults, completions);
    events_begin(&faults, strcmp(engine, "epoll") == 0);
    CHECK(green_hub_open(&options), ==, 0);
    world_make();
    while (world.steps < steps) {
        actors_start();
        CHECK(green_sleep(below(GREEN_MILLISECOND)), ==, 0);
        interrupt_any_actor();
    }
    actors_end();
    meeting_end();
    streams_end();
    queues_end();
    semaphores_end();
    check_nothing_left();
    CHECK(green_hub_close(), ==, 0);
    events_end();
    kernel_end();
    CHECK(open_descriptors(), ==, descriptors);
}
