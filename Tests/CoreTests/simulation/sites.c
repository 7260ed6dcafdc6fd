#include "sites.h"

#include "../../../csrc/core/hub_record.h"
#include "../../../csrc/core/sanitizer.h"
#include "turn_calls.h"

#include <stdarg.h>

struct program program;

enum { STEPS_MAX = 60, STACK_SIZE = 128 * 1024, KILLS_MAX = 20 };

struct site *site_here(void) {
    CHECK(turn_self(), >=, 0);
    return &program.sites[turn_self()];
}

struct site *some_site(void) {
    return &program.sites[below(program.site_count)];
}

static struct site *closing_hub(void) {
    for (uint32_t i = 0; i < program.site_count; i++)
        if (program.sites[i].closing && !turn_has_ended((int)i))
            return &program.sites[i];
    return NULL;
}

struct site *some_hub(void) {
    struct site *site = closing_hub();
    if (site && chance(800))
        return site;
    do
        site = some_site();
    while (!site->has_hub);
    return site;
}

static void check(void) {
    for (uint32_t i = 0; i < program.site_count; i++)
        site_inbox_check(&program.sites[i]);
}

static void check_quiet(void) {
    if (lock_is_held())
        return; /* an OS thread that was preempted continues later */
    channels_check_quiet();
    remotes_check_quiet();
}

/* Hubs whose OS threads end report it. Nothing else may be reported. */
void __wrap_green__report(const char *format, ...);
void __wrap_green__report(const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!strstr(text, "did not finish before the OS thread of its hub ended"))
        CHECK_CONTAINS(text, "an OS thread ended while its hub was in use");
}

/* Calls ---------------------------------------------------------------------- */

int64_t some_timeout(void) {
    if (chance(400))
        return GREEN_FOREVER;
    return chance(200) ? 1 + below(100) : 1 + below(2 * GREEN_MILLISECOND);
}

void site_call_begin(struct site_call *call, struct site_actor *actor, int64_t timeout) {
    *call = (struct site_call){actor, turns_now(), timeout, actor->killed};
}

int site_call_end(const struct site_call *call, int result) {
    CHECK(result, !=, -EDEADLK);
    if (result == -ECANCELED) {
        CHECK(call->actor->killed);
        call->actor->killed = call->actor->is_remote;
    } else if (result == -ETIMEDOUT) {
        CHECK(call->timeout, >=, 0);
        CHECK(turns_now(), >=, call->begun + call->timeout);
    }
    CHECK(!call->was_killed || call->actor->is_remote || result == -ECANCELED);
    return result;
}

/* Actors --------------------------------------------------------------------- */

static void kill_some_actor(struct site *site) {
    struct site_actor *actor = &site->actors[below(site->actor_count)];
    if (!actor->thread || green_thread_is_finished(actor->thread) || actor->thread == green_current())
        return;
    CHECK(green_thread_kill(actor->thread), ==, 0);
    actor->killed = true;
}

static void sleep_some(struct site_actor *actor) {
    struct site_call call;
    site_call_begin(&call, actor, -1);
    int result = site_call_end(&call, chance(500) ? green_yield() : green_sleep(below(GREEN_MILLISECOND)));
    CHECK(result == 0 || result == -ECANCELED);
}

/* One of them is the favorite of some programs. */
static void (*const acts[])(struct site_actor *) = {posts_act,    channels_act, remotes_act,
                                                    promises_act, locks_act,    sockets_act};
enum { ACTS = sizeof acts / sizeof *acts };

void site_act(struct site_actor *actor) {
    uint32_t number = program.favorite < ACTS && chance(700) ? program.favorite : below(ACTS);
    if (actor->site->only_posts || (closing_hub() && chance(700)))
        number = 0;
    acts[number](actor);
}

static int act(void *argument) {
    struct site_actor *actor = argument;
    struct site *site = actor->site;
    while (!site->ending) {
        if (chance(program.kills))
            kill_some_actor(site);
        if (!closing_hub() && chance(300))
            sleep_some(actor);
        site_act(actor);
        if (chance(50))
            break;
    }
    return 0;
}

static void actors_start(struct site *site) {
    green_spawn_options options = {.name = "actor", .stack_size = STACK_SIZE};
    for (uint32_t i = 0; i < site->actor_count; i++) {
        struct site_actor *actor = &site->actors[i];
        if (actor->thread && green_thread_is_finished(actor->thread)) {
            green_thread_release(actor->thread);
            actor->thread = NULL;
        }
        if (actor->thread)
            continue;
        *actor = (struct site_actor){.site = site};
        CHECK(green_spawn_with(&actor->thread, &options, act, actor), ==, 0);
    }
}

/* All actors end; a kill ends those that wait. */
static void actors_end(struct site *site) {
    site->ending = true;
    for (uint32_t i = 0; i < site->actor_count; i++) {
        struct site_actor *actor = &site->actors[i];
        if (!actor->thread)
            continue;
        for (int kills = 0; green_thread_wait(actor->thread, NULL, 10 * GREEN_MILLISECOND) != 0; kills++) {
            CHECK(kills, <, KILLS_MAX); /* it is stuck */
            CHECK(green_thread_kill(actor->thread), ==, 0);
            actor->killed = true;
        }
        green_thread_release(actor->thread);
        actor->thread = NULL;
    }
}

/* Sites ---------------------------------------------------------------------- */

/* Posts that still run may start something, so a close may be refused. */
static void hub_close(struct site *site) {
    green_statistics now;
    for (int tries = 0;; tries++) {
        CHECK(tries, <, 100);
        CHECK(green_hub_statistics(&now), ==, 0);
        if (now.threads == 1 && now.handles + now.sockets + now.operations + now.buffers == 0) {
            CHECK(now.timers, ==, 0);
            site->closing = true;
            if (green_hub_close() == 0)
                return;
            site->closing = false;
        }
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
}

static void run_hub(void *argument) {
    struct site *site = argument;
    green_hub_options options = {.warm_stacks = 1 + below(8)};
    CHECK(green_hub_open(&options), ==, 0);
    site->hub = green_hub_retain(green_hub_current());
    while (site->steps-- > 0 && !program.is_ending) {
        actors_start(site);
        if (chance(300))
            site_act(&site->root);
        sleep_some(&site->root);
        if (chance(program.kills * 3))
            kill_some_actor(site);
    }
    if (site->dies) {
        if (chance(300))
            posts_flood(site);
        sleep_some(&site->root);
        site->closing = true;
        return;
    }
    actors_end(site);
    hub_close(site);
}

static bool never(void *unused) {
    (void)unused;
    return false;
}

static void run_foreign(void *argument) {
    struct site *site = argument;
    while (site->steps-- > 0 && !program.is_ending) {
        site_act(&site->root);
        if (!closing_hub() && chance(300))
            turn_block("a pause", never, NULL, turns_now() + below(GREEN_MILLISECOND));
    }
    CHECK(site->hub == NULL); /* no call has made one */
}

/* Ends the run, so that calls may wait without a limit. */
static void run_end(void *argument) {
    (void)argument;
    turn_block("the end of the run", never, NULL, turns_now() + below(20 * GREEN_MILLISECOND));
    program.is_ending = true;
    channels_end_waits();
    promises_end_waits();
}

/* Frees what a thread would have freed. Its frames have not returned. */
static void free_dead_thread(green_thread *thread, void *unused) {
    (void)unused;
    if (thread->stack)
        green__sanitizer_unpoison(thread->stack->bottom, green__stack_size(thread->stack));
    green__message_free(&thread->message);
    green__thread_set_name(thread, NULL);
}

/* The memory of a hub whose OS thread has ended in use stays, because others might use it. Here
 * nobody does any more. */
static void free_dead_hub(struct site *site) {
    green_hub *hub = site->hub;
    for (uint32_t i = 0; i < site->actor_count; i++)
        green_thread_release(site->actors[i].thread);
    green__hub_each_thread(hub, free_dead_thread, NULL);
    hub->engine->class->close(hub->engine);
    green__stacks_destroy(&hub->stacks);
    green__timers_destroy(&hub->timers);
    green__thread_records_destroy(&hub->records);
    green_hub_release(hub);
}

static void add_site(bool has_hub) {
    struct site *site = &program.sites[program.site_count];
    site->number = (int)program.site_count++;
    site->has_hub = has_hub;
    site->dies = has_hub && chance(300);
    site->only_posts = !has_hub && chance(500);
    site->steps = chance(300) ? below(4) : below(has_hub ? STEPS_MAX : 3 * STEPS_MAX);
    site->actor_count = has_hub ? 1 + below(SITE_ACTORS_MAX) : 0;
    site->root.site = site;
    turns_add(has_hub ? run_hub : run_foreign, site);
}

void program_run(uint64_t seed) {
    static const uint32_t rates[] = {3, 10, 30, 100, 400};
    dice_begin(seed);
    turn_calls_begin();
    site_inbox_begin();
    CHECK(green_hub_current()); /* of the test, which makes sockets */
    size_t descriptors = open_descriptors();
    program = (struct program){.kills = below(3) * below(100), .favorite = chance(250) ? 0 : below(ACTS + 1)};
    struct turn_rates turn_rates = {.change = rates[below(5)], .expire = chance(300) ? 0 : rates[1 + below(3)]};
    turns_begin(&turn_rates, check, check_quiet);
    posts_begin();
    channels_begin();
    remotes_begin();
    promises_begin();
    sockets_begin();
    locks_begin();
    uint32_t hubs = 1 + below(3), foreign = below(4);
    for (uint32_t i = 0; i < hubs + foreign; i++)
        add_site(i < hubs);
    turns_add(run_end, NULL);
    turns_run();
    channels_end();
    remotes_end();
    promises_end();
    for (uint32_t i = 0; i < hubs; i++) {
        struct site *site = &program.sites[i];
        if (site->engine)
            free_dead_hub(site);
        green_hub_release(site->hub);
    }
    posts_end();
    sockets_end();
    CHECK(open_descriptors(), ==, descriptors);
}

void program_dump(void) {
    for (uint32_t i = 0; i < program.site_count; i++) {
        const struct site *site = &program.sites[i];
        fprintf(stderr, "OS thread %u has %s%s%s; %lu waits, %lu wake-ups\n", i, site->has_hub ? "a hub" : "no hub",
                site->ending ? ", ending" : "", site->closing ? ", closing" : "", (unsigned long)site->sleeps,
                (unsigned long)site->wakes);
    }
    turns_dump();
}
