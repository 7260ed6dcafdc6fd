/* Pools: every sequence of four steps, compared with a model after each step; and a
 * test with many pools. */
#include "../../../csrc/core/interrupt.h"
#include "pools.h"

enum step { SPAWN, AWAIT, FINISH_FIRST, FINISH_LAST, KILL_FIRST, KILL_LAST, EXPIRE, GROW, SHRINK, STEPS };
static const char letters[] = "safFkKe+-"; /* of the steps, to show which sequence failed */

enum { LENGTH = 4, SPAWNERS_MAX = 4 + LENGTH, AWAITERS_MAX = LENGTH, YIELDS = 10 };

/* Results of calls that have not returned. */
enum { NOT_YET = 1, NEVER = 2 };

/* The model ---------------------------------------------------------------- */

/* A green thread that makes one call. */
struct caller {
    enum { CALLS, WAITS, ENDS, OVER } state;
    bool killed;
    int error;  /* its result, after it has returned */
    int coming; /* its result, before it has run again */
};

/* The thread that a spawner started in the pool. */
struct worker {
    enum { NONE, BEGINS, NAPS, WAKES, GONE } state;
    bool killed;
};

enum kind { MAIN, SPAWNER, AWAITER, WORKER };

struct event {
    enum kind kind;
    int index;
};

/* The waiters and the run queue, which determine the state of a pool. */
static struct model {
    int64_t size, running;
    struct caller spawners[SPAWNERS_MAX], awaiters[AWAITERS_MAX];
    struct worker workers[SPAWNERS_MAX];
    int spawner_count, awaiter_count;
    int waiting[SPAWNERS_MAX], waiting_count;
    struct event queue[256];
    int head, tail;
    int begun[SPAWNERS_MAX], begun_count; /* workers, in the order in which they began */
} model;

static void enqueue(enum kind kind, int index) {
    CHECK(model.tail, <, sizeof model.queue / sizeof *model.queue);
    model.queue[model.tail++] = (struct event){kind, index};
}

static void wake(struct caller *caller, enum kind kind, int index, int error) {
    caller->state = ENDS;
    caller->coming = error;
    enqueue(kind, index);
}

static void model_announce(int error) {
    for (int i = 0; i < model.awaiter_count; i++)
        if (model.awaiters[i].state == WAITS)
            wake(&model.awaiters[i], AWAITER, i, error);
}

static void model_settle(void) {
    if (model.running == 0 && model.waiting_count == 0)
        model_announce(0);
}

static void model_leave(int index, int error) {
    int place = 0;
    while (model.waiting[place] != index)
        place++;
    model.waiting_count--;
    memmove(&model.waiting[place], &model.waiting[place + 1], (size_t)(model.waiting_count - place) * sizeof(int));
    wake(&model.spawners[index], SPAWNER, index, error);
}

static void model_admit(void) {
    for (; model.running < model.size && model.waiting_count > 0; model.running++)
        model_leave(model.waiting[0], 0);
}

static void model_give(void) {
    model.running--;
    model_admit();
    model_settle();
}

static void run_spawner(int index) {
    struct caller *spawner = &model.spawners[index];
    if (spawner->state == CALLS && spawner->killed) {
        spawner->coming = NEVER;
    } else if (spawner->state == CALLS && model.running >= model.size) {
        spawner->state = WAITS;
        model.waiting[model.waiting_count++] = index;
        return;
    } else if (spawner->state == CALLS) {
        model.running++;
        spawner->coming = 0;
    }
    spawner->state = OVER;
    spawner->error = spawner->coming;
    if (spawner->error == 0) {
        model.workers[index].state = BEGINS;
        enqueue(WORKER, index);
    }
}

static void run_awaiter(int index) {
    struct caller *awaiter = &model.awaiters[index];
    if (awaiter->state == CALLS && (model.running > 0 || model.waiting_count > 0)) {
        awaiter->state = WAITS;
        return;
    }
    awaiter->error = awaiter->state == CALLS ? 0 : awaiter->coming;
    awaiter->state = OVER;
}

static void run_worker(int index) {
    struct worker *worker = &model.workers[index];
    if (worker->state == BEGINS && !worker->killed) {
        worker->state = NAPS;
        model.begun[model.begun_count++] = index;
        return;
    }
    worker->state = GONE;
    model_give();
}

/* One yield of the main context. */
static void model_yield(void) {
    enqueue(MAIN, 0);
    for (;;) {
        struct event event = model.queue[model.head++];
        if (event.kind == MAIN)
            break;
        if (event.kind == SPAWNER)
            run_spawner(event.index);
        else if (event.kind == AWAITER)
            run_awaiter(event.index);
        else
            run_worker(event.index);
    }
    if (model.head == model.tail)
        model.head = model.tail = 0;
}

static void model_finish(int index) {
    struct worker *worker = &model.workers[index];
    worker->killed = true;
    if (worker->state == NAPS) {
        worker->state = WAKES;
        enqueue(WORKER, index);
    }
}

static void model_end(int index, int error) {
    struct caller *spawner = &model.spawners[index];
    if (spawner->state != WAITS)
        return;
    model_leave(index, error);
    model_settle();
}

static void model_free(void) {
    model_announce(-EBADF);
    while (model.waiting_count > 0)
        model_leave(model.waiting[0], -EBADF);
}

/* The first or last thread that a step can apply to, or -1. */
static int spawner_alive(bool last) {
    int found = -1;
    for (int i = 0; i < model.spawner_count && (last || found < 0); i++)
        if (model.spawners[i].state != OVER && !model.spawners[i].killed)
            found = i;
    return found;
}

static int worker_alive(bool last) {
    int found = -1;
    for (int i = 0; i < model.spawner_count && (last || found < 0); i++)
        if ((model.workers[i].state == BEGINS || model.workers[i].state == NAPS) && !model.workers[i].killed)
            found = i;
    return found;
}

/* The pool itself ------------------------------------------------------------ */

struct actor {
    green_thread *thread, *made;
    int error;
};

static struct {
    green_pool *pool;
    struct actor spawners[SPAWNERS_MAX], awaiters[AWAITERS_MAX];
    int begun[SPAWNERS_MAX], begun_count;
} run;

static int begin_and_nap(void *argument) {
    struct actor *spawner = argument;
    run.begun[run.begun_count++] = (int)(spawner - run.spawners);
    return nap(NULL);
}

static int spawn_one(void *argument) {
    struct actor *spawner = argument;
    int error = green_pool_spawn(run.pool, &spawner->made, NULL, begin_and_nap, spawner, 3600 * GREEN_SECOND);
    spawner->error = error;
    return 0;
}

static int await_all(void *argument) {
    struct actor *awaiter = argument;
    awaiter->error = green_pool_wait(run.pool, GREEN_FOREVER);
    return 0;
}

static void add_spawner(void) {
    int index = model.spawner_count++;
    run.spawners[index] = (struct actor){.error = NOT_YET};
    model.spawners[index].error = NOT_YET;
    run.spawners[index].thread = start(spawn_one, &run.spawners[index]);
    enqueue(SPAWNER, index);
}

static void add_awaiter(void) {
    int index = model.awaiter_count++;
    run.awaiters[index] = (struct actor){.error = NOT_YET};
    model.awaiters[index].error = NOT_YET;
    run.awaiters[index].thread = start(await_all, &run.awaiters[index]);
    enqueue(AWAITER, index);
}

static void finish_worker(int index) {
    if (index < 0)
        return;
    CHECK(run.spawners[index].made != NULL);
    CHECK(green_thread_kill(run.spawners[index].made), ==, 0);
    model_finish(index);
}

static void kill_spawner(int index) {
    if (index < 0)
        return;
    CHECK(green_thread_kill(run.spawners[index].thread), ==, 0);
    model.spawners[index].killed = true;
    model_end(index, -ECANCELED);
}

/* Ends the call as its timeout does. */
static void expire_first(void) {
    if (model.waiting_count == 0)
        return;
    int index = model.waiting[0];
    green__wait_end(run.spawners[index].thread->wait, -ETIMEDOUT);
    model_end(index, -ETIMEDOUT);
}

static void resize(int64_t size) {
    if (size < 0)
        return;
    CHECK(green_pool_resize(run.pool, size), ==, 0);
    model.size = size;
    model_admit();
}

static void yield_once(void) {
    CHECK(green_yield(), ==, 0);
    model_yield();
}

static void settle(void) {
    for (int i = 0; i < YIELDS; i++)
        yield_once();
    CHECK(model.head, ==, model.tail);
}

static void take(enum step step) {
    if (step == SPAWN)
        add_spawner();
    else if (step == AWAIT)
        add_awaiter();
    else if (step == FINISH_FIRST || step == FINISH_LAST)
        finish_worker(worker_alive(step == FINISH_LAST));
    else if (step == KILL_FIRST || step == KILL_LAST)
        kill_spawner(spawner_alive(step == KILL_LAST));
    else if (step == EXPIRE)
        expire_first();
    else
        resize(model.size + (step == GROW ? 1 : -1));
}

static void compare_calls(void) {
    for (int i = 0; i < model.spawner_count; i++) {
        int error = run.spawners[i].error;
        if (error == NOT_YET && model.spawners[i].error == NEVER)
            continue; /* its thread has ended without running */
        CHECK(error, ==, model.spawners[i].error);
        CHECK((run.spawners[i].made != NULL) == (error == 0));
    }
    for (int i = 0; i < model.awaiter_count; i++)
        CHECK(run.awaiters[i].error, ==, model.awaiters[i].error);
    CHECK(run.begun_count, ==, model.begun_count);
    for (int i = 0; i < model.begun_count; i++)
        CHECK(run.begun[i], ==, model.begun[i]);
}

static void compare(void) {
    check_counts(run.pool, model.running, model.size - model.running, model.waiting_count);
    compare_calls();
}

static void finish_workers(void) {
    for (int index; (index = worker_alive(false)) >= 0;)
        finish_worker(index);
    settle();
}

/* The end: all spawns pass through the pool, or it is freed before. */
static void end_drained(void) {
    resize(SPAWNERS_MAX);
    settle();
    finish_workers();
    compare();
    CHECK(model.running, ==, 0);
    CHECK(green_pool_wait(run.pool, GREEN_FOREVER), ==, 0);
    green_pool_free(run.pool);
}

static bool any_thread_calls(void) {
    bool calls = false;
    for (int i = 0; i < model.spawner_count; i++)
        calls |= model.spawners[i].state == CALLS;
    for (int i = 0; i < model.awaiter_count; i++)
        calls |= model.awaiters[i].state == CALLS;
    return calls;
}

static void end_freed(void) {
    if (any_thread_calls()) /* the pool is gone */
        settle();
    green_pool_free(run.pool);
    model_free();
    settle();
    finish_workers();
    compare_calls();
}

static void release_all(void) {
    for (int i = 0; i < model.spawner_count; i++) {
        CHECK(green_thread_is_finished(run.spawners[i].thread));
        green_thread_release(run.spawners[i].thread);
        CHECK(!run.spawners[i].made || green_thread_is_finished(run.spawners[i].made));
        green_thread_release(run.spawners[i].made);
    }
    for (int i = 0; i < model.awaiter_count; i++)
        CHECK(finish(run.awaiters[i].thread), ==, 0);
}

/* After each step: as many yields as needed, one, or none. */
enum pause { SETTLE, ONE_YIELD, NO_YIELD, PAUSES };

/* Names the main context after the sequence, so that the dump of a failed check shows
 * it. */
static void name_play(int64_t size, int spawners, const enum step *steps, const enum pause *pauses, bool freed) {
    char name[2 * LENGTH + 1] = "", text[32];
    for (int i = 0; i < LENGTH; i++) {
        name[2 * i] = letters[steps[i]];
        name[2 * i + 1] = ".| "[pauses[i]];
    }
    snprintf(text, sizeof text, "%d %d %s%s", (int)size, spawners, name, freed ? "freed" : "drained");
    green_thread_set_name(green_current(), text);
}

static void play(int64_t size, int spawners, const enum step *steps, const enum pause *pauses, bool freed) {
    name_play(size, spawners, steps, pauses, freed);
    model = (struct model){.size = size};
    run.begun_count = 0;
    run.pool = make_pool(size);
    for (int i = 0; i < spawners; i++)
        add_spawner();
    settle();
    for (int i = 0; i < LENGTH; i++) {
        take(steps[i]);
        if (pauses[i] == SETTLE)
            settle();
        else if (pauses[i] == ONE_YIELD)
            yield_once();
        compare();
    }
    if (freed)
        end_freed();
    else
        end_drained();
    release_all();
}

static int power(int base, int exponent) {
    int result = 1;
    while (exponent-- > 0)
        result *= base;
    return result;
}

/* Runs every sequence of steps, with every kind of pause between them. */
static void play_all(int64_t size, int spawners, bool freed) {
    const int sequences = power(STEPS, LENGTH), patterns = power(PAUSES, LENGTH - 1);
    enum step steps[LENGTH];
    enum pause pauses[LENGTH] = {[LENGTH - 1] = NO_YIELD};
    long played = 0;
    for (int sequence = 0; sequence < sequences; sequence++)
        for (int pattern = 0; pattern < patterns; pattern++) {
            if (SLOW && played++ % 31 != 0)
                continue;
            for (int i = 0; i < LENGTH; i++)
                steps[i] = (enum step)(sequence / power(STEPS, i) % STEPS);
            for (int i = 0; i < LENGTH - 1; i++)
                pauses[i] = (enum pause)(pattern / power(PAUSES, i) % PAUSES);
            play(size, spawners, steps, pauses, freed);
        }
}

BIG_TEST(drained, "every order of four steps on a pool matches the model, to the last slot") {
    play_all(0, 2, false);
    play_all(1, 3, false);
    play_all(2, 4, false);
    play_all(2, 0, false);
}

BIG_TEST(freed, "every order of four steps before a pool is freed matches the model") {
    play_all(0, 2, true);
    play_all(1, 3, true);
    play_all(2, 4, true);
    play_all(2, 0, true);
}

/* Many ----------------------------------------------------------------------- */

static int64_t inside_now, inside_most, inside_all;

static int work(void *argument) {
    if (++inside_now > inside_most)
        inside_most = inside_now;
    inside_all++;
    int error = 0;
    for (int64_t yields = *(int64_t *)argument; yields > 0 && error == 0; yields--)
        error = green_yield();
    inside_now--;
    return error;
}

TEST(many, "ten thousand tasks run in a pool of a hundred, at most a hundred at a time") {
    static int64_t yields[10];
    green_pool *pool = make_pool(100);
    for (int i = 0; i < 10000; i++) {
        yields[i % 10] = 1 + i % 10;
        CHECK(green_pool_spawn(pool, NULL, NULL, work, &yields[i % 10], GREEN_FOREVER), ==, 0);
        CHECK(green_pool_running(pool), <=, 100);
    }
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    CHECK(inside_all, ==, 10000);
    CHECK(inside_most, >, 50);
    CHECK(inside_most, <=, 100);
    check_counts(pool, 0, 100, 0);
    green_pool_free(pool);
}

struct producer {
    green_pool *pool;
    int spawned, failed;
};

static int produce(void *argument) {
    static int64_t yields[] = {0, 1, 3, 9};
    struct producer *producer = argument;
    for (int i = 0; i < SCALED(2000); i++) {
        int64_t timeout = random_below(3) ? GREEN_FOREVER : random_below(20) * GREEN_MICROSECOND;
        int error = green_pool_spawn(producer->pool, NULL, NULL, work, &yields[random_below(4)], timeout);
        CHECK(error == 0 || error == -ETIMEDOUT || error == -ECANCELED);
        producer->spawned += error == 0;
        producer->failed += error != 0;
    }
    return 0;
}

TEST(resize_under_load, "a pool that is resized while many spawn, time out and are killed loses no slot") {
    enum { PRODUCERS = 20 };
    struct producer producers[PRODUCERS] = {0};
    green_thread *threads[PRODUCERS];
    green_pool *pool = make_pool(3);
    int64_t spawned = 0, unfinished = PRODUCERS;
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i].pool = pool;
        threads[i] = start(produce, &producers[i]);
    }
    CHECK(green_yield(), ==, 0); /* all have begun */
    while (unfinished > 0) {
        int64_t size = random_below(8);
        CHECK(green_pool_resize(pool, size), ==, 0);
        int64_t most = size + (green_pool_available(pool) < 0 ? -green_pool_available(pool) : 0);
        inside_most = 0;
        CHECK(green_thread_kill(threads[random_below(PRODUCERS)]), ==, 0);
        for (uint32_t i = random_below(5); i > 0; i--)
            CHECK(green_yield(), ==, 0);
        CHECK(inside_most, <=, most);
        CHECK(green_pool_waiting(pool) == 0 || green_pool_available(pool) <= 0);
        unfinished = 0;
        for (int i = 0; i < PRODUCERS; i++)
            unfinished += !green_thread_is_finished(threads[i]);
    }
    CHECK(green_pool_resize(pool, 5), ==, 0);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    check_counts(pool, 0, 5, 0);
    for (int i = 0; i < PRODUCERS; i++) {
        CHECK(finish(threads[i]), ==, 0);
        spawned += producers[i].spawned;
        CHECK(producers[i].spawned + producers[i].failed, ==, SCALED(2000));
    }
    CHECK(inside_all, ==, spawned);
    CHECK(inside_now, ==, 0);
    green_pool_free(pool);
}
