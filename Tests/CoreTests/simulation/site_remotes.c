/* Remote threads: each runs once or is discarded once, those of one spawner start in order,
 * and every wait ends with the result, or with an error if the hub was lost. */
#include "sites.h"

enum { SLOTS = 3, REMOTES_MAX = 64, ACTS_MAX = 4, STACK_SIZE = 128 * 1024 };

struct remote {
    green_remote_thread *handle; /* NULL: it was released */
    uint32_t references;         /* of the simulation */
    int from, to;
    uint32_t number; /* among those from one site to one hub */
    uint32_t runs, discards;
    bool finished;
    bool kills; /* a kill was sent */
    uint32_t reasons, discarded_reasons;
    int result;
    uint32_t waits[SITES_MAX]; /* calls in progress, of each site */
    struct site_actor actor;
};

static struct {
    struct remote remotes[REMOTES_MAX];
    struct remote *slots[SLOTS];
    uint32_t count;
    uint32_t spawned[SITES_MAX][SITES_MAX];
    uint32_t started[SITES_MAX][SITES_MAX]; /* one more than the last number */
} all;

/* References ------------------------------------------------------------------- */

static void retain(struct remote *remote) {
    turn_keep();
    CHECK(green_remote_thread_retain(remote->handle) == remote->handle);
    remote->references++;
    turn_keep_no_longer();
}

static void release(struct remote *remote) {
    green_remote_thread *handle = remote->handle;
    if (--remote->references == 0)
        remote->handle = NULL;
    green_remote_thread_release(handle);
}

/* The thread ------------------------------------------------------------------- */

static void check_order(const struct remote *remote) {
    uint32_t *started = &all.started[remote->from][remote->to];
    CHECK(remote->number, >=, *started);
    *started = remote->number + 1;
}

static int run(void *argument) {
    struct remote *remote = argument;
    CHECK(turn_self(), ==, remote->to);
    CHECK(remote->runs++, ==, 0);
    CHECK(remote->discards, ==, 0);
    check_order(remote);
    for (uint32_t i = below(ACTS_MAX); i > 0; i--)
        site_act(&remote->actor);
    remote->finished = true;
    return remote->result;
}

static void discard(void *argument) {
    struct remote *remote = argument;
    CHECK(turn_self(), ==, remote->to);
    CHECK(remote->runs, ==, 0);
    CHECK(remote->discards++, ==, 0);
    CHECK(remote->kills || program.sites[remote->to].closing);
}

static void spawn(struct site *from, uint32_t slot) {
    struct site *to = some_hub();
    if (!to->hub || all.count == REMOTES_MAX || program.is_ending)
        return;
    uint32_t *spawned = &all.spawned[from->number][to->number];
    struct remote *remote = &all.remotes[all.count++];
    *remote = (struct remote){
        .references = 1,
        .from = from->number,
        .to = to->number,
        .number = (*spawned)++,
        .result = (int)below(1000),
        .actor = {.site = to, .is_remote = true},
    };
    green_spawn_options options = {.name = "remote", .stack_size = STACK_SIZE, .discard = discard};
    green_remote_thread *handle;
    int error = green_hub_spawn(to->hub, &handle, &options, run, remote);
    if (error == 0) {
        remote->handle = handle;
        if (all.slots[slot])
            release(remote); /* another one was faster */
        else
            all.slots[slot] = remote;
        return;
    }
    CHECK(error, ==, -ESRCH);
    CHECK(to->closing);
    CHECK(remote->runs + remote->discards, ==, 0);
}

/* Calls ------------------------------------------------------------------------ */

static void wait_for(struct site_actor *actor, struct remote *remote) {
    struct site_call call;
    remote->waits[actor->site->number]++; /* also if the hub of the caller is lost */
    int result = -1;
    int64_t timeout = actor->is_remote ? (int64_t)below(GREEN_MILLISECOND) : some_timeout(); /* never in a circle */
    site_call_begin(&call, actor, timeout);
    int error = site_call_end(&call, green_remote_thread_wait(remote->handle, &result, timeout));
    remote->waits[actor->site->number]--;
    if (error == -ESRCH) {
        CHECK(program.sites[remote->to].dies && program.sites[remote->to].closing);
        CHECK(!remote->finished);
    } else if (error == 0 && result == -ECANCELED) {
        CHECK(remote->kills);
        CHECK(remote->discards, ==, 1);
    } else if (error == 0) {
        CHECK(remote->finished);
        CHECK(result, ==, remote->result);
    } else {
        CHECK(error == -ECANCELED || error == -ETIMEDOUT);
    }
    CHECK(error != 0 || green_remote_thread_is_finished(remote->handle));
}

static void discard_reason(void *reason) {
    struct remote *remote = reason;
    CHECK(remote->discarded_reasons++, <, remote->reasons);
}

static void kill_remote(struct remote *remote) {
    remote->kills = true;
    remote->actor.killed = true;
    int error;
    if (chance(500)) {
        remote->reasons++;
        error = green_remote_thread_kill_with(remote->handle, remote, discard_reason);
    } else {
        error = green_remote_thread_kill(remote->handle);
    }
    CHECK(error == 0 || (error == -ESRCH && program.sites[remote->to].closing));
}

void remotes_act(struct site_actor *actor) {
    uint32_t slot = below(SLOTS);
    struct remote *remote = all.slots[slot];
    if (!remote) {
        spawn(actor->site, slot);
        return;
    }
    retain(remote);
    if (chance(400) && actor != &remote->actor)
        wait_for(actor, remote);
    else if (chance(400))
        kill_remote(remote);
    if (all.slots[slot] == remote && chance(400)) {
        all.slots[slot] = NULL;
        release(remote);
    }
    release(remote);
}

void remotes_begin(void) {
    memset(&all, 0, sizeof all);
}

/* When no OS thread can continue, nobody waits for a thread that has finished, and those of
 * an OS thread that has ended have finished. */
void remotes_check_quiet(void) {
    for (uint32_t i = 0; i < all.count; i++) {
        const struct remote *remote = &all.remotes[i];
        if (!remote->handle)
            continue;
        bool finished = green_remote_thread_is_finished(remote->handle);
        CHECK(finished || !turn_has_ended(remote->to));
        for (uint32_t site = 0; site < program.site_count; site++)
            CHECK(!finished || remote->waits[site] == 0 || turn_has_ended((int)site));
    }
}

extern void __lsan_ignore_object(const void *object) __attribute__((weak));

/* The calls of threads whose hub was lost keep their references. So does a thread of Green's own
 * there that would have discarded the reason of a kill. */
static void end(struct remote *remote) {
    for (uint32_t site = 0; site < program.site_count; site++)
        for (; remote->waits[site] > 0; remote->waits[site]--) {
            CHECK(program.sites[site].dies);
            green_remote_thread_release(remote->handle);
        }
    if (remote->reasons > remote->discarded_reasons && __lsan_ignore_object)
        __lsan_ignore_object(remote->handle);
    while (remote->references > 0)
        release(remote);
}

void remotes_end(void) {
    for (uint32_t i = 0; i < all.count; i++) {
        struct remote *remote = &all.remotes[i];
        const struct site *site = &program.sites[remote->to];
        CHECK(remote->reasons == remote->discarded_reasons || site->dies);
        if (!remote->handle)
            continue; /* the threads that used it have checked it */
        CHECK(remote->finished || remote->discards == 1 || site->dies);
        end(remote);
    }
}
