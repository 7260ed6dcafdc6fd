/* Checks that apply to every blocking call. */
#include "world.h"

/* More stack than a call of Green uses, and less than an actor has. */
enum { DEPTH = 48 * 1024 };

void call_begin(struct call *call, struct actor *actor, int64_t timeout) {
    *call = (struct call){
        .actor = actor,
        .begun = kernel_now(),
        .timeout = timeout,
        .tick = ++world.tick,
        .was_killed = actor->killed,
    };
}

bool call_blocked(const struct call *call) {
    return world.tick != call->tick;
}

bool is_early(long result) {
    return result == -ECANCELED || result == -ETIME || result == -ETIMEDOUT;
}

static void check_early(const struct call *call, long result) {
    struct actor *actor = call->actor;
    if (result == -ECANCELED) {
        CHECK(actor->killed);
        actor->killed = false;
    } else if (result == -ETIME) {
        CHECK(actor->limit != NULL);
        CHECK(kernel_now(), >=, actor->limit_at);
        CHECK(green_timeout_has_fired(actor->limit));
    } else if (result == -ETIMEDOUT) {
        CHECK(call->timeout, >=, 0);
        CHECK(kernel_now(), >=, call->begun + call->timeout);
    } else {
        /* A kill that was pending is delivered by the next call that is not refused. */
        CHECK(!call->was_killed || result == -EBUSY);
    }
}

long call_end(struct call *call, long result) {
    check_early(call, result);
    /* The operation was on this stack, below the caller's record. */
    CHECK(kernel_holds((const char *)call - DEPTH, call), ==, 0);
    world.steps++;
    world.tick++;
    world_check();
    return result;
}

int64_t some_timeout(void) {
    if (chance(500))
        return GREEN_FOREVER;
    return chance(200) ? 1 + below(100) : 1 + below(5 * GREEN_MILLISECOND);
}
