/* Semaphores: every sequence of steps of main and up to three threads, which acquire
 * or release once each, compared with a model. Between two steps the threads run or
 * do not run. */
#include "helpers.h"

#include <sys/syscall.h>
#include <time.h>

enum { WORKERS = 3, STEPS = SLOW ? 5 : 6 };

/* The clock stands still, except for a step that lets a timeout pass. */
static int64_t model_clock; /* 0: the real clock */

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_MONOTONIC || model_clock == 0)
        return (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec = model_clock / GREEN_SECOND;
    time->tv_nsec = model_clock % GREEN_SECOND;
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

struct run {
    green_semaphore *semaphore;
    struct worker workers[WORKERS];
    int64_t permits, limit;
    int queue[WORKERS], waiting; /* the waiting threads, in order: only acquires, or only releases */
};

enum action { ACQUIRE, RELEASE_WITHIN, KILL, EXPIRE, RELEASE, TRY_ACQUIRE };

struct step {
    enum action action;
    int worker; /* for KILL and EXPIRE */
    bool settle;
};

static void leave_queue(struct run *run, int index, int result) {
    int place = 0;
    while (run->queue[place] != index)
        place++;
    run->waiting--;
    for (; place < run->waiting; place++)
        run->queue[place] = run->queue[place + 1];
    run->workers[index].fate = DECIDED;
    run->workers[index].result = result;
}

static bool first_is(const struct run *run, bool releases) {
    return run->waiting > 0 && run->workers[run->queue[0]].releases == releases;
}

/* Acquires or releases a permit. Returns false if that is not possible now. */
static bool model_use(struct run *run, bool releases) {
    if (first_is(run, !releases)) {
        leave_queue(run, run->queue[0], 0);
        return true;
    }
    if (releases ? run->permits == run->limit : run->permits == 0)
        return false;
    run->permits += releases ? 1 : -1;
    return true;
}

static void model_run(struct run *run, int index) {
    struct worker *worker = &run->workers[index];
    worker->fate = DECIDED;
    worker->result = worker->killed ? -ECANCELED : 0;
    if (worker->killed || model_use(run, worker->releases))
        return;
    worker->fate = WAITING;
    worker->deadline = model_clock + worker->timeout;
    run->queue[run->waiting++] = index;
}

/* Lets all threads run until all are blocked. */
static void settle(struct run *run) {
    for (int i = 0; i < WORKERS; i++)
        if (run->workers[i].fate == SPAWNED)
            model_run(run, i);
    for (int i = 0; i < WORKERS; i++)
        if (run->workers[i].fate == DECIDED)
            run->workers[i].fate = ENDED;
    for (int i = 0; i < 4; i++)
        CHECK(green_yield(), ==, 0);
}

static bool any(const struct run *run, enum fate fate) {
    bool found = false;
    for (int i = 0; i < WORKERS; i++)
        found |= run->workers[i].fate == fate;
    return found;
}

static int next_unused(const struct run *run) {
    int index = 0;
    while (index < WORKERS && run->workers[index].fate != UNUSED)
        index++;
    return index;
}

static bool is_possible(const struct run *run, struct step step) {
    const struct worker *worker = &run->workers[step.worker];
    switch (step.action) {
    case ACQUIRE:
    case RELEASE_WITHIN:
        return next_unused(run) < WORKERS;
    case KILL:
        return worker->fate != UNUSED && worker->fate != ENDED && !worker->killed;
    case EXPIRE: /* the time of a thread that has not begun is not determined */
        return worker->fate == WAITING && !any(run, SPAWNED) && step.settle;
    default:
        return true;
    }
}

static int work(void *argument) {
    const struct worker *worker = argument;
    return worker->releases ? green_semaphore_release_within(worker->semaphore, worker->timeout)
                            : green_semaphore_acquire(worker->semaphore, worker->timeout);
}

static void spawn_worker(struct run *run, bool releases) {
    int index = next_unused(run);
    struct worker *worker = &run->workers[index];
    worker->semaphore = run->semaphore;
    worker->releases = releases;
    worker->timeout = (index + 1) * 3600 * GREEN_SECOND;
    worker->fate = SPAWNED;
    worker->thread = start(work, worker);
}

static void kill_worker(struct run *run, int index) {
    struct worker *worker = &run->workers[index];
    CHECK(green_thread_kill(worker->thread), ==, 0);
    worker->killed = true;
    if (worker->fate == WAITING)
        leave_queue(run, index, -ECANCELED);
}

static void expire(struct run *run, int64_t deadline) {
    model_clock = deadline;
    for (int i = 0; i < WORKERS; i++)
        if (run->workers[i].fate == WAITING && run->workers[i].deadline <= model_clock)
            leave_queue(run, i, -ETIMEDOUT);
}

static void act(struct run *run, struct step step) {
    if (step.action == ACQUIRE || step.action == RELEASE_WITHIN)
        spawn_worker(run, step.action == RELEASE_WITHIN);
    else if (step.action == KILL)
        kill_worker(run, step.worker);
    else if (step.action == EXPIRE)
        expire(run, run->workers[step.worker].deadline);
    else if (step.action == RELEASE)
        CHECK(green_semaphore_release(run->semaphore), ==, model_use(run, true) ? 0 : -EOVERFLOW);
    else
        CHECK(green_semaphore_try_acquire(run->semaphore), ==, model_use(run, false));
    if (step.settle)
        settle(run);
}

static void check_workers(const struct run *run) {
    for (int i = 0; i < WORKERS; i++) {
        const struct worker *worker = &run->workers[i];
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

static void check_run(const struct run *run) {
    bool releasing = first_is(run, true);
    CHECK(green_semaphore_permits(run->semaphore), ==, run->permits);
    CHECK(green_semaphore_acquiring(run->semaphore), ==, releasing ? 0 : run->waiting);
    CHECK(green_semaphore_releasing(run->semaphore), ==, releasing ? run->waiting : 0);
    check_workers(run);
}

/* Kills the waiting threads, or frees the semaphore while they wait. */
static void end_run(struct run *run, bool kill) {
    settle(run);
    check_run(run);
    while (kill && run->waiting > 0)
        kill_worker(run, run->queue[0]);
    if (kill)
        check_run(run);
    green_semaphore_free(run->semaphore);
    while (run->waiting > 0)
        leave_queue(run, run->queue[0], -EBADF);
    settle(run);
    check_workers(run);
    for (int i = 0; i < WORKERS; i++)
        green_thread_release(run->workers[i].thread);
}

/* Runs a sequence of steps. Returns false if the last one is not possible. */
static bool play(int64_t permits, int64_t limit, const struct step *steps, int count) {
    struct run run = {.permits = permits, .limit = limit};
    CHECK(green_semaphore_make(&run.semaphore, permits, limit), ==, 0);
    bool possible = true;
    model_clock = GREEN_SECOND;
    for (int i = 0; i < count && (possible = is_possible(&run, steps[i])); i++) {
        act(&run, steps[i]);
        check_run(&run);
    }
    end_run(&run, count % 2);
    return possible;
}

static long played;

/* Runs all sequences that begin with the given steps. */
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

BIG_TEST(sequences, "every order of acquire, release, kill and timeout of three threads matches a model") {
    static const struct {
        int64_t permits, limit;
    } beginnings[] = {{0, INT64_MAX}, {1, INT64_MAX}, {0, 0}, {0, 1}, {1, 1}, {1, 2}};
    struct step steps[STEPS];
    CHECK(green_yield(), ==, 0); /* creates the hub with the real clock */
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        explore(beginnings[i].permits, beginnings[i].limit, steps, 0);
    model_clock = 0;
    printf("%ld sequences\n", played);
    CHECK(played, ==, (SLOW ? 355598 : 2909371));
}
