/* Findings of the fuzzer, as the calls that led to them. */
#include "tls_helpers.h"

#include <sys/socket.h>

static int stop(void *socket) {
    return green_tls_stop(socket);
}

static int end_writing(void *socket) {
    return green_shutdown(socket, SHUT_WR);
}

TEST(unread, "a stop that fails because of unread data loses none of it") {
    struct tls_pair pair = tls_pair(0);
    send_text(pair.server, "unread");
    CHECK(green_tls_stop(pair.client), ==, -EPROTO);
    expect_text(pair.client, "unread");
    green_thread *other = start(stop, pair.server);
    CHECK(green_tls_stop(pair.client), ==, 0);
    CHECK(finish(other), ==, 0);
    release_tls_pair(&pair);
}

TEST(alone, "a read during a stop is an error") {
    struct tls_pair pair = tls_pair(0);
    green_thread *first = start(stop, pair.client);
    let_run();
    char byte;
    CHECK(green_read(pair.client, &byte, 1), ==, -EBUSY);
    CHECK(green_write(pair.client, &byte, 1), ==, -EBUSY);
    CHECK(green_tls_stop(pair.server), ==, 0);
    CHECK(finish(first), ==, 0);
    send_text(pair.server, "plain");
    expect_text(pair.client, "plain");
    release_tls_pair(&pair);
}

TEST(closed_stopping, "a close ends a stop that waits for the peer's close_notify") {
    struct tls_pair pair = tls_pair(0);
    green_thread *stopping = start(stop, pair.client);
    let_run();
    CHECK(green_close(pair.client), ==, 0);
    CHECK(finish(stopping), ==, -EBADF);
    release_tls_pair(&pair);
}

TEST(sent_later, "an interrupted close_notify is sent by the next shutdown, after the written data") {
    struct tls_pair pair = tls_pair(0);
    struct transfer out = {pair.client, 16 << 20, 0};
    green_thread *writer = start(send_pattern, &out);
    let_run(); /* until the kernel's buffers are full */
    CHECK(kill_and_finish(writer), ==, -ECANCELED);
    green_socket_set_timeouts(pair.client, GREEN_FOREVER, 0);
    CHECK(green_shutdown(pair.client, SHUT_WR), ==, -ETIMEDOUT);
    green_socket_set_timeouts(pair.client, GREEN_FOREVER, GREEN_FOREVER);
    green_thread *ending = start(end_writing, pair.client);
    static char bytes[17 << 20];
    size_t count = 0;
    for (ssize_t more; (more = green_read(pair.server, bytes + count, sizeof bytes - count)) != 0;
         count += (size_t)more)
        CHECK(more, >, 0);
    CHECK(finish(ending), ==, 0);
    CHECK(count, >=, out.position);
    pattern_check(bytes, count, 0);
    release_tls_pair(&pair);
}

TEST(same_message, "each call on a failed connection returns the same message") {
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *context = server_context(localhost());
    char byte;
    send_text(plain.near, "certainly no hello");
    struct outcome first = outcome_of(green_tls_start(plain.far, context, NULL));
    CHECK(first.result, ==, -EPROTO);
    struct outcome later = outcome_of(green_read(plain.far, &byte, 1));
    CHECK(later.problem, ==, first.problem);
    CHECK_TEXT(later.text, first.text);
    green_tls_context_release(context);
    release_pair(&plain);
}
