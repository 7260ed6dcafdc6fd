/* Out of memory at each allocation of channels and promises in turn. */
#include "elements.h"
#include "fault_injection.h"

enum { BIG = 4000, MANY = 200 };

static char element[BIG];

/* Fills the channel until malloc() maps its segments, and empties it. */
static int fill(green_channel *channel) {
    int error;
    for (int i = 0; i < MANY; i++)
        TRY(green_channel_send(channel, element, 0));
    for (int i = 0; i < MANY; i++)
        TRY(green_channel_receive(channel, element, 0));
done:
    return error;
}

static int run_channel(void) {
    green_channel_options options = {.element_size = BIG, .capacity = GREEN_UNBOUNDED};
    green_channel *channel = NULL;
    int error;
    TRY(green_channel_make(&channel, &options));
    error = fill(channel);
done:
    green_channel_release(channel);
    return error;
}

static int run_aligned(void) {
    green_channel_options options = {.element_size = 100, .alignment = 4096, .capacity = 1000};
    green_channel *channel = NULL;
    int error;
    TRY(green_channel_make(&channel, &options));
    error = fill(channel);
done:
    green_channel_release(channel);
    return error;
}

static int send_one(void *channel) {
    return (int)note_result(green_channel_send(channel, element, GREEN_FOREVER));
}

static int run_rendezvous(void) {
    green_channel_options options = {.element_size = BIG};
    green_channel *channel = NULL;
    green_thread *sender = NULL;
    int error;
    TRY(green_channel_make(&channel, &options));
    TRY(green_spawn(&sender, send_one, channel));
    TRY(green_channel_receive(channel, element, PATIENTLY(10 * GREEN_SECOND)));
done:
    error = end_threads(&sender, 1, error);
    green_channel_release(channel);
    return error;
}

static int send_promise(void *promise) {
    return (int)note_result(green_promise_send(promise, NULL));
}

static int run_promise(void) {
    green_promise *promise = NULL;
    green_thread *sender = NULL;
    void *value;
    int error;
    TRY(green_promise_make(&promise));
    TRY(green_spawn(&sender, send_promise, promise));
    TRY(green_promise_wait(promise, &value, PATIENTLY(10 * GREEN_SECOND)));
done:
    error = end_threads(&sender, 1, error);
    green_promise_release(promise);
    return error;
}

/* More cases than fit on the stack, in the context of an OS thread. */
static int run_select(void) {
    green_channel_options options = {.element_size = BIG};
    green_channel *channel = NULL;
    green_case cases[12];
    int error;
    TRY(green_channel_make(&channel, &options));
    for (int i = 0; i < 12; i++)
        cases[i] = green_case_receive(channel, element);
    for (size_t count = 1; count <= 12; count++) {
        error = (int)note_result(green_select(cases, count, 1));
        if (error != -ETIMEDOUT)
            goto done;
    }
    error = 0;
done:
    CHECK(!channel || green_channel_receiving(channel) == 0);
    green_channel_release(channel);
    return error;
}

TEST(each, "a channel or a promise without memory fails with a message, and leaves nothing behind") {
    static const struct scenario scenarios[] = {
        {.name = "channel", .run = run_channel, .tolerates = "madvise"},
        {.name = "aligned channel", .run = run_aligned, .tolerates = "madvise"},
        {.name = "rendezvous", .run = run_rendezvous, .tolerates = "madvise mmap"},
        {.name = "select", .run = run_select, .tolerates = "madvise mmap"},
        {.name = "promise", .run = run_promise, .tolerates = "madvise mmap"},
    };
    fail_on_each_engine(scenarios, 5, FAIL_MEMORY);
}

TEST(keeps_element, "a send without memory leaves the element to the caller, and the channel stays usable") {
    green_channel *channel = element_channel(GREEN_UNBOUNDED);
    fail_calls(FAIL_MEMORY, 1, UINT_MAX);
    CHECK(element_send(channel, 1, GREEN_FOREVER), ==, -ENOMEM);
    CHECK_CONTAINS(green_explain(-ENOMEM), "channel");
    CHECK(element_try_send(channel, 2), ==, -ENOMEM);
    fail_calls(0, 0, 0);
    CHECK(elements.alive, ==, 0);
    CHECK(element_send(channel, 3, GREEN_FOREVER), ==, 0);
    CHECK(element_receive(channel, 0), ==, 3);
    green_channel_release(channel);
}

static int send_waiting(void *channel) {
    return green_channel_send(channel, element, GREEN_FOREVER);
}

/* A segment has four slots of this size. Both buffers need a new one. */
TEST(waiting_sends, "a waiting send that gets room but no memory fails, and the next one is tried") {
    enum { ROOM = 4, SENDERS = 3 };
    green_channel_options options = {.element_size = BIG, .capacity = ROOM};
    green_thread *senders[SENDERS];
    green_channel *channel = NULL;
    CHECK(green_channel_make(&channel, &options), ==, 0);
    for (int i = 0; i < ROOM; i++)
        CHECK(green_channel_send(channel, element, 0), ==, 0);
    for (int i = 0; i < SENDERS; i++)
        senders[i] = start(send_waiting, channel);
    let_run();
    CHECK(green_channel_sending(channel), ==, SENDERS);
    fail_calls(FAIL_MEMORY, 1, UINT_MAX);
    CHECK(green_channel_receive(channel, element, 0), ==, 0);
    fail_calls(0, 0, 0);
    CHECK(green_channel_sending(channel), ==, 0);
    for (int i = 0; i < SENDERS; i++)
        CHECK(finish(senders[i]), ==, -ENOMEM);
    CHECK(green_channel_count(channel), ==, ROOM - 1);
    green_channel_release(channel);
}

/* The number of allocations for moving many elements through a channel that is never empty. */
static unsigned allocations_of(green_channel *channel) {
    uint64_t word = 1;
    fail_calls(FAIL_MEMORY, UINT_MAX, UINT_MAX);
    for (int i = 0; i < 100000; i++) {
        CHECK(green_channel_send(channel, &word, 0), ==, 0);
        CHECK(green_channel_receive(channel, &word, 0), ==, 0);
    }
    return fail_calls(0, 0, 0);
}

TEST(steady, "elements that pass through a channel need no further memory") {
    green_channel_options options = {.element_size = sizeof(uint64_t), .capacity = 10000};
    green_channel *channel = NULL;
    CHECK(green_channel_make(&channel, &options), ==, 0);
    for (uint64_t i = 0; i < 5000; i++)
        CHECK(green_channel_send(channel, &i, 0), ==, 0);
    allocations_of(channel);
    CHECK(allocations_of(channel), ==, 0);
    green_channel_release(channel);
}
