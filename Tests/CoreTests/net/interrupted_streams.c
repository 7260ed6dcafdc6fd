/* Interrupts lose nothing: a stream has no gap if threads that read it are killed or time
 * out at any moment. */
#include "helpers.h"

/* The position in the stream of all readers of a test. */
struct reading {
    green_socket *socket;
    uint64_t position;
};

static int read_on(void *argument) {
    struct reading *reading = argument;
    char bytes[7];
    ssize_t count;
    while ((count = green_read(reading->socket, bytes, sizeof bytes)) > 0) {
        pattern_check(bytes, (size_t)count, reading->position);
        reading->position += (uint64_t)count;
    }
    return (int)count;
}

static int read_exactly_on(void *argument) {
    struct reading *reading = argument;
    char bytes[16];
    ssize_t count;
    while ((count = green_read_exactly(reading->socket, bytes, sizeof bytes)) > 0) {
        pattern_check(bytes, (size_t)count, reading->position);
        reading->position += (uint64_t)count;
    }
    return (int)count;
}

static int read_lines_on(void *argument) {
    struct reading *reading = argument;
    char line[PIPE_BUF];
    ssize_t count;
    while ((count = green_read_line(reading->socket, line, sizeof line)) > 0) {
        pattern_check(line, (size_t)count, reading->position);
        reading->position += (uint64_t)count;
    }
    return (int)count;
}

static int receive_on(void *argument) {
    struct reading *reading = argument;
    const void *bytes;
    ssize_t count;
    while ((count = green_receive(reading->socket, &bytes)) > 0) {
        pattern_check(bytes, (size_t)count, reading->position);
        size_t part = ((size_t)count + 1) / 2;
        green_consume(reading->socket, part);
        reading->position += part;
    }
    return (int)count;
}

static void read_rest(struct reading *reading, uint64_t size) {
    struct transfer rest = {reading->socket, UINT64_MAX, reading->position};
    CHECK(receive_pattern(&rest), ==, 0);
    CHECK(rest.position, ==, size);
}

/* Kills one reader after another while bytes arrive. */
static void kill_readers(green_function *function, enum transport transport) {
    struct pair pair = connected(transport);
    struct transfer send = {pair.far, SCALED(40000), 0};
    struct reading reading = {pair.near, 0};
    green_thread *writer = start(trickle, &send);
    int rounds = 0;
    for (; !green_thread_is_finished(writer); rounds++) {
        green_thread *reader = start(function, &reading);
        for (uint32_t i = random_below(9); i > 0; i--)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(reader);
        CHECK(result, ==, -ECANCELED);
    }
    CHECK(rounds, >=, SCALED(300));
    CHECK(finish(writer), ==, 0);
    CHECK(green_close(pair.far), ==, 0);
    read_rest(&reading, send.size);
    release_pair(&pair);
}

TEST(kill_read_tcp, "killed readers lose no byte: read over TCP") {
    kill_readers(read_on, TCP4);
}

TEST(kill_read_unix, "killed readers lose no byte: read over a unix socket") {
    kill_readers(read_on, UNIX_PAIR);
}

TEST(kill_read_exactly, "killed readers lose no byte: read_exactly") {
    kill_readers(read_exactly_on, TCP4);
}

TEST(kill_read_line, "killed readers lose no byte: read_line") {
    kill_readers(read_lines_on, TCP4);
}

TEST(kill_receive, "killed readers lose no byte: receive") {
    kill_readers(receive_on, TCP4);
}

/* The same with a read timeout of a few microseconds. */
static void time_out_readers(green_function *function) {
    struct pair pair = connected(TCP4);
    struct transfer send = {pair.far, SCALED(40000), 0};
    struct reading reading = {pair.near, 0};
    green_thread *writer = start(trickle, &send);
    int timeouts = 0;
    while (!green_thread_is_finished(writer)) {
        green_socket_set_timeouts(pair.near, random_below(20) * GREEN_MICROSECOND, GREEN_FOREVER);
        CHECK(function(&reading), ==, -ETIMEDOUT);
        timeouts++;
    }
    CHECK(timeouts, >=, 1);
    CHECK(finish(writer), ==, 0);
    CHECK(green_close(pair.far), ==, 0);
    green_socket_set_timeouts(pair.near, GREEN_FOREVER, GREEN_FOREVER);
    read_rest(&reading, send.size);
    release_pair(&pair);
}

TEST(time_out_read, "reads that time out lose no byte: read") {
    time_out_readers(read_on);
}

TEST(time_out_read_exactly, "reads that time out lose no byte: read_exactly") {
    time_out_readers(read_exactly_on);
}

TEST(time_out_receive, "reads that time out lose no byte: receive") {
    time_out_readers(receive_on);
}

/* Timeouts ----------------------------------------------------------------- */

TEST(read_timeout, "a read timeout ends each kind of read, and the socket stays usable") {
    struct pair pair = connected(TCP4);
    char bytes[16];
    const void *received;
    int64_t before = green_now(), time = 5 * GREEN_MILLISECOND, read, write;
    green_socket_timeouts(pair.near, &read, &write);
    CHECK(read, <, 0);
    CHECK(write, <, 0);
    green_socket_set_timeouts(pair.near, time, 77);
    green_socket_timeouts(pair.near, &read, &write);
    CHECK(read, ==, time);
    CHECK(write, ==, 77);
    CHECK(green_read(pair.near, bytes, 1), ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, time);
    CHECK(green_read_exactly(pair.near, bytes, 1), ==, -ETIMEDOUT);
    CHECK(green_read_line(pair.near, bytes, sizeof bytes), ==, -ETIMEDOUT);
    CHECK(green_receive(pair.near, &received), ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, 4 * time);
    send_text(pair.far, "in time");
    expect_text(pair.near, "in time");
    release_pair(&pair);
}

/* Writes a byte each millisecond until it is killed. */
static int drip(void *argument) {
    struct transfer *transfer = argument;
    for (;;) {
        ssize_t count = green_write(transfer->socket, "x", 1);
        transfer->position += count == 1;
        int error = count < 0 ? (int)count : green_sleep(GREEN_MILLISECOND);
        if (error < 0)
            return error;
    }
}

static void time_out_while_dripping(ssize_t (*read_long)(green_socket *, char *, size_t)) {
    struct pair pair = connected(TCP4);
    struct transfer send = {pair.far, 0, 0};
    char bytes[4096];
    green_thread *thread = start(drip, &send);
    green_socket_set_timeouts(pair.near, 20 * GREEN_MILLISECOND, GREEN_FOREVER);
    CHECK(read_long(pair.near, bytes, sizeof bytes), ==, -ETIMEDOUT);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(green_close(pair.far), ==, 0);
    uint64_t left = 0;
    for (ssize_t count; (count = green_read(pair.near, bytes, sizeof bytes)) != 0; left += (uint64_t)count)
        CHECK(count, >, 0);
    CHECK(left, ==, send.position);
    release_pair(&pair);
}

static ssize_t read_exactly(green_socket *socket, char *bytes, size_t size) {
    return green_read_exactly(socket, bytes, size);
}

TEST(timeout_is_whole, "the timeout covers the whole read, not each byte, and received bytes stay unread") {
    time_out_while_dripping(read_exactly);
    time_out_while_dripping(green_read_line);
}

TEST(ready_beats_timeout, "a read with a timeout of 0 does not wait") {
    struct pair pair = connected(UNIX_PAIR);
    char byte;
    green_socket_set_timeouts(pair.near, 0, GREEN_FOREVER);
    CHECK(green_read(pair.near, &byte, 1), ==, -ETIMEDOUT);
    send_text(pair.far, "ab");
    UNTIL(green_read(pair.near, &byte, 1) == 1);
    CHECK(byte, ==, 'a');
    UNTIL(green_read(pair.near, &byte, 1) == 1);
    CHECK(byte, ==, 'b');
    release_pair(&pair);
}

/* Accept ------------------------------------------------------------------- */

struct accepting {
    green_listener *listener;
    int count;
};

static int accept_on(void *argument) {
    struct accepting *accepting = argument;
    green_socket *socket;
    int error;
    while ((error = green_accept(accepting->listener, &socket)) == 0) {
        accepting->count++;
        green_socket_release(socket);
    }
    return error;
}

static int read_one(void *socket) {
    char byte;
    return (int)green_read(socket, &byte, 1);
}

/* Nothing runs between the iteration that fires the timer and the close. */
TEST(first_cause, "a close does not end a read that its timeout has already ended") {
    const int64_t timeout = 10 * GREEN_MILLISECOND;
    struct pair pair = connected(UNIX_PAIR);
    green_socket_set_timeouts(pair.near, timeout, GREEN_FOREVER);
    green_thread *reader = start(read_one, pair.near);
    CHECK(green_yield(), ==, 0);
    for (int64_t begun = green_now(); green_now() <= begun + timeout;)
        ;
    CHECK(green_yield(), ==, 0);
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(reader), ==, -ETIMEDOUT);
    release_pair(&pair);
}

TEST(kill_accept, "killed accepting threads lose no connection") {
    enum { CLIENTS = SCALED(1000) };
    struct accepting accepting = {listen_any(TCP4), 0};
    for (int i = 0; i < CLIENTS; i++) {
        green_thread *thread = start(accept_on, &accepting);
        for (uint32_t yields = random_below(6); yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        green_socket *client = connect_to(accepting.listener);
        for (uint32_t yields = random_below(6); yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        CHECK(kill_and_finish(thread), ==, -ECANCELED);
        green_socket_release(client);
    }
    green_thread *last = start(accept_on, &accepting);
    UNTIL(accepting.count == CLIENTS);
    CHECK(kill_and_finish(last), ==, -ECANCELED);
    green_listener_release(accepting.listener);
}

/* The count of interrupts -------------------------------------------------- */

static int count_own(void *argument) {
    green_socket *socket = argument;
    green_timeout *timeout;
    char byte;
    CHECK(green_interrupt_count(), ==, 0);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    CHECK(green_interrupt_count(), ==, 1);
    green_socket_set_timeouts(socket, GREEN_MICROSECOND, GREEN_FOREVER);
    CHECK(green_read(socket, &byte, 1), ==, -ETIMEDOUT);
    CHECK(green_interrupt_count(), ==, 1); /* the call's own timeout is no interrupt */
    CHECK(green_timeout_start(&timeout, 0), ==, 0);
    CHECK(green_interrupt_count(), ==, 1); /* a pending interrupt does not count */
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ETIME);
    CHECK(green_interrupt_count(), ==, 2);
    green_timeout_free(timeout);
    CHECK(green_timeout_start(&timeout, 0), ==, 0);
    green_timeout_free(timeout);
    CHECK(green_yield(), ==, 0);
    CHECK(green_interrupt_count(), ==, 2);
    return 0;
}

TEST(count, "the count of interrupts of a thread contains each interrupt that ended its calls") {
    CHECK(green_interrupt_count(), ==, 0); /* there is no hub yet */
    struct pair pair = connected(UNIX_PAIR);
    green_thread *thread = start(count_own, pair.near);
    let_run();
    CHECK(kill_and_finish(thread), ==, 0);
    CHECK(green_interrupt_count(), ==, 0);
    release_pair(&pair);
}
