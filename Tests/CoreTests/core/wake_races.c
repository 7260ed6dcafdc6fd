/* Two events for a parked thread in one loop iteration: it was readied and has not run yet,
 * and now its deadline expires, or a kill or a close arrives. */
#include "helpers.h"
#include "readers.h"

#include <poll.h>
#include <signal.h>

static const int64_t TIMEOUT = 20 * 1000 * 1000;

/* Blocks the hub until the deadlines of all waiting threads have expired. */
static void pass_deadlines(void) {
    int64_t until = green_now() + 2 * TIMEOUT;
    while (green_now() < until)
        continue;
}

static int pass_deadlines_and_end(void *argument) {
    pass_deadlines();
    return *(int *)argument;
}

TEST(end_and_deadline, "a thread that ends after a wait's deadline, before timers are checked, is returned") {
    int value = 7, result = 0;
    green_thread *thread = start(pass_deadlines_and_end, &value);
    CHECK(green_thread_wait(thread, &result, TIMEOUT), ==, 0); /* it had ended */
    CHECK(result, ==, 7);
    green_thread_release(thread);
}

static int wait_with_deadline(void *argument) {
    return green_thread_wait(argument, NULL, TIMEOUT);
}

TEST(end_and_many_deadlines, "a thread that ends after the deadlines of many waits is returned by all") {
    int value = 7;
    green_thread *thread = start(pass_deadlines_and_end, &value), *waiters[20];
    green_thread_set_name(thread, "busy");
    for (int i = 0; i < 20; i++)
        waiters[i] = start(wait_with_deadline, thread);
    for (int i = 0; i < 20; i++)
        CHECK(finish(waiters[i]), ==, 0);
    CHECK(finish(thread), ==, 7);
}

/* Checks that the kill is delivered once, in this call or in the next one. */
static int killed_once(int error) {
    if (error != -ECANCELED)
        CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    return green_yield();
}

static int sleep_or_next(void *argument) {
    (void)argument;
    return killed_once(green_sleep(TIMEOUT));
}

static int wait_or_next(void *argument) {
    return killed_once(green_thread_wait(argument, NULL, TIMEOUT));
}

TEST(kill_and_deadline, "a kill that comes together with a deadline is not lost") {
    green_thread *target = start(nap, NULL), *sleeper = start(sleep_or_next, NULL),
                 *waiter = start(wait_or_next, target);
    CHECK(green_yield(), ==, 0);
    CHECK(green_thread_kill(sleeper), ==, 0);
    CHECK(green_thread_kill(waiter), ==, 0);
    pass_deadlines();
    CHECK(finish(sleeper), ==, 0);
    CHECK(finish(waiter), ==, 0);
    CHECK(kill_and_finish(target), ==, -ECANCELED);
}

/* When the hub checks next, one byte has arrived and the deadline has expired. */

static int read_exactly_one(void *argument) {
    char byte;
    return (int)green_read_exactly(argument, &byte, 1);
}

static int receive_one(void *argument) {
    const void *bytes;
    ssize_t count = green_receive(argument, &bytes);
    if (count > 0)
        green_consume(argument, 1);
    return (int)count;
}

static int receive_from(void *argument) {
    char byte;
    return (int)green_receive_from(argument, &byte, 1, NULL);
}

static green_function *const readers[] = {read_byte, read_exactly_one, receive_one, receive_from};
enum { READERS = sizeof readers / sizeof *readers };

/* The byte was read, or can still be read. */
static void check_byte(int result, int interrupted, green_socket *socket) {
    CHECK(result == 1 || result == interrupted);
    green_socket_set_timeouts(socket, GREEN_FOREVER, GREEN_FOREVER);
    if (result != 1)
        CHECK(read_byte(socket), ==, 1);
}

TEST(byte_and_deadline, "a byte and a deadline: the byte is read, or stays unread") {
    for (int i = 0; i < READERS; i++) {
        struct pair pair = connected(UNIX_PAIR);
        green_socket_set_timeouts(pair.near, TIMEOUT, GREEN_FOREVER);
        green_thread *reader = start(readers[i], pair.near);
        let_run();
        CHECK(write(green_socket_fd(pair.far), "x", 1), ==, 1);
        pass_deadlines();
        check_byte(finish(reader), -ETIMEDOUT, pair.near);
        release_pair(&pair);
    }
}

TEST(byte_and_kill, "a byte and a kill: the byte is read, or stays unread") {
    for (int i = 0; i < READERS; i++) {
        for (int yields = 0; yields < 4; yields++) {
            struct pair pair = connected(TCP4);
            green_thread *reader = start(readers[i], pair.near);
            let_run();
            CHECK(write(green_socket_fd(pair.far), "x", 1), ==, 1);
            for (int k = 0; k < yields; k++)
                CHECK(green_yield(), ==, 0);
            check_byte(kill_and_finish(reader), -ECANCELED, pair.near);
            release_pair(&pair);
        }
    }
}

TEST(byte_and_close, "a byte and a close: the byte is read, or the call is -EBADF") {
    for (int i = 0; i < READERS; i++) {
        for (int yields = 0; yields < 4; yields++) {
            struct pair pair = connected(TCP4);
            green_thread *reader = start(readers[i], pair.near);
            let_run();
            CHECK(write(green_socket_fd(pair.far), "x", 1), ==, 1);
            for (int k = 0; k < yields; k++)
                CHECK(green_yield(), ==, 0);
            CHECK(green_close(pair.near), ==, 0);
            int result = finish(reader);
            CHECK(result == 1 || result == -EBADF);
            release_pair(&pair);
        }
    }
}

static int watch(void *argument) {
    return green_wait_fd(*(int *)argument, POLLIN, TIMEOUT);
}

TEST(event_and_deadline, "an event and a deadline in one loop iteration: the wait returns one of them") {
    int ends[2];
    CHECK(pipe(ends), ==, 0);
    green_thread *watcher = start(watch, &ends[0]);
    let_run();
    CHECK(write(ends[1], "x", 1), ==, 1);
    pass_deadlines();
    int result = finish(watcher);
    CHECK(result == POLLIN || result == -ETIMEDOUT);
    close(ends[0]);
    close(ends[1]);
}

static int next_signal(void *argument) {
    return green_signals_next(argument, TIMEOUT);
}

TEST(signal_and_deadline, "a signal and a deadline: the signal is returned, or stays pending") {
    int number = SIGUSR1;
    green_signals *signals = NULL;
    CHECK(green_signals_open(&signals, &number, 1), ==, 0);
    green_thread *thread = start(next_signal, signals);
    let_run();
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    pass_deadlines();
    int result = finish(thread);
    CHECK(result == SIGUSR1 || result == -ETIMEDOUT);
    if (result == -ETIMEDOUT)
        CHECK(next_signal(signals), ==, SIGUSR1);
    green_signals_free(signals);
}

static int connect_in_time(void *argument) {
    green_connect_options options = {.timeout = TIMEOUT};
    green_socket *socket = NULL;
    int error = green_connect(&socket, argument, &options);
    green_socket_release(socket);
    return error;
}

TEST(connection_and_deadline, "a connection and a deadline in one loop iteration: the connect succeeds or fails") {
    green_listener *listener = listen_any(TCP4);
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "%s", address_of(listener));
    for (int yields = 0; yields < 4; yields++) {
        green_thread *thread = start(connect_in_time, text);
        for (int i = 0; i < yields; i++)
            CHECK(green_yield(), ==, 0);
        pass_deadlines();
        int result = finish(thread);
        CHECK(result == 0 || result == -ETIMEDOUT);
    }
    green_listener_release(listener);
}

static int drain_soon(void *argument) {
    return green_listener_stop(argument, TIMEOUT);
}

static int end_late(green_socket *client, void *context) {
    char byte;
    ssize_t count = green_read(client, &byte, 1);
    pass_deadlines();
    return count < 0 ? (int)count : *(int *)context;
}

static int serve(void *argument) {
    static int result = 0;
    return green_serve(argument, NULL, end_late, &result);
}

TEST(handler_and_drain, "a handler and the drain that end in one loop iteration: both stop and serve return") {
    green_listener *listener = listen_any(TCP4);
    green_thread *server = start(serve, listener);
    green_socket *client = connect_to(listener);
    let_run();
    green_thread *stopper = start(drain_soon, listener);
    let_run();
    send_text(client, "x");
    int killed = finish(stopper);
    CHECK(killed == 0 || killed == 1);
    CHECK(finish(server), ==, 0);
    green_socket_release(client);
    green_listener_release(listener);
}
