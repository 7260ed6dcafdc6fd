/* The lock of channels: one OS thread at a time has it, and none waits for it forever. */
#include "../../../csrc/base/short_lock.h"
#include "sites.h"

static green_short_lock lock;
static bool held;

static bool never(void *unused) {
    (void)unused;
    return false;
}

/* Like an OS thread that the kernel preempts. */
static void hold_long(void) {
    turn_block("preempted", never, NULL, turns_now() + 1);
}

bool lock_is_held(void) {
    return held;
}

void locks_act(struct site_actor *actor) {
    (void)actor;
    green__short_lock(&lock);
    CHECK(!held);
    held = true;
    turn_point("with a lock");
    if (chance(200))
        hold_long();
    CHECK(held);
    held = false;
    green__short_unlock(&lock);
}
