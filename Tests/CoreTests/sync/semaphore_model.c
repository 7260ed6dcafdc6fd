/* Semaphores in a small world: all that up to three threads, which acquire or
 * give back once each, and main can do to one in so many steps. Beside it a model
 * says what must come of it. Between two steps the threads run, or do not. */
#include "helpers.h"

#include <sys/syscall.h>
#include <time.h>

enum { WORKERS = 3, STEPS = SLOW ? 5 : 6 };

/* The clock of a world stands still, except for a step that ends somebody's time. */
static int64_t world_clock; /* 0: the real one */

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_MONOTONIC || world_clock == 0)
        return (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec = world_clock / GREEN_SECOND;
    time->tv_nsec = world_clock % GREEN_SECOND;
    return 0;
}

enum fate {
    UNUSED,
    SPAWNED, /* has not run yet */
    WAITING,
    DECIDED, /* its result is known, but it has not run since */
    ENDED,
};

struct worker {
    green_semaphore *semaphore;
    bool releases;
    int64_t timeout;
    green_thread *thread;
    enum fate fate;
    bool killed;
    int64_t deadline;
    int result;
};

struct world {
    green_semaphore *semaphore;
    struct worker workers[WORKERS];
    int64_t permits, limit;
    int queue[WORKERS], waiting; /* who waits, first come first: never both kinds at once */
};

enum action { ACQUIRE, RELEASE_WITHIN, KILL, EXPIRE, RELEASE, TRY_ACQUIRE };

struct step {
    enum action action;
    int worker; /* of KILL and EXPIRE */
    bool settle;
};

static void leave_queue(struct world *world, int index, int result) {
    int place = 0;
    while (world->queue[place] != index)
        place++;
    world->waiting--;
    for (; place < world->waiting; place++)
        world->queue[place] = world->queue[place + 1];
    world->workers[index].fate = DECIDED;
    world->workers[index].result = result;
}

static bool first_is(const struct world *world, bool releases) {
    return world->waiting > 0 && world->workers[world->queue[0]].releases == releases;
}

/* Whether a permit can be had, or given back, now; if so it is. */
static bool model_use(struct world *world, bool releases) {
    if (first_is(world, !releases)) {
        leave_queue(world, world->queue[0], 0);
        return true;
    }
    if (releases ? world->permits == world->limit : world->permits == 0)
        return false;
    world->permits += releases ? 1 : -1;
    return true;
}

static void model_run(struct world *world, int index) {
    struct worker *worker = &world->workers[index];
    worker->fate = DECIDED;
    worker->result = worker->killed ? -ECANCELED : 0;
    if (worker->killed || model_use(world, worker->releases))
        return;
    worker->fate = WAITING;
    worker->deadline = world_clock + worker->timeout;
    world->queue[world->waiting++] = index;
}

/* Lets everybody run until nobody can. */
static void settle(struct world *world) {
    for (int i = 0; i < WORKERS; i++)
        if (world->workers[i].fate == SPAWNED)
            model_run(world, i);
    for (int i = 0; i < WORKERS; i++)
        if (world->workers[i].fate == DECIDED)
            world->workers[i].fate = ENDED;
    for (int i = 0; i < 4; i++)
        CHECK(green_yield(), ==, 0);
}

static bool any(const struct world *world, enum fate fate) {
    bool found = false;
    for (int i = 0; i < WORKERS; i++)
        found |= world->workers[i].fate == fate;
    return found;
}

static int next_unused(const struct world *world) {
    int index = 0;
    while (index < WORKERS && world->workers[index].fate != UNUSED)
        index++;
    return index;
}

static bool is_possible(const struct world *world, struct step step) {
    const struct worker *worker = &world->workers[step.worker];
    switch (step.action) {
    case ACQUIRE:
    case RELEASE_WITHIN:
        return next_unused(world) < WORKERS;
    case KILL:
        return worker->fate != UNUSED && worker->fate != ENDED && !worker->killed;
    case EXPIRE: /* those who have not begun would have their time from now on, or from before */
        return worker->fate == WAITING && !any(world, SPAWNED) && step.settle;
    default:
        return true;
    }
}

static int work(void *argument) {
    const struct worker *worker = argument;
    return worker->releases ? green_semaphore_release_within(worker->semaphore, worker->timeout)
                            : green_semaphore_acquire(worker->semaphore, worker->timeout);
}

static void spawn_worker(struct world *world, bool releases) {
    int index = next_unused(world);
    struct worker *worker = &world->workers[index];
    worker->semaphore = world->semaphore;
    worker->releases = releases;
    worker->timeout = (index + 1) * 3600 * GREEN_SECOND;
    worker->fate = SPAWNED;
    worker->thread = start(work, worker);
}

static void kill_worker(struct world *world, int index) {
    struct worker *worker = &world->workers[index];
    CHECK(green_thread_kill(worker->thread), ==, 0);
    worker->killed = true;
    if (worker->fate == WAITING)
        leave_queue(world, index, -ECANCELED);
}

static void expire(struct world *world, int64_t deadline) {
    world_clock = deadline;
    for (int i = 0; i < WORKERS; i++)
        if (world->workers[i].fate == WAITING && world->workers[i].deadline <= world_clock)
            leave_queue(world, i, -ETIMEDOUT);
}

static void act(struct world *world, struct step step) {
    if (step.action == ACQUIRE || step.action == RELEASE_WITHIN)
        spawn_worker(world, step.action == RELEASE_WITHIN);
    else if (step.action == KILL)
        kill_worker(world, step.worker);
    else if (step.action == EXPIRE)
        expire(world, world->workers[step.worker].deadline);
    else if (step.action == RELEASE)
        CHECK(green_semaphore_release(world->semaphore), ==, model_use(world, true) ? 0 : -EOVERFLOW);
    else
        CHECK(green_semaphore_try_acquire(world->semaphore), ==, model_use(world, false));
    if (step.settle)
        settle(world);
}

static void check_workers(const struct world *world) {
    for (int i = 0; i < WORKERS; i++) {
        const struct worker *worker = &world->workers[i];
        int result = 1;
        if (worker->fate == UNUSED)
            continue;
        CHECK(green_thread_is_finished(worker->thread), ==, worker->fate == ENDED);
        if (worker->fate != ENDED)
            continue;
        CHECK(green_thread_wait(worker->thread, &result, 0), ==, 0);
        CHECK(result, ==, worker->result);
    }
}

static void check_world(const struct world *world) {
    bool releasing = first_is(world, true);
    CHECK(green_semaphore_permits(world->semaphore), ==, world->permits);
    CHECK(green_semaphore_acquiring(world->semaphore), ==, releasing ? 0 : world->waiting);
    CHECK(green_semaphore_releasing(world->semaphore), ==, releasing ? world->waiting : 0);
    check_workers(world);
}

/* Those who still wait are killed, or the semaphore is freed under them. */
static void end_world(struct world *world, bool kill) {
    settle(world);
    check_world(world);
    while (kill && world->waiting > 0)
        kill_worker(world, world->queue[0]);
    if (kill)
        check_world(world);
    green_semaphore_free(world->semaphore);
    while (world->waiting > 0)
        leave_queue(world, world->queue[0], -EBADF);
    settle(world);
    check_workers(world);
    for (int i = 0; i < WORKERS; i++)
        green_thread_release(world->workers[i].thread);
}

/* Plays steps in a new world. False: the last of them is not possible there. */
static bool play(int64_t permits, int64_t limit, const struct step *steps, int count) {
    struct world world = {.permits = permits, .limit = limit};
    CHECK(green_semaphore_make(&world.semaphore, permits, limit), ==, 0);
    bool possible = true;
    world_clock = GREEN_SECOND;
    for (int i = 0; i < count && (possible = is_possible(&world, steps[i])); i++) {
        act(&world, steps[i]);
        check_world(&world);
    }
    end_world(&world, count % 2);
    return possible;
}

static long played;

/* Plays all that can follow the steps there are. */
static void explore(int64_t permits, int64_t limit, struct step *steps, int count) {
    for (enum action action = ACQUIRE; action <= TRY_ACQUIRE; action++)
        for (int worker = 0; worker < (action == KILL || action == EXPIRE ? WORKERS : 1); worker++)
            for (int settled = 0; settled <= 1; settled++) {
                steps[count] = (struct step){action, worker, settled};
                if (!play(permits, limit, steps, count + 1))
                    continue;
                played++;
                if (count + 1 < STEPS)
                    explore(permits, limit, steps, count + 1);
            }
}

BIG_TEST(worlds, "three threads, every order of acquire, release, kill, timeout: as a plain model says") {
    static const struct {
        int64_t permits, limit;
    } beginnings[] = {{0, INT64_MAX}, {1, INT64_MAX}, {0, 0}, {0, 1}, {1, 1}, {1, 2}};
    struct step steps[STEPS];
    CHECK(green_yield(), ==, 0); /* makes the hub by the real clock */
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        explore(beginnings[i].permits, beginnings[i].limit, steps, 0);
    world_clock = 0;
    printf("%ld worlds\n", played);
    CHECK(played, ==, (SLOW ? 355598 : 2909371));
}
