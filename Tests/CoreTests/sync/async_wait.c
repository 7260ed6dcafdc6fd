/* Waits that call a function: on channels, promises and remote threads. */
#include "helpers.h"
#include "os_threads.h"

#include <sys/wait.h>

/* A wait, and what its function was called with. */
struct request {
    green_async_wait *wait;
    int element;
    int result;
    int calls; /* atomic */
};

static void done(void *context, int result) {
    struct request *request = context;
    request->result = result;
    __atomic_fetch_add(&request->calls, 1, __ATOMIC_RELEASE);
}

static int calls_of(const struct request *request) {
    return __atomic_load_n(&request->calls, __ATOMIC_ACQUIRE);
}

static struct request *request_make(int element) {
    struct request *request = calloc(1, sizeof *request);
    CHECK(request != NULL);
    request->element = element;
    CHECK(green_async_wait_make(&request->wait, done, request), ==, 0);
    return request;
}

/* Checks how the wait has ended, frees the request, and returns the element. */
static int ended(struct request *request, int result) {
    CHECK(calls_of(request), ==, 1);
    CHECK(request->result, ==, result);
    int element = request->element;
    green_async_wait_release(request->wait);
    free(request);
    return element;
}

/* The same for a wait whose function must not have been called. */
static int at_once(struct request *request) {
    CHECK(calls_of(request), ==, 0);
    request->calls = 1;
    request->result = 0;
    return ended(request, 0);
}

static green_channel *channel_of(int64_t capacity) {
    green_channel *channel = NULL;
    CHECK(green_channel_make(&channel, &(green_channel_options){.element_size = sizeof(int), .capacity = capacity}), ==,
          0);
    return channel;
}

static int receive_async(green_channel *channel, struct request *request) {
    return green_channel_receive_async(channel, &request->element, request->wait);
}

static int send_async(green_channel *channel, struct request *request) {
    return green_channel_send_async(channel, &request->element, request->wait);
}

static int send_int(green_channel *channel, int value) {
    return green_channel_send(channel, &value, GREEN_FOREVER);
}

static int receive_int(green_channel *channel) {
    int value, error = green_channel_receive(channel, &value, GREEN_FOREVER);
    return error < 0 ? error : value;
}

TEST(receives, "a receive takes an element at once, or its function is called when one was sent") {
    for (int64_t capacity = 1; capacity < 3; capacity++) {
        green_channel *channel = channel_of(capacity);
        struct request *first = request_make(0), *second = request_make(0), *third = request_make(0);
        CHECK(send_int(channel, 1), ==, 0);
        CHECK(receive_async(channel, first), ==, 1);
        CHECK(at_once(first), ==, 1);
        CHECK(receive_async(channel, second), ==, 0);
        CHECK(receive_async(channel, third), ==, 0);
        CHECK(green_channel_receiving(channel), ==, 2);
        CHECK(calls_of(second), ==, 0);
        CHECK(send_int(channel, 2), ==, 0);
        CHECK(ended(second, 0), ==, 2);
        CHECK(send_int(channel, 3), ==, 0);
        CHECK(ended(third, 0), ==, 3);
        green_channel_release(channel);
    }
}

TEST(sends, "a send stores an element at once, or its function is called when there was room") {
    green_channel *channel = channel_of(1);
    struct request *first = request_make(1), *second = request_make(2);
    CHECK(send_async(channel, first), ==, 1);
    at_once(first);
    CHECK(send_async(channel, second), ==, 0);
    CHECK(green_channel_sending(channel), ==, 1);
    CHECK(receive_int(channel), ==, 1);
    ended(second, 0);
    CHECK(receive_int(channel), ==, 2);
    green_channel_release(channel);
}

TEST(rendezvous, "without a capacity, a send and a receive without threads meet") {
    green_channel *channel = channel_of(0);
    struct request *sends = request_make(7), *receives = request_make(0);
    CHECK(send_async(channel, sends), ==, 0);
    CHECK(receive_async(channel, receives), ==, 1);
    CHECK(at_once(receives), ==, 7);
    ended(sends, 0);

    receives = request_make(0);
    sends = request_make(8);
    CHECK(receive_async(channel, receives), ==, 0);
    CHECK(send_async(channel, sends), ==, 1);
    CHECK(ended(receives, 0), ==, 8);
    at_once(sends);
    green_channel_release(channel);
}

static int receive_in_thread(void *channel) {
    return receive_int(channel);
}

TEST(in_turn, "threads and waits without threads are served in order of arrival") {
    green_channel *channel = channel_of(1);
    struct request *first = request_make(0), *third = request_make(0);
    CHECK(receive_async(channel, first), ==, 0);
    green_thread *second = start(receive_in_thread, channel);
    let_run();
    CHECK(receive_async(channel, third), ==, 0);
    for (int i = 1; i <= 3; i++)
        CHECK(send_int(channel, i), ==, 0);
    CHECK(ended(first, 0), ==, 1);
    CHECK(finish(second), ==, 2);
    CHECK(ended(third, 0), ==, 3);
    green_channel_release(channel);
}

TEST(cancel, "a cancelled wait takes and leaves nothing, and its function gets -ECANCELED") {
    for (int64_t capacity = 0; capacity < 2; capacity++) {
        green_channel *channel = channel_of(capacity);
        struct request *cancelled = request_make(0), *waits = request_make(0);
        CHECK(receive_async(channel, cancelled), ==, 0);
        CHECK(receive_async(channel, waits), ==, 0);
        green_async_wait_cancel(cancelled->wait);
        green_async_wait_cancel(cancelled->wait);
        ended(cancelled, -ECANCELED);
        CHECK(send_int(channel, 5), ==, 0);
        CHECK(ended(waits, 0), ==, 5);
        if (capacity)
            CHECK(send_int(channel, 6), ==, 0);
        cancelled = request_make(7);
        CHECK(send_async(channel, cancelled), ==, 0);
        green_async_wait_cancel(cancelled->wait);
        CHECK(ended(cancelled, -ECANCELED), ==, 7);
        CHECK(green_channel_sending(channel), ==, 0);
        green_channel_release(channel);
    }
}

TEST(cancel_first, "a wait that was cancelled before it begins is refused, and has no effect") {
    green_channel *channel = channel_of(1);
    struct request *request = request_make(0);
    green_async_wait_cancel(request->wait);
    CHECK(send_int(channel, 5), ==, 0);
    CHECK(receive_async(channel, request), ==, -ECANCELED);
    at_once(request);
    CHECK(receive_int(channel), ==, 5);
    green_channel_release(channel);
}

TEST(cancel_late, "a wait that was served keeps its element") {
    green_channel *channel = channel_of(1);
    struct request *request = request_make(0);
    CHECK(receive_async(channel, request), ==, 0);
    CHECK(send_int(channel, 5), ==, 0);
    green_async_wait_cancel(request->wait);
    CHECK(ended(request, 0), ==, 5);
    green_channel_release(channel);
}

TEST(close, "a close ends the waits of a channel") {
    green_channel *channel = channel_of(0);
    struct request *request = request_make(0), *late = request_make(0);
    CHECK(receive_async(channel, request), ==, 0);
    CHECK(green_channel_close(channel), ==, 0);
    ended(request, -EBADF);
    CHECK(receive_async(channel, late), ==, -EBADF);
    at_once(late);
    green_channel_release(channel);
}

/* A wait whose function begins the next one, as a coroutine would. */
struct loop {
    green_channel *channel;
    green_async_wait *wait;
    int element, sum, count;
    bool ended; /* atomic */
};

static void receive_next(struct loop *loop);

static void loop_done(void *context, int result) {
    struct loop *loop = context;
    green_async_wait_release(loop->wait);
    if (result < 0) {
        CHECK(result, ==, -EBADF);
        __atomic_store_n(&loop->ended, true, __ATOMIC_RELEASE);
        return;
    }
    loop->sum += loop->element;
    receive_next(loop);
}

static void receive_next(struct loop *loop) {
    int begun;
    do {
        CHECK(green_async_wait_make(&loop->wait, loop_done, loop), ==, 0);
        begun = green_channel_receive_async(loop->channel, &loop->element, loop->wait);
        if (begun != 0)
            green_async_wait_release(loop->wait);
        if (begun == 1)
            loop->sum += loop->element;
    } while (begun == 1);
    if (begun < 0) {
        CHECK(begun, ==, -EBADF);
        __atomic_store_n(&loop->ended, true, __ATOMIC_RELEASE);
    }
}

static int send_many(void *channel) {
    for (int i = 0; i < SCALED(2000); i++)
        CHECK(send_int(channel, 1), ==, 0);
    return 0;
}

TEST(from_threads, "elements of two OS threads reach functions that begin the next wait, once each") {
    for (int64_t capacity = 0; capacity < 3; capacity++) {
        struct loop loop = {.channel = channel_of(capacity)};
        struct os_thread senders[2];
        receive_next(&loop);
        for (int i = 0; i < 2; i++)
            os_thread_start(&senders[i], send_many, loop.channel);
        for (int i = 0; i < 2; i++)
            CHECK(os_thread_finish(&senders[i]), ==, 0);
        CHECK(green_channel_close(loop.channel), ==, 0);
        while (!__atomic_load_n(&loop.ended, __ATOMIC_ACQUIRE))
            CHECK(green_sleep(0), ==, 0);
        CHECK(loop.sum, ==, 2 * SCALED(2000));
        green_channel_release(loop.channel);
    }
}

static int cancel_it(void *wait) {
    green_async_wait_cancel(wait);
    green_async_wait_release(wait);
    return 0;
}

TEST(race, "a wait that is served and cancelled at once ends once, and no element is lost") {
    for (int i = 0; i < SCALED(2000); i++) {
        green_channel *channel = channel_of(i % 2);
        struct request *request = request_make(0);
        struct os_thread canceller;
        CHECK(receive_async(channel, request), ==, 0);
        os_thread_start(&canceller, cancel_it, green_async_wait_retain(request->wait));
        int value = 5, sent = green_channel_try_send(channel, &value);
        CHECK(os_thread_finish(&canceller), ==, 0);
        bool received = request->result == 0;
        if (received)
            CHECK(sent, ==, 1);
        else
            CHECK(green_channel_try_receive(channel, &value), ==, sent);
        CHECK(ended(request, received ? 0 : -ECANCELED), ==, received ? 5 : 0);
        green_channel_release(channel);
    }
}

TEST(promise, "the function of a wait for a promise is called when it was sent") {
    static int seven = 7;
    green_promise *promise = NULL;
    void *value = NULL;
    CHECK(green_promise_make(&promise), ==, 0);
    struct request *first = request_make(0), *cancelled = request_make(0), *late = request_make(0);
    CHECK(green_promise_wait_async(promise, first->wait), ==, 0);
    CHECK(green_promise_wait_async(promise, cancelled->wait), ==, 0);
    green_async_wait_cancel(cancelled->wait);
    ended(cancelled, -ECANCELED);
    CHECK(green_promise_send(promise, &seven), ==, 0);
    ended(first, 0);
    CHECK(green_promise_wait_async(promise, late->wait), ==, 1);
    at_once(late);
    CHECK(green_promise_wait(promise, &value, 0), ==, 0);
    CHECK(value == &seven);
    green_promise_release(promise);
}

TEST(remote_thread, "the function of a wait for a remote thread is called when it has finished") {
    int seven = 7, result = 0;
    green_remote_thread *thread = NULL;
    struct request *request = request_make(0), *cancelled = request_make(0), *late = request_make(0);
    CHECK(green_sleep(0), ==, 0); /* makes the hub */
    CHECK(green_hub_spawn(green_hub_current(), &thread, NULL, give, &seven), ==, 0);
    CHECK(green_remote_thread_wait_async(thread, request->wait), ==, 0);
    CHECK(green_remote_thread_wait_async(thread, cancelled->wait), ==, 0);
    green_async_wait_cancel(cancelled->wait);
    ended(cancelled, -ECANCELED);
    CHECK(green_remote_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    ended(request, 0);
    CHECK(result, ==, 7);
    CHECK(green_remote_thread_wait_async(thread, late->wait), ==, 1);
    at_once(late);
    green_remote_thread_release(thread);
}

TEST(fork, "a forked child cannot begin a wait on an object of its parent") {
    green_channel *channel = channel_of(0);
    green_promise *promise = NULL;
    CHECK(green_promise_make(&promise), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        struct request *first = request_make(0), *second = request_make(0);
        CHECK(receive_async(channel, first), ==, -EXDEV);
        CHECK(green_promise_wait_async(promise, second->wait), ==, -EXDEV);
        at_once(first);
        at_once(second);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    green_channel_release(channel);
    green_promise_release(promise);
}
