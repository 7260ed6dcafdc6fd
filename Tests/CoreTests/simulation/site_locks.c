/* The locks of channels: one OS thread at a time has them, and none waits for one forever.
 * Compiled with schedule points, because acquiring them is inline. */
#include "../../../csrc/sync/biased_lock.h"
#include "sites.h"

enum { BIASED_LOCKS = 6, TIMES_MAX = 4 };

static green_short_lock lock;
static bool held;

static struct {
    green_biased_lock lock;
    bool held;
} biased[BIASED_LOCKS];

void locks_begin(void) {
    for (int i = 0; i < BIASED_LOCKS; i++)
        biased[i].lock = GREEN_BIASED_LOCK_INITIALIZER;
}

static bool never(void *unused) {
    (void)unused;
    return false;
}

/* Like an OS thread that the kernel preempts. */
static void hold(bool *is_held) {
    CHECK(!*is_held);
    *is_held = true;
    turn_point("with a lock");
    if (chance(200))
        turn_block("preempted", never, NULL, turns_now() + 1);
    CHECK(*is_held);
    *is_held = false;
}

/* A hub to which the lock is biased uses it often. */
static void use_biased(const struct site *site, int number) {
    green_biased_lock *used = &biased[number].lock;
    if (site->has_hub && used->owner == GREEN_BIASED_LOCK_UNBIASED) {
        turn_keep();
        for (int i = 0; i <= GREEN_BIASED_LOCK_REPEATS; i++)
            green__biased_unlock(used, green__biased_lock(used));
        turn_keep_no_longer();
    }
    for (uint32_t i = 1 + below(TIMES_MAX); i > 0; i--) {
        bool as_owner = green__biased_lock(used);
        hold(&biased[number].held);
        green__biased_unlock(used, as_owner);
    }
}

bool lock_is_held(void) {
    for (int i = 0; i < BIASED_LOCKS; i++)
        if (biased[i].held)
            return true;
    return held;
}

void locks_act(struct site_actor *actor) {
    if (chance(700)) {
        use_biased(actor->site, (int)below(BIASED_LOCKS));
        return;
    }
    green__short_lock(&lock);
    hold(&held);
    green__short_unlock(&lock);
}
