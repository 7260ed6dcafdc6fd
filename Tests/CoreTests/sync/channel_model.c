/* Every sequence of up to six steps of three threads and their environment on a channel. */
#include "../../../csrc/sync/biased_lock.h"
#include "explored_objects.h"

static void compare(const void *channel, const struct model *model) {
    channel_compare_waits(channel, model);
    CHECK(green_channel_capacity(channel), ==, model->capacity);
    CHECK(green_channel_is_closed(channel), ==, model->closed);
}

/* The threads that the close wakes do not use the channel again. */
static void free_channel(void *channel) {
    CHECK(green_channel_close(channel), ==, 0);
    green_channel_release(channel);
}

/* Elements that are moved by a function. */

static const struct explored channels = {"channel",        channel_make,        channel_send, channel_receive,
                                         channel_try_send, channel_try_receive, NULL,         channel_close,
                                         compare,          free_channel,        true};

/* Elements of 64 bits, and locks that are biased. */

static void *make_biased(int64_t capacity, green_queue_order order) {
    (void)order;
    green_channel *channel = NULL;
    green_channel_options options = {.element_size = sizeof(int64_t), .capacity = capacity};
    CHECK(green_channel_make(&channel, &options), ==, 0);
    for (int64_t i = 0; i <= GREEN_BIASED_LOCK_REPEATS && capacity != 0; i++) {
        CHECK(green_channel_try_send(channel, &i), ==, 1);
        CHECK(green_channel_try_receive(channel, &i), ==, 1);
    }
    return channel;
}

static int put_word(void *channel, int key, int serial, int64_t timeout) {
    (void)key;
    return green_channel_send(channel, &(int64_t){serial}, timeout);
}

static int get_word(void *channel, int64_t timeout) {
    int64_t word = -1;
    int error = green_channel_receive(channel, &word, timeout);
    CHECK(word >= 0, ==, error == 0);
    return error < 0 ? error : (int)word;
}

static int try_put_word(void *channel, int key, int serial) {
    (void)key;
    return green_channel_try_send(channel, &(int64_t){serial});
}

static int try_get_word(void *channel) {
    int64_t word = -1;
    int result = green_channel_try_receive(channel, &word);
    CHECK(word >= 0, ==, result == 1);
    return result == 1 ? (int)word : result;
}

static const struct explored biased = {"biased channel", make_biased,  put_word, get_word,
                                       try_put_word,     try_get_word, NULL,     channel_close,
                                       compare,          free_channel, false};

TEST(zero, "every sequence of steps on a channel of capacity 0 matches the model") {
    explore_all(&channels, GREEN_FIFO, 0);
}

TEST(one, "every sequence of steps on a channel of capacity 1 matches the model") {
    explore_all(&channels, GREEN_FIFO, 1);
}

TEST(two, "every sequence of steps on a channel of capacity 2 matches the model") {
    explore_all(&channels, GREEN_FIFO, 2);
}

TEST(unbounded, "every sequence of steps on an unbounded channel matches the model") {
    explore_all(&channels, GREEN_FIFO, GREEN_UNBOUNDED);
}

TEST(biased_one, "every sequence of steps on a biased channel of capacity 1 matches the model") {
    explore_all(&biased, GREEN_FIFO, 1);
}

TEST(biased_two, "every sequence of steps on a biased channel of capacity 2 matches the model") {
    explore_all(&biased, GREEN_FIFO, 2);
}

TEST(biased_unbounded, "every sequence of steps on a biased, unbounded channel matches the model") {
    explore_all(&biased, GREEN_FIFO, GREEN_UNBOUNDED);
}
