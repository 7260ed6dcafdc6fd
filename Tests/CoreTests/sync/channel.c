/* Channels: elements between threads of one hub, of several hubs, and OS threads without
 * one. */
#include "../../../csrc/sync/channel_record.h"
#include "helpers.h"
#include "os_threads.h"

#include <pthread.h>
#include <sys/wait.h>

static green_channel *channel_of(int64_t capacity) {
    green_channel *channel = NULL;
    CHECK(green_channel_make(&channel, &(green_channel_options){.element_size = sizeof(int), .capacity = capacity}), ==,
          0);
    return channel;
}

static int send_int(green_channel *channel, int value, int64_t timeout) {
    return green_channel_send(channel, &value, timeout);
}

static int try_send_int(green_channel *channel, int value) {
    return green_channel_try_send(channel, &value);
}

/* The element, or an error. */
static int receive_int(green_channel *channel, int64_t timeout) {
    int value, error = green_channel_receive(channel, &value, timeout);
    return error < 0 ? error : value;
}

static void counts(green_channel *channel, size_t count, size_t receiving, size_t sending) {
    CHECK(green_channel_count(channel), ==, count);
    CHECK(green_channel_receiving(channel), ==, receiving);
    CHECK(green_channel_sending(channel), ==, sending);
}

/* A thread that makes one call. */
struct call {
    green_channel *channel;
    int value; /* 0: a receive */
    int64_t timeout;
};

static int perform(void *argument) {
    const struct call *call = argument;
    return call->value ? send_int(call->channel, call->value, call->timeout)
                       : receive_int(call->channel, call->timeout);
}

static green_thread *begin(struct call *call) {
    green_thread *thread = start(perform, call);
    let_run();
    return thread;
}

TEST(bad_options, "an option out of range is -EINVAL, and the message names it") {
    static const struct {
        green_channel_options options;
        const char *named;
    } cases[] = {
        {{.capacity = -2}, "-2"},
        {{.capacity = INT64_MIN}, "capacity"},
        {{.alignment = 3}, "alignment 3"},
        {{.element_size = SIZE_MAX}, "too large"},
        {{.element_size = SIZE_MAX / 16 + 1}, "too large"},
    };
    green_channel *channel = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(green_channel_make(&channel, &cases[i].options), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), cases[i].named);
        CHECK(channel == NULL);
    }
}

TEST(sizes, "elements of no size, of odd sizes and of large alignment keep their values") {
    static const size_t sizes[] = {0, 1, 7, 8, 24, 5000}, alignments[] = {0, 1, 4096};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t a = 0; a < sizeof alignments / sizeof *alignments; a++) {
            green_channel *channel = NULL;
            green_channel_options options = {
                .element_size = sizes[s], .alignment = alignments[a], .capacity = INT64_MAX};
            CHECK(green_channel_make(&channel, &options), ==, 0);
            CHECK(green_channel_capacity(channel), ==, INT64_MAX);
            char bytes[5000];
            for (uint64_t i = 0; i < 100; i++) {
                pattern_fill(bytes, sizes[s], i);
                CHECK(green_channel_send(channel, bytes, GREEN_FOREVER), ==, 0);
            }
            for (uint64_t i = 0; i < 100; i++) {
                CHECK(green_channel_receive(channel, bytes, GREEN_FOREVER), ==, 0);
                pattern_check(bytes, sizes[s], i);
            }
            CHECK(green_channel_try_receive(channel, bytes), ==, 0);
            green_channel_release(channel);
        }
}

TEST(without_hub, "calls that need not wait, and those that time out, make no hub") {
    green_statistics now;
    green_channel *channel = channel_of(1);
    CHECK(send_int(channel, 1, GREEN_FOREVER), ==, 0);
    CHECK(send_int(channel, 2, 0), ==, -ETIMEDOUT);
    CHECK(send_int(channel, 2, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT),
                   "cannot send into a channel: no receiver made room within 1 ms (ETIMEDOUT)");
    counts(channel, 1, 0, 0);
    CHECK(receive_int(channel, GREEN_FOREVER), ==, 1);
    CHECK(receive_int(channel, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    counts(channel, 0, 0, 0);
    CHECK(green_channel_close(channel), ==, 0);
    CHECK(green_channel_close(channel), ==, 0);
    CHECK(send_int(channel, 3, GREEN_FOREVER), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "closed");
    CHECK(try_send_int(channel, 3), ==, -EBADF);
    CHECK(receive_int(channel, GREEN_FOREVER), ==, -EBADF);
    green_channel_release(channel);
    CHECK(green_hub_statistics(&now), ==, -ENOENT);
}

TEST(rendezvous, "with capacity 0, a send returns when a receive has taken its element") {
    green_channel *channel = channel_of(0);
    CHECK(try_send_int(channel, 1), ==, 0);
    green_thread *sender = begin(&(struct call){channel, 7, GREEN_FOREVER});
    counts(channel, 0, 0, 1);
    CHECK(try_send_int(channel, 1), ==, 0);
    CHECK(receive_int(channel, GREEN_FOREVER), ==, 7);
    CHECK(finish(sender), ==, 0);
    green_thread *receiver = begin(&(struct call){channel, 0, GREEN_FOREVER});
    counts(channel, 0, 1, 0);
    CHECK(try_send_int(channel, 8), ==, 1);
    CHECK(finish(receiver), ==, 8);
    green_channel_release(channel);
}

TEST(order_of_waiters, "waiting threads are served in order of arrival, and nobody overtakes them") {
    green_channel *channel = channel_of(1);
    CHECK(send_int(channel, 1, GREEN_FOREVER), ==, 0);
    struct call calls[3];
    green_thread *threads[3];
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){channel, 2 + i, GREEN_FOREVER};
        threads[i] = begin(&calls[i]);
    }
    counts(channel, 1, 0, 3);
    for (int i = 1; i <= 4; i++) {
        CHECK(receive_int(channel, GREEN_FOREVER), ==, i); /* makes room, which belongs to the next waiter */
        CHECK(try_send_int(channel, 9), ==, i == 4);
    }
    for (int i = 0; i < 3; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(receive_int(channel, 0), ==, 9);
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){channel, 0, GREEN_FOREVER};
        threads[i] = begin(&calls[i]);
    }
    counts(channel, 0, 3, 0);
    for (int i = 0; i < 3; i++)
        CHECK(send_int(channel, 10 + i, GREEN_FOREVER), ==, 0);
    CHECK(green_channel_try_receive(channel, &(int){0}), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(finish(threads[i]), ==, 10 + i);
    green_channel_release(channel);
}

TEST(gives_up, "a waiter that is killed or times out takes nothing and leaves nothing") {
    green_channel *channel = channel_of(1);
    green_thread *receiver = begin(&(struct call){channel, 0, GREEN_FOREVER});
    CHECK(kill_and_finish(receiver), ==, -ECANCELED);
    CHECK(receive_int(channel, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    counts(channel, 0, 0, 0);
    CHECK(send_int(channel, 1, GREEN_FOREVER), ==, 0);
    green_thread *sender = begin(&(struct call){channel, 2, GREEN_FOREVER});
    CHECK(kill_and_finish(sender), ==, -ECANCELED);
    CHECK(send_int(channel, 3, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    counts(channel, 1, 0, 0);
    CHECK(receive_int(channel, 0), ==, 1);
    CHECK(receive_int(channel, 0), ==, -ETIMEDOUT);
    green_channel_release(channel);
}

TEST(killed_too_late, "a waiter that was served before its kill returns its element, and keeps the kill") {
    green_channel *channel = channel_of(0);
    green_thread *receiver = begin(&(struct call){channel, 0, GREEN_FOREVER});
    CHECK(send_int(channel, 5, 0), ==, 0);
    CHECK(kill_and_finish(receiver), ==, 5);
    green_channel_release(channel);
}

TEST(close_wakes, "a close wakes all waiters, and stored elements are received after it") {
    green_channel *channel = channel_of(2);
    green_thread *receivers[2], *senders[2];
    for (int i = 0; i < 2; i++)
        receivers[i] = begin(&(struct call){channel, 0, GREEN_FOREVER});
    CHECK(green_channel_close(channel), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(finish(receivers[i]), ==, -EBADF);
    green_channel_release(channel);

    channel = channel_of(2);
    CHECK(send_int(channel, 1, 0), ==, 0);
    CHECK(send_int(channel, 2, 0), ==, 0);
    for (int i = 0; i < 2; i++)
        senders[i] = begin(&(struct call){channel, 3, GREEN_FOREVER});
    CHECK(!green_channel_is_closed(channel));
    CHECK(green_channel_close(channel), ==, 0);
    CHECK(green_channel_is_closed(channel));
    for (int i = 0; i < 2; i++)
        CHECK(finish(senders[i]), ==, -EBADF);
    CHECK(receive_int(channel, GREEN_FOREVER), ==, 1);
    CHECK(receive_int(channel, GREEN_FOREVER), ==, 2);
    CHECK(receive_int(channel, GREEN_FOREVER), ==, -EBADF);
    green_channel_release(channel);
}

static int destroyed;

static void count_destroyed(void *element, void *context) {
    CHECK(*(int *)element, ==, ++destroyed);
    CHECK(context == &destroyed);
}

TEST(destroy, "the last release destroys the elements that are left, in order") {
    green_channel *channel = NULL;
    green_channel_options options = {
        .element_size = sizeof(int), .capacity = GREEN_UNBOUNDED, .destroy = count_destroyed, .context = &destroyed};
    CHECK(green_channel_make(&channel, &options), ==, 0);
    for (int i = 1; i <= 1000; i++)
        CHECK(send_int(channel, i, 0), ==, 0);
    CHECK(green_channel_retain(channel) == channel);
    green_channel_release(channel);
    CHECK(destroyed, ==, 0);
    green_channel_release(channel);
    CHECK(destroyed, ==, 1000);
    green_channel_release(NULL);
}

/* Sends 1 to ITEMS, and receives the sum of what it sent. */
enum { ITEMS = SCALED(20000) };

struct exchange {
    green_channel *out, *back;
    bool makes_hub;
};

static int send_and_sum(void *argument) {
    const struct exchange *exchange = argument;
    if (exchange->makes_hub)
        CHECK(green_yield(), ==, 0);
    int64_t sum = 0;
    for (int i = 1; i <= ITEMS; i++) {
        CHECK(send_int(exchange->out, i, GREEN_FOREVER), ==, 0);
        sum += receive_int(exchange->back, GREEN_FOREVER);
    }
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, exchange->makes_hub ? 0 : -ENOENT);
    CHECK(sum, ==, (int64_t)ITEMS * (ITEMS + 1) / 2);
    return 0;
}

static void exchange_with(bool makes_hub, int64_t capacity) {
    struct exchange exchange = {channel_of(capacity), channel_of(capacity), makes_hub};
    struct os_thread thread;
    os_thread_start(&thread, send_and_sum, &exchange);
    for (int i = 1; i <= ITEMS; i++) {
        CHECK(receive_int(exchange.out, GREEN_FOREVER), ==, i);
        CHECK(send_int(exchange.back, i, GREEN_FOREVER), ==, 0);
    }
    CHECK(os_thread_finish(&thread), ==, 0);
    green_channel_release(exchange.out);
    green_channel_release(exchange.back);
}

TEST(native_thread, "a hub and an OS thread without one exchange elements, and the latter makes no hub") {
    exchange_with(false, 0);
    exchange_with(false, 1);
}

TEST(two_hubs, "two hubs exchange elements") {
    exchange_with(true, 0);
    exchange_with(true, 1);
}

static void in_link(green_thread *thread, void *argument) {
    (void)thread;
    green_channel *channel = argument;
    CHECK(receive_int(channel, GREEN_FOREVER), ==, 1); /* need not wait */
    CHECK(receive_int(channel, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_channel_try_receive(channel, &(int){0}), ==, 0);
    mark('L');
}

TEST(links, "in a link, a call that need not wait succeeds, and another one is -EWOULDBLOCK") {
    green_channel *channel = channel_of(1);
    int zero = 0;
    CHECK(send_int(channel, 1, 0), ==, 0);
    green_thread *thread = start(give, &zero);
    CHECK(green_thread_link(thread, NULL, in_link, channel), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "L");
    green_channel_release(channel);
}

TEST(fork_same_address, "a forked child cannot use the channel of an ended hub whose address its own hub has") {
    uint64_t word = 7;
    green_channel *channel = NULL;
    CHECK(green_channel_make(&channel, &(green_channel_options){.element_size = sizeof word, .capacity = 10}), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(green_channel_send(channel, &word, 0), ==, 0);
    CHECK(green_channel_receive(channel, &word, 0), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(green_yield(), ==, 0);
        channel->send_lock.owner = channel->receive_lock.owner = (uintptr_t)green__hub;
        CHECK(green_channel_send(channel, &word, 0), ==, -EXDEV);
        CHECK(green_channel_receive(channel, &word, 0), ==, -EXDEV);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    green_channel_release(channel);
}

TEST(fork, "a forked child cannot use the channel of its parent, and can make its own") {
    green_channel *channel = channel_of(1);
    CHECK(send_int(channel, 1, 0), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(send_int(channel, 2, GREEN_FOREVER), ==, -EXDEV);
        CHECK_CONTAINS(green_explain(-EXDEV), "fork");
        CHECK(receive_int(channel, GREEN_FOREVER), ==, -EXDEV);
        CHECK(try_send_int(channel, 2), ==, -EXDEV);
        CHECK(green_channel_try_receive(channel, &(int){0}), ==, -EXDEV);
        CHECK(green_channel_close(channel), ==, -EXDEV);
        green_channel_release(channel);
        channel = channel_of(1);
        CHECK(send_int(channel, 3, 0), ==, 0);
        CHECK(receive_int(channel, 0), ==, 3);
        green_channel_release(channel);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    CHECK(receive_int(channel, 0), ==, 1);
    green_channel_release(channel);
}
