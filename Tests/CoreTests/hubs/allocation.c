/* Out of memory, descriptors and OS threads at each step of remote threads and hub pools. */
#include "fault_injection.h"
#include "os_threads.h"

/* Copies of messages and names, advice about memory, the ring of buffers and the like. */
#define OPTIONAL "strdup strndup madvise mmap io_uring_register_ring_fd"

static void end_pool(green_hub_pool *pool) {
    if (pool)
        CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(pool);
}

static const green_hub_pool_options one_hub = {.count = 1};

static int fail_with_message(void *text) {
    green_address address;
    return green_address_parse(&address, text);
}

static int discards;

static void count_discard(void *unused) {
    (void)unused;
    discards++;
}

static int answer(void *unused) {
    (void)unused;
    return 42;
}

/* A spawn that fails leaves the argument to the caller; one that succeeds runs the function or
 * discards the argument. */
static int spawn_and_wait(void) {
    green_hub_pool *pool = NULL;
    green_remote_thread *thread = NULL;
    int error, result = 0, before = discards;
    green_spawn_options options = {.name = "remote", .discard = count_discard, .delay = 1};
    TRY(green_hub_pool_make(&pool, &one_hub));
    TRY(green_hub_spawn(green_hub_pool_next(pool), &thread, &options, answer, NULL));
    TRY(green_remote_thread_wait(thread, &result, 3600 * GREEN_SECOND));
done:
    if (thread && error < 0) { /* no memory for a timer */
        CHECK(green_remote_thread_kill(thread), ==, 0);
        CHECK(green_remote_thread_wait(thread, NULL, GREEN_FOREVER), ==, 0);
    } else if (thread) {
        CHECK(discards - before, ==, result < 0);
        error = (int)note_result(result);
    } else {
        CHECK(discards, ==, before);
    }
    green_remote_thread_release(thread);
    end_pool(pool);
    return error < 0 ? error : 0;
}

/* Without memory for its message, an error is passed on without one. */
static int error_without_message(void) {
    green_hub_pool *pool = NULL;
    green_remote_thread *thread = NULL;
    int error, result = 0;
    TRY(green_hub_pool_make(&pool, &one_hub));
    TRY(green_hub_spawn(green_hub_pool_next(pool), &thread, NULL, fail_with_message, "nonsense"));
    CHECK(green_remote_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    if (result == -ENOMEM)
        error = (int)note_result(result);
    else
        CHECK(result, ==, -EINVAL);
done:
    green_remote_thread_release(thread);
    end_pool(pool);
    return error < 0 ? error : 0;
}

static int use_three(void) {
    green_hub_pool *pool = NULL;
    green_remote_thread *threads[3] = {NULL};
    int error, result;
    TRY(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = 3, .pinned = true}));
    for (size_t i = 0; i < 3; i++)
        TRY(green_hub_spawn(green_hub_pool_hub(pool, i), &threads[i], NULL, answer, NULL));
done:
    for (size_t i = 0; i < 3; i++) {
        if (!threads[i])
            continue;
        CHECK(green_remote_thread_wait(threads[i], &result, GREEN_FOREVER), ==, 0);
        if (error >= 0 && result < 0)
            error = (int)note_result(result);
        green_remote_thread_release(threads[i]);
    }
    end_pool(pool);
    return error < 0 ? error : 0;
}

TEST(remote_threads, "remote threads without memory are errors, and arguments are discarded once") {
    static const struct scenario scenarios[] = {
        {.name = "spawn and wait", .run = spawn_and_wait, .tolerates = OPTIONAL},
        {.name = "error without message", .run = error_without_message, .tolerates = OPTIONAL " malloc"},
    };
    fail_on_each_engine(scenarios, 2, FAIL_MEMORY);
}

TEST(pool_memory, "a pool without memory for one of its hubs is an error, and the other hubs have ended") {
    static const struct scenario scenarios[] = {{.name = "pool", .run = use_three, .tolerates = OPTIONAL}};
    fail_on_each_engine(scenarios, 1, FAIL_MEMORY);
}

TEST(pool_calls, "a pool without descriptors or OS threads for one of its hubs is an error") {
    static const struct scenario scenarios[] = {{.name = "pool", .run = use_three}};
    fail_on_each_engine(scenarios, 1, FAIL_CALLS);
}

/* Makes pools while all calls from a certain one on fail, until all hubs are made before it. */
static void expect_hub_in_message(unsigned kinds) {
    green_hub_pool *pool = NULL;
    bool named[4] = {false};
    for (unsigned number = 1; !pool; number++) {
        size_t descriptors = open_descriptors();
        fail_calls(kinds, number, UINT_MAX);
        int error = green_hub_pool_make(&pool, &(green_hub_pool_options){.count = 4});
        fail_calls(0, 0, 0);
        if (pool)
            continue;
        CHECK(open_descriptors(), ==, descriptors);
        UNTIL(os_threads_named("hub-") == 0);
        for (int i = 0; i < 4; i++) {
            char text[64];
            snprintf(text, sizeof text, "green_hub_pool_make: hub %d of 4: ", i + 1);
            named[i] |= strstr(green_explain(error), text) != NULL;
        }
    }
    end_pool(pool);
    for (int i = 0; i < 4; i++)
        CHECK(named[i]);
}

TEST(names_hub, "if a hub cannot be made, the others end with their OS threads, and the message says which it was") {
    expect_hub_in_message(FAIL_CALLS);
}
