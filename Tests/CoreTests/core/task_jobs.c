/* Jobs of Tasks: green threads run them, or they are refused. */
#include "../../../csrc/core/event_loop.h"
#include "../../../csrc/core/hub_record.h"
#include "helpers.h"
#include "other_hub.h"

#include <green/task_runtime.h>

#include <sys/wait.h>
#include <unistd.h>

/* A job that counts, and then calls a function. */
struct work {
    int (*function)(struct work *work);
    struct door *door;
    int serial, runs, refusals; /* atomic */
    int result;
    uint64_t thread; /* that ran it */
};

static void run(void *job, void *executor) {
    struct work *work = job;
    CHECK(executor == &marks);
    work->thread = green_thread_id(green_current());
    work->result = work->function ? work->function(work) : 0;
    __atomic_fetch_add(&work->runs, 1, __ATOMIC_RELEASE);
}

static void refuse(void *job, void *executor) {
    CHECK(executor == &marks);
    __atomic_fetch_add(&((struct work *)job)->refusals, 1, __ATOMIC_RELEASE);
}

static const green_task_job_kind kind = {run, refuse, false}, task_kind = {run, refuse, true};

static void enqueue(green_hub *hub, struct work *work) {
    green_task_job_enqueue(hub, &kind, work, &marks);
}

static int runs(const struct work *work) {
    return __atomic_load_n(&work->runs, __ATOMIC_ACQUIRE);
}

static int refusals(const struct work *work) {
    return __atomic_load_n(&work->refusals, __ATOMIC_ACQUIRE);
}

static green_statistics counts(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now;
}

/* Running ----------------------------------------------------------------------- */

static int next_serial;

static int check_order(struct work *work) {
    CHECK(work->serial, ==, next_serial++);
    return 0;
}

static void number(struct work *works, int count) {
    next_serial = 0;
    for (int i = 0; i < count; i++)
        works[i] = (struct work){.function = check_order, .serial = i};
}

enum { MANY = 10000 };

TEST(order, "jobs run in the order in which they were enqueued, and those that do not block need two stacks") {
    static struct work works[MANY];
    number(works, MANY);
    for (int i = 0; i < MANY; i++)
        enqueue(green_hub_current(), &works[i]);
    CHECK(next_serial, ==, 0); /* not before the caller blocks */
    let_run();
    CHECK(next_serial, ==, MANY);
    CHECK(counts().threads, ==, 1);
    CHECK(counts().handles, ==, 0);
    CHECK(counts().switches, <, 100);
}

static int block(struct work *work) {
    return wait_at(work->door);
}

TEST(blocks, "a job that blocks delays no other job") {
    struct door door = {0};
    struct work works[50];
    for (int i = 0; i < 50; i++) {
        works[i] = (struct work){.function = i % 2 ? NULL : block, .door = &door};
        enqueue(green_hub_current(), &works[i]);
    }
    CHECK(green_yield(), ==, 0); /* all begin in one loop iteration */
    CHECK(counts().threads, ==, 1 + 25);
    CHECK(door.waiting, ==, 25);
    for (int i = 0; i < 50; i++)
        CHECK(runs(&works[i]), ==, i % 2);
    door.is_open = true;
    UNTIL(counts().threads == 1);
    for (int i = 0; i < 50; i++)
        CHECK(runs(&works[i]), ==, 1);
}

enum { SENDERS = 4, EACH = SCALED(100000) / SENDERS };

static struct {
    green_hub *hub;
    int next[SENDERS], runs;
} flood;

static int count_flood(struct work *work) {
    int sender = work->serial / EACH;
    CHECK(work->serial % EACH, ==, flood.next[sender]++);
    flood.runs++;
    return work->serial % 100 == 0 ? green_yield() : 0;
}

static int enqueue_many(void *argument) {
    struct work *works = argument;
    for (int i = 0; i < EACH; i++)
        enqueue(flood.hub, &works[i]);
    return 0;
}

TEST(os_threads, "jobs of other OS threads run once each, and begin in the order of each sender") {
    static struct work works[SENDERS * EACH];
    struct os_thread senders[SENDERS];
    flood.hub = green_hub_current();
    for (int i = 0; i < SENDERS * EACH; i++)
        works[i] = (struct work){.function = count_flood, .serial = i};
    for (int i = 0; i < SENDERS; i++)
        os_thread_start(&senders[i], enqueue_many, &works[i * EACH]);
    UNTIL(flood.runs == SENDERS * EACH);
    for (int i = 0; i < SENDERS; i++)
        CHECK(os_thread_finish(&senders[i]), ==, 0);
    let_run();
    for (int i = 0; i < SENDERS * EACH; i++)
        CHECK(runs(&works[i]), ==, 1);
}

static bool stops;

static int enqueue_again(struct work *work) {
    if (!stops)
        enqueue(green_hub_current(), work);
    return 0;
}

TEST(fair, "a job that always enqueues itself again does not keep other threads and timers from running") {
    struct work work = {.function = enqueue_again};
    enqueue(green_hub_current(), &work);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    int before = runs(&work);
    CHECK(before, >, 0);
    for (int i = 0; i < 100; i++)
        CHECK(green_yield(), ==, 0);
    CHECK(runs(&work), <, before + 100 * 100);
    CHECK(runs(&work), >, before);
    stops = true;
    let_run();
    CHECK(counts().threads, ==, 1);
}

/* What a job leaves in its green thread ------------------------------------------ */

static green_local *local;
static green_thread *handle;

static int set_local(struct work *work) {
    return green_local_set(local, work);
}

static int set_name(struct work *work) {
    (void)work;
    green_thread_set_name(green_current(), "named");
    return 0;
}

static int keep_handle(struct work *work) {
    (void)work;
    handle = green_thread_retain(green_current());
    return 0;
}

static int nap_with_handle(struct work *work) {
    keep_handle(work);
    return nap(NULL);
}

static int expect_nothing(struct work *work) {
    (void)work;
    CHECK(green_local_get(local) == NULL);
    CHECK_TEXT(green_thread_name(green_current()), "");
    CHECK(green_check_interrupt(), ==, 0);
    return 0;
}

TEST(left, "what a job leaves in its green thread does not reach the next job") {
    static int (*const functions[])(struct work *) = {set_local, set_name, keep_handle};
    CHECK(green_local_make(&local, NULL), ==, 0);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct work leaves = {.function = functions[i]}, finds = {.function = expect_nothing};
        enqueue(green_hub_current(), &leaves);
        enqueue(green_hub_current(), &finds);
        let_run();
        CHECK(leaves.result, ==, 0);
        CHECK(runs(&finds), ==, 1);
        CHECK(leaves.thread, !=, finds.thread);
        green_thread_release(handle);
        handle = NULL;
    }
    green_local_free(local);
}

TEST(killed, "a kill of the green thread ends the job's blocking call, and reaches no other job") {
    struct work blocks = {.function = nap_with_handle}, after = {.function = expect_nothing};
    CHECK(green_local_make(&local, NULL), ==, 0);
    enqueue(green_hub_current(), &blocks);
    UNTIL(handle != NULL);
    CHECK(green_thread_kill(handle), ==, 0);
    enqueue(green_hub_current(), &after);
    let_run();
    CHECK(blocks.result, ==, -ECANCELED);
    CHECK(runs(&after), ==, 1);
    green_thread_release(handle);
    green_local_free(local);
}

static int yield_in_task(struct work *work) {
    (void)work;
    int error = green_yield();
    CHECK_CONTAINS(green_explain(error), "concurrency runtime");
    return error;
}

TEST(unknown, "a job of a Task must not block if the state of Swift's runtime is not known") {
    struct work work = {.function = yield_in_task};
    green_task_job_enqueue(green_hub_current(), &task_kind, &work, &marks);
    let_run();
    CHECK(work.result, ==, -EWOULDBLOCK);
    CHECK(runs(&work), ==, 1);
}

/* The end of the hub -------------------------------------------------------------- */

TEST(close, "a queued or blocked job keeps a hub from closing, and an idle runner does not") {
    struct door door = {0};
    struct work first = {.function = block, .door = &door}, others[2] = {0};
    enqueue(green_hub_current(), &first);
    CHECK(green_hub_close(), ==, -EBUSY);
    let_run();
    CHECK(green_hub_close(), ==, -EBUSY);
    door.is_open = true;
    UNTIL(runs(&first) == 1);
    enqueue(green_hub_current(), &others[0]);
    enqueue(green_hub_current(), &others[1]);
    CHECK(green_yield(), ==, 0); /* the second runner found no job, or has not begun */
    CHECK(runs(&others[1]), ==, 1);
    CHECK(green_hub_close(), ==, 0);
}

TEST(after_close, "a hub that has ended refuses jobs") {
    struct work work = {0};
    struct other_hub other;
    CHECK(green_hub_current() != NULL); /* before, or it may get the memory of the other ring, unseen by TSan */
    other_hub_start(&other);
    other_hub_close(&other);
    enqueue(other.hub, &work);
    CHECK(refusals(&work), ==, 1);
    CHECK(runs(&work), ==, 0);
    other_hub_release(&other);
}

static struct work from_destructor;

static void enqueue_from_destructor(void *value) {
    enqueue(green_hub_current(), value);
}

TEST(closing, "a hub that is being closed refuses the jobs of destructors") {
    CHECK(green_local_make(&local, enqueue_from_destructor), ==, 0);
    CHECK(green_local_set(local, &from_destructor), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    CHECK(refusals(&from_destructor), ==, 1);
    green_local_free(local);
}

struct losing {
    struct work blocked, queued;
    green_hub *hub;
    bool told; /* atomic */
};

/* Ends its OS thread while a job waits and another one is queued. */
static int lose_hub_with_jobs(void *argument) {
    struct losing *losing = argument;
    green_hub *hub = green_hub_retain(green_hub_current());
    enqueue(hub, &losing->blocked);
    CHECK(green_yield(), ==, 0);
    enqueue(hub, &losing->queued);
    __atomic_store_n(&losing->hub, hub, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&losing->told, __ATOMIC_ACQUIRE))
        usleep(100);
    return 0;
}

static void lose(void) {
    static struct door door;
    static struct losing losing = {.blocked = {.function = block, .door = &door}};
    struct work late = {0};
    struct os_thread os_thread;
    os_thread_start(&os_thread, lose_hub_with_jobs, &losing);
    UNTIL(__atomic_load_n(&losing.hub, __ATOMIC_ACQUIRE));
    __atomic_store_n(&losing.told, true, __ATOMIC_RELEASE);
    CHECK(os_thread_finish(&os_thread), ==, 0);
    CHECK(runs(&losing.queued) + runs(&losing.blocked), ==, 0);
    CHECK(refusals(&losing.queued), ==, 1);
    CHECK(refusals(&losing.blocked), ==, 0);
    enqueue(losing.hub, &late);
    CHECK(refusals(&late), ==, 1);
    green_hub_release(losing.hub);
}

TEST(lost, "a hub whose OS thread ends refuses the jobs that have not begun, and those that come later") {
    static struct child child;
    run_child(&child, lose);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

static int nap_in_job(struct work *work) {
    __atomic_store_n(&work->serial, 1, __ATOMIC_RELEASE); /* it has begun */
    int error = nap(NULL);
    enqueue(green_hub_current(), work + 1);
    return error;
}

TEST(pool_kills, "a pool that kills ends the blocking call of a job, and refuses later jobs") {
    struct work works[2] = {{.function = nap_in_job}};
    green_hub_pool *pool = NULL;
    CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = 1}), ==, 0);
    enqueue(green_hub_pool_hub(pool, 0), &works[0]);
    UNTIL(__atomic_load_n(&works[0].serial, __ATOMIC_ACQUIRE) == 1);
    CHECK(green_hub_pool_close(pool, 0), ==, 1);
    CHECK(runs(&works[0]), ==, 1);
    CHECK(works[0].result, ==, -ECANCELED);
    CHECK(refusals(&works[1]), ==, 1);
    CHECK(runs(&works[1]), ==, 0);
    green_hub_pool_release(pool);
}

TEST(pool_waits, "a pool that closes without a limit waits for jobs") {
    struct work works[100] = {0};
    green_hub_pool *pool = NULL;
    CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = 1}), ==, 0);
    for (int i = 0; i < 100; i++)
        enqueue(green_hub_pool_hub(pool, 0), &works[i]);
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    for (int i = 0; i < 100; i++)
        CHECK(runs(&works[i]), ==, 1);
    green_hub_pool_release(pool);
}

/* Forks --------------------------------------------------------------------------- */

static int fork_in_job(struct work *work) {
    (void)work;
    return (int)fork();
}

TEST(forked, "a forked child refuses jobs for a hub of its parent, and runs none of its parent's") {
    green_hub *hub = green_hub_retain(green_hub_current());
    struct work queued = {0}, work = {0};
    int status;
    enqueue(hub, &queued);
    pid_t child = fork();
    if (child == 0) {
        enqueue(hub, &work);
        (void)green_yield();
        _exit(refusals(&work) == 1 && runs(&work) == 0 && runs(&queued) == 0 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    let_run();
    CHECK(runs(&queued), ==, 1);
    green_hub_release(hub);
}

TEST(fork_in_job, "a child that a job forks ends with the job, and takes no other job") {
    struct work forks = {.function = fork_in_job}, queued = {0};
    int status;
    enqueue(green_hub_current(), &forks);
    enqueue(green_hub_current(), &queued);
    let_run();
    CHECK(forks.result, >, 0);
    CHECK(waitpid(forks.result, &status, 0), ==, forks.result);
    CHECK(status, ==, 0);
    CHECK(runs(&queued), ==, 1);
}

/* The event loop ---------------------------------------------------------------- */

static uintptr_t words[GREEN_TASK_WORDS];

static void expect_no_task(green_post *post, int error) {
    (void)post;
    CHECK(error, ==, 0);
    for (int i = 0; i < GREEN_TASK_WORDS; i++)
        CHECK(words[i], ==, 0);
    mark('p');
}

TEST(poll, "a call that polls the event loop without a switch runs posts outside its Task") {
    CHECK(green_yield(), ==, 0);
    green_hub *hub = green_hub_current();
    green_task_words before = hub->switch_state.task_words;
    green_post post = {.deliver = expect_no_task};
    CHECK(green__inbox_try_post(hub, &post), ==, 0);
    for (int i = 0; i < GREEN_TASK_WORDS; i++) {
        hub->switch_state.task_words.word[i] = &words[i];
        words[i] = (uintptr_t)i + 1;
    }
    green__event_loop_poll(hub, 0);
    CHECK_TEXT(marks(), "p");
    for (int i = 0; i < GREEN_TASK_WORDS; i++)
        CHECK(words[i], ==, i + 1);
    hub->switch_state.task_words = before;
}
