/* Remote threads that many OS threads spawn, wait for and kill at the same time. */
#include "helpers.h"
#include "other_hub.h"

enum { HUBS = 3, SENDERS = 8, THREADS = 1000 };

static green_hub_pool *pool;
static int64_t started, discarded, given, taken; /* atomic: the numbers of arguments and reasons */

static void add(int64_t *counter) {
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void discard_argument(void *unused) {
    (void)unused;
    add(&discarded);
}

static void take_reason(void *unused) {
    (void)unused;
    add(&taken);
}

/* Yields or sleeps, by its argument, and counts a reason that a kill brought. */
static int work(void *argument) {
    uintptr_t choice = (uintptr_t)argument;
    int error = 0;
    add(&started);
    for (uintptr_t i = 0; i < choice % 5 && error == 0; i++)
        error = choice % 2 ? green_yield() : green_sleep(GREEN_MICROSECOND * (int64_t)(choice % 50));
    if (error < 0 && green_reason())
        add(&taken);
    return error;
}

struct sender {
    unsigned seed;
    green_remote_thread *threads[THREADS / SENDERS];
    struct os_thread os_thread;
};

static void spawn_one(struct sender *sender, size_t i) {
    unsigned choice = (unsigned)rand_r(&sender->seed);
    green_spawn_options options = {.discard = discard_argument,
                                   .delay = choice % 7 == 0 ? GREEN_MICROSECOND * (int64_t)(choice % 100) : 0};
    CHECK(green_hub_spawn(green_hub_pool_next(pool), &sender->threads[i], &options, work, (void *)(uintptr_t)choice),
          ==, 0);
}

static void disturb(struct sender *sender, size_t i) {
    static char reason;
    green_remote_thread *thread = sender->threads[i];
    switch (rand_r(&sender->seed) % 6) {
    case 0:
        CHECK(green_remote_thread_kill(thread), ==, 0);
        break;
    case 1:
        add(&given);
        CHECK(green_remote_thread_kill_with(thread, &reason, take_reason), ==, 0);
        break;
    case 2: {
        int error = green_remote_thread_wait(thread, NULL, rand_r(&sender->seed) % 100 * GREEN_MICROSECOND);
        CHECK(error == 0 || error == -ETIMEDOUT);
        break;
    }
    default:
        break;
    }
}

/* Spawns, waits for and kills threads in no order. */
static int run_sender(void *argument) {
    struct sender *sender = argument;
    enum { COUNT = THREADS / SENDERS };
    for (size_t i = 0; i < COUNT; i++) {
        spawn_one(sender, i);
        disturb(sender, (size_t)rand_r(&sender->seed) % (i + 1));
    }
    for (size_t i = 0; i < COUNT; i++)
        disturb(sender, i);
    for (size_t i = 0; i < COUNT; i++) {
        int result = 1;
        CHECK(green_remote_thread_wait(sender->threads[i], &result, GREEN_FOREVER), ==, 0);
        CHECK(result == 0 || result == -ECANCELED);
        green_remote_thread_release(sender->threads[i]);
    }
    return 0;
}

TEST(many, "1000 threads of 8 OS threads run or are discarded once, with kills and waits in no order") {
    static struct sender senders[SENDERS];
    CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = HUBS}), ==, 0);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i].seed = i + 1;
        os_thread_start(&senders[i].os_thread, run_sender, &senders[i]);
    }
    for (int i = 0; i < SENDERS; i++)
        CHECK(os_thread_finish(&senders[i].os_thread), ==, 0);
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(pool);
    CHECK(started + discarded, ==, THREADS);
    CHECK(started, >, 0);
    CHECK(taken, ==, given); /* each reason was read or discarded */
    CHECK(given, >, 0);
}

static int spawn_until_closed(void *unused) {
    (void)unused;
    for (unsigned i = 0;; i++) {
        int error = green_hub_spawn(green_hub_pool_hub(pool, i % HUBS), NULL,
                                    &(green_spawn_options){.discard = discard_argument}, work, (void *)(uintptr_t)i);
        if (error == -ESRCH)
            break;
        CHECK(error, ==, 0);
        add(&given);
    }
    green_hub_pool_release(pool);
    return 0;
}

TEST(closing, "each thread that is spawned while the pool is closed runs or is discarded once") {
    static struct os_thread spawners[4];
    for (int round = 0; round < SCALED(10); round++) {
        started = discarded = given = 0;
        CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = HUBS}), ==, 0);
        for (int i = 0; i < 4; i++) {
            green_hub_pool_retain(pool);
            os_thread_start(&spawners[i], spawn_until_closed, NULL);
        }
        UNTIL(__atomic_load_n(&given, __ATOMIC_RELAXED) > 20);
        CHECK(green_hub_pool_close(pool, round % 2 ? 0 : GREEN_MILLISECOND), >=, 0);
        for (int i = 0; i < 4; i++)
            CHECK(os_thread_finish(&spawners[i]), ==, 0);
        green_hub_pool_release(pool);
        CHECK(started + discarded, ==, given);
    }
}
