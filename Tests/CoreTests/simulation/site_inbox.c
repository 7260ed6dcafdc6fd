/* The inboxes of the hubs, seen from outside: each wait and each wake-up. */
#include "../../../csrc/core/hub_record.h"
#include "sites.h"

static const green_post *sleeping; /* the state of an inbox whose hub waits */

bool __real_green__inbox_sleep(green_inbox *inbox);

void site_inbox_begin(void) {
    green_inbox inbox = {0};
    CHECK(__real_green__inbox_sleep(&inbox));
    sleeping = inbox.newest;
}

static struct site *site_of(const green_hub *hub) {
    for (uint32_t i = 0; i < program.site_count; i++)
        if (program.sites[i].hub == hub)
            return &program.sites[i];
    return site_here(); /* the hub is being made */
}

static int count_post(green_hub *hub, green_post *post, int (*add)(green_hub *, green_post *)) {
    struct site *site = site_of(hub);
    site->posting++;
    int error = add(hub, post);
    site->posting--;
    CHECK(error == 0 || error == -ESRCH);
    CHECK(error == 0 || site->closing);
    return error;
}

int __real_green__inbox_post(green_hub *hub, green_post *post);
int __wrap_green__inbox_post(green_hub *hub, green_post *post);
int __wrap_green__inbox_post(green_hub *hub, green_post *post) {
    return count_post(hub, post, __real_green__inbox_post);
}

int __real_green__inbox_try_post(green_hub *hub, green_post *post);
int __wrap_green__inbox_try_post(green_hub *hub, green_post *post);
int __wrap_green__inbox_try_post(green_hub *hub, green_post *post) {
    return count_post(hub, post, __real_green__inbox_try_post);
}

bool __wrap_green__inbox_sleep(green_inbox *inbox);
bool __wrap_green__inbox_sleep(green_inbox *inbox) {
    if (turn_self() < 0)
        return __real_green__inbox_sleep(inbox);
    struct site *site = site_here();
    site->sleeps++; /* before, because a sender may wake it during the call */
    bool sleeps = __real_green__inbox_sleep(inbox);
    site->sleeps -= !sleeps;
    return sleeps;
}

int __real_green__engine_open(green_engine **engine, const char *name, const green_engine_options *options,
                              char **fallback);
int __wrap_green__engine_open(green_engine **engine, const char *name, const green_engine_options *options,
                              char **fallback);
int __wrap_green__engine_open(green_engine **engine, const char *name, const green_engine_options *options,
                              char **fallback) {
    if (turn_self() < 0)
        return __real_green__engine_open(engine, name, options, fallback);
    *fallback = NULL;
    *engine = turn_engine_open();
    site_here()->engine = turn_engine_of(*engine);
    return 0;
}

static struct site *site_with(const struct turn_engine *engine) {
    for (uint32_t i = 0; i < program.site_count; i++)
        if (program.sites[i].engine == engine)
            return &program.sites[i];
    check_failed(__FILE__, __LINE__, "a wake-up reaches an open engine");
}

/* A wake-up for a wait may come after it, even in the next wait, but each wait causes one at
 * most. */
void __wrap_green__engine_wake(const green_engine *base);
void __wrap_green__engine_wake(const green_engine *base) {
    turn_point("before a wake-up");
    struct turn_engine *engine = turn_engine_of((green_engine *)(uintptr_t)base);
    struct site *site = site_with(engine);
    site->wakes++;
    CHECK(site->wakes, <=, site->sleeps);
    engine->wakes++;
    turn_point("after a wake-up");
}

struct awaited {
    const struct turn_engine *engine;
    uint64_t wakes;
};

static bool has_all_wakes(void *argument) {
    const struct awaited *awaited = argument;
    return awaited->engine->wakes >= awaited->wakes;
}

/* The hub closes its engine next. */
uint64_t __wrap_green__engine_await_wakes(green_engine *base, uint64_t calls);
uint64_t __wrap_green__engine_await_wakes(green_engine *base, uint64_t calls) {
    if (turn_self() < 0)
        return calls; /* nobody posts to the hub of the test */
    struct awaited awaited = {turn_engine_of(base), calls};
    if (!has_all_wakes(&awaited))
        turn_block("the last wake-ups", has_all_wakes, &awaited, -1);
    CHECK(awaited.engine->wakes, ==, calls);
    site_here()->engine = NULL;
    return calls;
}

/* No post may be left to a hub that waits: its inbox is in the state SLEEPING, or a post is
 * being added, or a wake-up is on its way. */
void site_inbox_check(const struct site *site) {
    if (!site->engine || !site->engine->waits || site->closing || site->posting > 0)
        return;
    const green_post *newest = site->hub->inbox.newest;
    if (newest != sleeping && site->engine->wakes == site->engine->seen_wakes)
        check_failed(__FILE__, __LINE__, "a hub waits only without posts, or is woken");
}
