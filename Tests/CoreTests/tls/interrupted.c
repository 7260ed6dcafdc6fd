/* Calls on a TLS connection that are interrupted in each phase, and the results of later
 * calls; calls by other OS threads; the key log. */
#include "readers.h"
#include "tls_helpers.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Interrupting a call ------------------------------------------------------- */

enum how { BY_KILL, BY_TIMEOUT, BY_OWN_TIMEOUT, WAYS };

static const int errors[WAYS] = {-ECANCELED, -ETIME, -ETIMEDOUT};

/* A call in a thread, and its arguments. */
struct blocked {
    green_function *function;
    void *argument;
    enum how how;
};

static int call(void *argument) {
    const struct blocked *blocked = argument;
    green_timeout *limit = NULL;
    if (blocked->how == BY_TIMEOUT)
        CHECK(green_timeout_start(&limit, 5 * GREEN_MILLISECOND), ==, 0);
    int result = blocked->function(blocked->argument);
    green_timeout_free(limit);
    return result;
}

/* Ends a call that blocks on a socket. */
static void end_call(enum how how, green_socket *socket, green_function *function, void *argument) {
    struct blocked blocked = {function, argument, how};
    int64_t limit = how == BY_OWN_TIMEOUT ? 5 * GREEN_MILLISECOND : GREEN_FOREVER;
    green_socket_set_timeouts(socket, limit, limit);
    green_thread *thread = start(call, &blocked);
    let_run();
    if (how == BY_KILL) {
        CHECK(!green_thread_is_finished(thread));
        CHECK(green_thread_kill(thread), ==, 0);
    }
    CHECK(finish(thread), ==, errors[how]);
    green_socket_set_timeouts(socket, GREEN_FOREVER, GREEN_FOREVER);
}

static void with_each_way(green_tls_version version, void (*body)(green_tls_version version, enum how how)) {
    for (enum how how = BY_KILL; how < WAYS; how++) {
        printf("  %s\n", green_explain(errors[how]));
        body(version, how);
    }
}

#define EACH_WAY(name)                                                                                                 \
    static void name##_each_way(green_tls_version version) {                                                           \
        with_each_way(version, name);                                                                                  \
    }

/* The handshake ------------------------------------------------------------- */

static int start_client(void *side) {
    struct side *client = side;
    return green_tls_start(client->socket, client->context, client->host);
}

static int handshake(void *socket) {
    return green_tls_handshake(socket);
}

static int read_one(void *socket) {
    char byte;
    return (int)green_read(socket, &byte, 1);
}

static int write_one(void *socket) {
    return (int)green_write(socket, "x", 1);
}

static void end_handshake(green_tls_version version, enum how how) {
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *client, *server;
    tls_contexts(version, &client, &server);
    struct side near = {plain.near, client, "localhost", {0}}, far = {plain.far, server, NULL, {0}};
    end_call(how, plain.near, start_client, &near);
    CHECK(green_tls_start(plain.near, client, "localhost"), ==, -EALREADY);
    /* The next call continues the handshake, whichever it is, and may be ended too. */
    end_call(how, plain.near, handshake, plain.near);
    end_call(how, plain.near, read_one, plain.near);
    end_call(how, plain.near, write_one, plain.near);
    green_tls_info info;
    CHECK(green_tls_describe(plain.near, &info), ==, -ENOTCONN);
    green_thread *other = start(start_side, &far);
    CHECK(read_one(plain.near), ==, 1);
    CHECK(finish(other), ==, 0);
    CHECK(info_of(plain.near).version, ==, version);
    struct tls_pair pair = {.client = plain.near, .server = plain.far};
    talk_both_ways(&pair);
    green_tls_context_release(client);
    green_tls_context_release(server);
    release_tls_pair(&pair);
}
EACH_WAY(end_handshake)

TEST(handshake, "a call continues a handshake that a kill or a timeout has ended") {
    with_each_version(end_handshake_each_way);
}

TEST(handshake_taken_over, "a thread that waits for another's handshake takes over when that thread is killed") {
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *client = client_context(), *server = server_context(localhost());
    struct side near = {plain.near, client, "localhost", {0}}, far = {plain.far, server, NULL, {0}};
    green_thread *first = start(start_client, &near);
    let_run();
    green_thread *second = start(read_one, plain.near);
    let_run();
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    CHECK(!green_thread_is_finished(second));
    green_thread *other = start(start_side, &far);
    CHECK(finish(second), ==, 1);
    CHECK(finish(other), ==, 0);
    green_tls_context_release(client);
    green_tls_context_release(server);
    release_pair(&plain);
}

TEST(handshake_waited_for, "a kill of a thread that waits for another's handshake does not end the handshake") {
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *client = client_context(), *server = server_context(localhost());
    struct side near = {plain.near, client, "localhost", {0}}, far = {plain.far, server, NULL, {0}};
    green_thread *first = start(start_client, &near);
    let_run();
    for (enum how how = BY_KILL; how < WAYS; how++)
        end_call(how, plain.near, read_one, plain.near);
    CHECK(!green_thread_is_finished(first));
    green_thread *other = start(start_side, &far);
    CHECK(finish(first), ==, 0);
    CHECK(read_one(plain.near), ==, 1);
    CHECK(finish(other), ==, 0);
    green_tls_context_release(client);
    green_tls_context_release(server);
    release_pair(&plain);
}

/* Reading ------------------------------------------------------------------- */

static int read_eight(void *socket) {
    char bytes[8];
    return (int)green_read_exactly(socket, bytes, sizeof bytes);
}

static void end_read(green_tls_version version, enum how how) {
    struct tls_pair pair = tls_pair(version);
    green_function *const functions[] = {read_one, read_line, read_eight, receive};
    for (int i = 0; i < 4; i++)
        end_call(how, pair.client, functions[i], pair.client);
    /* A part of the data has arrived. */
    send_text(pair.server, "abc");
    end_call(how, pair.client, read_eight, pair.client);
    end_call(how, pair.client, read_line, pair.client);
    send_text(pair.server, "defgh");
    expect_text(pair.client, "abcdefgh");
    talk_both_ways(&pair);
    release_tls_pair(&pair);
}
EACH_WAY(end_read)

TEST(reading, "a read that a kill or a timeout ends loses no data") {
    with_each_version(end_read_each_way);
}

/* Moves count bytes from one descriptor to another; 0 means all that are there. */
static size_t move(green_socket *from, green_socket *to, size_t count) {
    char bytes[16384];
    ssize_t there = recv(green_socket_fd(from), bytes, count ? count : sizeof bytes, MSG_DONTWAIT);
    if (there <= 0)
        return 0;
    CHECK(send(green_socket_fd(to), bytes, (size_t)there, MSG_DONTWAIT | MSG_NOSIGNAL), ==, there);
    return (size_t)there;
}

/* client - near | far - server; the test moves the bytes. */
struct carried {
    struct tls_pair pair;
    green_socket *near, *far;
};

static struct carried carried(green_tls_version version) {
    struct carried made;
    green_tls_context *client, *server;
    tls_contexts(version, &client, &server);
    CHECK(green_socket_pair(&made.pair.client, &made.near), ==, 0);
    CHECK(green_socket_pair(&made.far, &made.pair.server), ==, 0);
    struct side sides[] = {{made.pair.client, client, "localhost", {0}}, {made.pair.server, server, NULL, {0}}};
    green_thread *threads[] = {start(start_side, &sides[0]), start(start_side, &sides[1])};
    while (!green_thread_is_finished(threads[0]) || !green_thread_is_finished(threads[1])) {
        move(made.near, made.far, 0);
        move(made.far, made.near, 0);
        let_run();
    }
    CHECK(finish(threads[0]), ==, 0);
    CHECK(finish(threads[1]), ==, 0);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return made;
}

static void release_carried(struct carried *carried) {
    release_tls_pair(&carried->pair);
    green_socket_release(carried->near);
    green_socket_release(carried->far);
}

static void end_read_in_record(green_tls_version version, enum how how) {
    struct carried way = carried(version);
    send_text(way.pair.server, "hello");
    for (int i = 0; i < 12; i++) { /* in its header, and behind */
        CHECK(move(way.far, way.near, 1), ==, 1);
        if (i % 3 == 0)
            end_call(how, way.pair.client, read_eight, way.pair.client);
    }
    CHECK(move(way.far, way.near, 0), >, 0);
    expect_text(way.pair.client, "hello");
    release_carried(&way);
}
EACH_WAY(end_read_in_record)

TEST(reading_record, "a read that is interrupted in the middle of a record loses no data") {
    with_each_version(end_read_in_record_each_way);
}

/* Writing ------------------------------------------------------------------- */

enum { MUCH = 16 << 20, CHUNK = 256 * 1024 };

static int write_marker(void *socket) {
    ssize_t result = green_write(socket, "marker", 6);
    return result < 0 ? (int)result : green_shutdown(socket, SHUT_WR);
}

/* Reads to the end and returns the number of bytes. */
static size_t read_to_end(green_socket *socket, char *bytes, size_t size) {
    size_t count = 0;
    for (ssize_t more; (more = green_read(socket, bytes + count, size - count)) != 0; count += (size_t)more)
        CHECK(more, >, 0);
    return count;
}

static char arrived[MUCH + CHUNK];

/* At least the writes that returned, at most also the one that was ended. */
static void check_arrived(size_t count, const struct transfer *out) {
    CHECK(count, >=, out->position);
    CHECK(count, <=, out->position + CHUNK);
    pattern_check(arrived, count, 0);
}

/* The kernel accepts little of what the client writes. */
static struct tls_pair narrow_pair(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    CHECK(green_socket_set_option(pair.client, SOL_SOCKET, SO_SNDBUF, 8192), ==, 0);
    return pair;
}

/* Writes until it blocks, and is killed there. */
static struct transfer stuff(const struct tls_pair *pair) {
    struct transfer out = {pair->client, MUCH, 0};
    end_call(BY_KILL, pair->client, send_pattern, &out);
    return out;
}

static int write_filler(void *socket) {
    static char filler[MUCH];
    memset(filler, 'x', sizeof filler);
    ssize_t result = green_write(socket, filler, sizeof filler);
    return result < 0 ? (int)result : 0;
}

static void end_write(green_tls_version version, enum how how) {
    struct tls_pair pair = narrow_pair(version);
    struct transfer out = {pair.client, MUCH, 0};
    end_call(how, pair.client, send_pattern, &out);
    end_call(how, pair.client, write_filler, pair.client);
    /* The other direction still works. */
    send_text(pair.server, "back");
    expect_text(pair.client, "back");
    green_thread *writer = start(write_marker, pair.client);
    size_t count = read_to_end(pair.server, arrived, sizeof arrived);
    CHECK(finish(writer), ==, 0);
    CHECK(count, >=, 6);
    CHECK(memcmp(arrived + count - 6, "marker", 6), ==, 0);
    for (count -= 6; count > out.position && arrived[count - 1] == 'x'; count--)
        ; /* as much of the filler as had been encrypted */
    check_arrived(count, &out);
    CHECK(write_one(pair.client), ==, -EPIPE);
    release_tls_pair(&pair);
}
EACH_WAY(end_write)

TEST(writing, "the encrypted bytes of an interrupted write are sent first and once, and the stream continues") {
    with_each_version(end_write_each_way);
}

TEST(writing_closed, "after an interrupted write and a close, the peer sees a truncated stream") {
    struct tls_pair pair = narrow_pair(0);
    struct transfer out = stuff(&pair);
    CHECK(green_close(pair.client), ==, 0);
    ssize_t more = 0;
    size_t count = 0;
    while ((more = green_read(pair.server, arrived + count, sizeof arrived - count)) > 0)
        count += (size_t)more;
    CHECK(more, ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_TRUNCATED);
    CHECK(count, <, out.position + CHUNK);
    pattern_check(arrived, count, 0);
    release_tls_pair(&pair);
}

/* close_notify -------------------------------------------------------------- */

static int end_stream(void *socket) {
    return green_shutdown(socket, SHUT_WR);
}

static int take_off(void *socket) {
    return green_tls_stop(socket);
}

static void end_close_notify(green_tls_version version, enum how how) {
    struct tls_pair pair = narrow_pair(version);
    struct transfer out = stuff(&pair);
    end_call(how, pair.client, end_stream, pair.client);
    CHECK(write_one(pair.client), ==, -EPIPE);
    end_call(how, pair.client, end_stream, pair.client);
    send_text(pair.server, "back");
    expect_text(pair.client, "back");
    green_thread *ending = start(end_stream, pair.client);
    size_t count = read_to_end(pair.server, arrived, sizeof arrived);
    CHECK(finish(ending), ==, 0);
    check_arrived(count, &out);
    CHECK(green_shutdown(pair.server, SHUT_WR), ==, 0);
    expect_end(pair.client);
    release_tls_pair(&pair);
}
EACH_WAY(end_close_notify)

TEST(close_notify, "an interrupted close_notify is sent once, by a later call, and no data before it is lost") {
    with_each_version(end_close_notify_each_way);
}

static void end_stop(green_tls_version version, enum how how) {
    struct tls_pair pair = tls_pair(version);
    end_call(how, pair.client, take_off, pair.client);
    CHECK(green_tls_is_on(pair.client));
    CHECK(write_one(pair.client), ==, -EPIPE);
    expect_end(pair.server);
    send_text(pair.server, "late");
    CHECK(green_tls_stop(pair.client), ==, -EPROTO);
    CHECK_CONTAINS(green_explain(-EPROTO), "unread application data remains");
    expect_text(pair.client, "late");
    end_call(how, pair.client, take_off, pair.client);
    CHECK(green_tls_stop(pair.server), ==, 0);
    CHECK(green_tls_stop(pair.client), ==, 0);
    CHECK(!green_tls_is_on(pair.client) && !green_tls_is_on(pair.server));
    talk_both_ways(&pair);
    release_tls_pair(&pair);
}
EACH_WAY(end_stop)

TEST(stopping, "a stop that is interrupted while it waits for close_notify continues with the next call") {
    with_each_version(end_stop_each_way);
}

static void end_blocked_stop(green_tls_version version, enum how how) {
    struct tls_pair pair = narrow_pair(version);
    struct transfer out = stuff(&pair);
    end_call(how, pair.client, take_off, pair.client);
    green_thread *stopping = start(take_off, pair.client);
    size_t count = read_to_end(pair.server, arrived, sizeof arrived);
    check_arrived(count, &out);
    CHECK(green_tls_stop(pair.server), ==, 0);
    CHECK(finish(stopping), ==, 0);
    talk_both_ways(&pair);
    release_tls_pair(&pair);
}
EACH_WAY(end_blocked_stop)

TEST(stopping_blocked, "a stop that is interrupted while the peer does not read loses no data") {
    with_each_version(end_blocked_stop_each_way);
}

/* Between two waits ----------------------------------------------------------- */

/* Yields until bytes have arrived at the peer's descriptor. Their sender may be ready by
 * then, and wait again in the same call. */
static void until_sent(const green_socket *peer) {
    int count = 0;
    while (count == 0) {
        CHECK(green_yield(), ==, 0);
        CHECK(ioctl(green_socket_fd(peer), FIONREAD, &count), ==, 0);
    }
}

static void end_between(bool by_close, green_socket *socket, green_socket *peer, green_function *function,
                        void *argument) {
    green_thread *thread = start(function, argument);
    until_sent(peer);
    if (by_close)
        CHECK(green_close(socket), ==, 0);
    else
        CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, by_close ? -EBADF : -ECANCELED);
}

static int write_much(void *socket) {
    static char bytes[MUCH];
    ssize_t result = green_write(socket, bytes, sizeof bytes);
    return result < 0 ? (int)result : 0;
}

TEST(between, "a kill or a close between two waits of a call ends the call") {
    for (int by_close = 0; by_close < 2; by_close++) {
        struct tls_pair pair = tls_pair(0);
        CHECK(green_socket_set_option(pair.client, SOL_SOCKET, SO_SNDBUF, 1 << 20), ==, 0);
        end_between(by_close, pair.client, pair.server, write_much, pair.client);
        release_tls_pair(&pair);

        struct pair plain = connected(UNIX_PAIR);
        green_tls_context *client = client_context();
        struct side near = {plain.near, client, "localhost", {0}};
        end_between(by_close, plain.near, plain.far, start_client, &near);
        green_tls_context_release(client);
        release_pair(&plain);
    }
}

/* Other OS threads ---------------------------------------------------------- */

struct foreign {
    struct tls_pair pair;
    struct pair plain;
    green_listener *listener;
    green_tls_context *client, *server;
};

#define IS_FOREIGN(call)                                                                                               \
    do {                                                                                                               \
        CHECK(call, ==, -EXDEV);                                                                                       \
        CHECK_CONTAINS(green_explain(-EXDEV), "another OS thread");                                                    \
    } while (0)

static void *call_from_abroad(void *argument) {
    struct foreign *foreign = argument;
    green_socket *socket = foreign->pair.client;
    green_tls_info info;
    void *der;
    char bytes[8];
    const void *received;
    IS_FOREIGN(green_tls_start(foreign->plain.near, foreign->client, "localhost"));
    IS_FOREIGN(green_tls_start(socket, foreign->client, "localhost"));
    IS_FOREIGN(green_tls_listen(foreign->listener, foreign->server));
    IS_FOREIGN(green_tls_listen(foreign->listener, NULL));
    IS_FOREIGN(green_tls_handshake(socket));
    IS_FOREIGN(green_tls_handshake(foreign->plain.near));
    IS_FOREIGN(green_tls_stop(socket));
    IS_FOREIGN(green_tls_stop(foreign->plain.near));
    IS_FOREIGN(green_tls_describe(socket, &info));
    IS_FOREIGN(green_tls_peer_certificate(socket, 0, &der));
    IS_FOREIGN(green_read(socket, bytes, sizeof bytes));
    IS_FOREIGN(green_read_exactly(socket, bytes, sizeof bytes));
    IS_FOREIGN(green_read_line(socket, bytes, sizeof bytes));
    IS_FOREIGN(green_receive(socket, &received));
    IS_FOREIGN(green_write(socket, "x", 1));
    IS_FOREIGN(green_write_some(socket, "x", 1));
    IS_FOREIGN(green_writev(socket, &(struct iovec){bytes, 1}, 1));
    IS_FOREIGN(green_shutdown(socket, SHUT_WR));
    return NULL;
}

static void *call_with_hub(void *foreign) {
    CHECK(green_yield(), ==, 0);
    call_from_abroad(foreign);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(foreign, "each call but a close on a connection of another OS thread is -EXDEV and has no effect") {
    struct foreign foreign = {.pair = tls_pair(0),
                              .plain = connected(UNIX_PAIR),
                              .listener = listen_any(TCP4),
                              .client = client_context(),
                              .server = server_context(localhost())};
    void *(*const functions[])(void *) = {call_from_abroad, call_with_hub};
    for (int i = 0; i < 4; i++) {
        green_thread *reader = i >= 2 ? start(read_one, foreign.pair.client) : NULL;
        let_run();
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, functions[i % 2], &foreign), ==, 0);
        pthread_join(thread, NULL);
        if (reader) {
            send_text(foreign.pair.server, "x");
            CHECK(finish(reader), ==, 1);
        }
    }
    talk_both_ways(&foreign.pair);
    CHECK(!green_tls_is_on(foreign.plain.near));
    green_socket *client = connect_to(foreign.listener), *server = accept_from(foreign.listener);
    CHECK(!green_tls_is_on(server));
    green_socket_release(client);
    green_socket_release(server);
    release_tls_pair(&foreign.pair);
    release_pair(&foreign.plain);
    green_listener_release(foreign.listener);
    green_tls_context_release(foreign.client);
    green_tls_context_release(foreign.server);
}

/* Key log ------------------------------------------------------------------- */

/* Makes a connection whose sides may log their keys. */
static void connect_logging(bool logs, green_tls_version version) {
    green_tls_identity own = identity(localhost());
    green_tls_context *client = context_of((green_tls_options){
                          .authorities = pem(authority()->chain), .key_log = logs, .maximum = version}),
                      *server = context_of((green_tls_options){
                          .role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1, .key_log = logs});
    struct tls_pair pair = tls_connected(client, server);
    talk_both_ways(&pair);
    release_tls_pair(&pair);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

enum { LINES_MAX = 64 };

/* The lines of a file; the caller frees the text. */
static char *lines_of(const char *path, char **lines, int *count) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    CHECK(getdelim(&text, &size, '\0', file), >, 0);
    fclose(file);
    *count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        CHECK(*count, <, LINES_MAX);
        lines[(*count)++] = line;
    }
    return text;
}

/* "LABEL 32-bytes-in-hex secret-in-hex" */
static bool is_secret(const char *line, const char *label) {
    size_t length = strlen(label), digits = strspn(line + length + 1, "0123456789abcdef");
    return strncmp(line, label, length) == 0 && line[length] == ' ' && digits == 64 &&
           strspn(line + length + 66, "0123456789abcdef") == strlen(line + length + 66) && strlen(line) > length + 66;
}

/* Both sides have logged the same lines. */
static void check_logged(char *const *lines, int count, const char *label) {
    int labeled = 0;
    for (int i = 0; i < count; i++) {
        int same = 0;
        for (int k = 0; k < count; k++)
            same += strcmp(lines[i], lines[k]) == 0;
        CHECK(same, ==, 2);
        labeled += is_secret(lines[i], label);
    }
    CHECK(labeled, ==, 2);
}

TEST(key_log, "secrets are logged if the option and the variable are set, appended, readable by the owner only") {
    const char *directory = make_directory();
    char path[256], *lines[LINES_MAX];
    struct stat status;
    int count;
    snprintf(path, sizeof path, "%s/keys", directory);
    unsetenv("SSLKEYLOGFILE");
    connect_logging(true, 0);
    setenv("SSLKEYLOGFILE", "", 1);
    connect_logging(true, 0);
    setenv("SSLKEYLOGFILE", path, 1);
    connect_logging(false, 0);
    CHECK(stat(path, &status), ==, -1);

    connect_logging(true, GREEN_TLS_1_2);
    CHECK(stat(path, &status), ==, 0);
    CHECK(status.st_mode & 0777, ==, 0600);
    char *text = lines_of(path, lines, &count);
    CHECK(count, ==, 2);
    check_logged(lines, count, "CLIENT_RANDOM");
    free(text);

    connect_logging(true, GREEN_TLS_1_3);
    text = lines_of(path, lines, &count);
    CHECK(count, >=, 10);
    static const char *const labels[] = {"CLIENT_RANDOM", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                         "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
                                         "SERVER_TRAFFIC_SECRET_0"};
    for (int i = 0; i < 5; i++)
        check_logged(lines, count, labels[i]);
    free(text);
    remove_directory();
}

TEST(no_key_log, "a key log that cannot be opened is an error with its path") {
    green_tls_context *context = NULL;
    setenv("SSLKEYLOGFILE", "/none/keys", 1);
    CHECK(green_tls_context_make(&context, &(green_tls_options){.key_log = true}), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "cannot open the key log /none/keys");
    CHECK(green_tls_context_make(&context, &(green_tls_options){.key_log = false}), ==, 0);
    green_tls_context_release(context);
}
