/* Many connections that are abandoned in each state, in each manner, and leave nothing
 * behind. */
#include "tls_helpers.h"

#include <sys/resource.h>
#include <sys/socket.h>

/* A connection and its threads. The test moves the bytes of the handshake, so that it can
 * stop it anywhere: client - near | far - server. */
struct link {
    green_socket *client, *server;
    green_socket *near, *far; /* NULL: the ends are connected */
    struct side sides[2];
    green_thread *threads[4];
    int thread_count;
};

static green_tls_context *clients[2], *servers[2];

static void make_contexts(void) {
    tls_contexts(GREEN_TLS_1_2, &clients[0], &servers[0]);
    tls_contexts(GREEN_TLS_1_3, &clients[1], &servers[1]);
}

static void release_contexts(void) {
    for (int i = 0; i < 2; i++) {
        green_tls_context_release(clients[i]);
        green_tls_context_release(servers[i]);
    }
}

static void add(struct link *link, green_function *function, void *argument) {
    link->threads[link->thread_count++] = start(function, argument);
}

static void start_both(struct link *link, int number, green_function *function) {
    link->sides[0] = (struct side){link->client, clients[number % 2], "localhost", {0}};
    link->sides[1] = (struct side){link->server, servers[number % 2], NULL, {0}};
    add(link, function, &link->sides[0]);
    add(link, function, &link->sides[1]);
}

/* One call, after which the socket may no longer exist. */
static int begin(void *argument) {
    const struct side *side = argument;
    return green_tls_start(side->socket, side->context, side->host);
}

/* States -------------------------------------------------------------------- */

static bool carry(green_socket *from, green_socket *to) {
    char bytes[16384];
    ssize_t count = recv(green_socket_fd(from), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count <= 0)
        return false;
    CHECK(send(green_socket_fd(to), bytes, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL), ==, count);
    return true;
}

/* Both ends wait: before the first of the four flights, or after the first, the second or
 * the third. The last flight has not been received. */
static void mid_handshake(struct link *link, int number) {
    int flights = number / 2 % 4;
    CHECK(green_socket_pair(&link->client, &link->near), ==, 0);
    CHECK(green_socket_pair(&link->far, &link->server), ==, 0);
    start_both(link, number, begin);
    let_run();
    for (int i = 0; i < flights; i++)
        UNTIL(i % 2 == 0 ? carry(link->near, link->far) : carry(link->far, link->near));
    let_run();
    /* In TLS 1.3 a client is done after the second. */
    CHECK(green_thread_is_finished(link->threads[0]), ==, number % 2 == 1 && flights >= 2);
    CHECK(green_thread_is_finished(link->threads[1]), ==, flights >= 3);
}

/* One end has not begun. */
static void before_hello(struct link *link, int number) {
    CHECK(green_socket_pair(&link->client, &link->server), ==, 0);
    start_both(link, number, begin);
    CHECK(green_thread_cancel(link->threads[number / 2 % 2]), ==, 1);
    let_run();
}

static void connect_on(struct link *link, int number, enum transport transport) {
    struct pair plain = connected(transport);
    link->client = plain.near;
    link->server = plain.far;
    start_both(link, number, start_side);
    while (link->thread_count > 0)
        CHECK(finish(link->threads[--link->thread_count]), ==, 0);
}

static void idle(struct link *link, int number) {
    connect_on(link, number, UNIX_PAIR);
}

static int read_forever(void *socket) {
    char byte;
    return (int)green_read(socket, &byte, 1);
}

static void both_reading(struct link *link, int number) {
    connect_on(link, number, UNIX_PAIR);
    add(link, read_forever, link->client);
    add(link, read_forever, link->server);
    let_run();
}

/* Some data is in the kernel, some decrypted, some taken out of its record. */
static void unread(struct link *link, int number) {
    const void *bytes;
    char text[6];
    connect_on(link, number, UNIX_PAIR);
    for (int i = 0; i < 3; i++) {
        send_text(link->client, "a line\n and more");
        send_text(link->server, "a line\n and more");
    }
    if (number / 2 % 3 == 1)
        CHECK(green_read_exactly(link->server, text, sizeof text), ==, sizeof text);
    if (number / 2 % 3 == 2)
        CHECK(green_receive(link->server, &bytes), >, 0);
}

/* More than the kernel buffers, but little for each of thousands. */
static int send_much(void *socket) {
    static const char bytes[32 * 1024];
    ssize_t count = green_write(socket, bytes, sizeof bytes);
    return count < 0 ? (int)count : 0;
}

/* Both ends write, and neither reads. Some writers are killed already. */
static void unsent(struct link *link, int number) {
    connect_on(link, number, UNIX_PAIR);
    green_socket *ends[] = {link->client, link->server};
    for (int i = 0; i < 2; i++) {
        CHECK(green_socket_set_option(ends[i], SOL_SOCKET, SO_SNDBUF, 4096), ==, 0);
        add(link, send_much, ends[i]);
    }
    let_run();
    for (int i = 0; i < 2; i++)
        CHECK(!green_thread_is_finished(link->threads[i]));
    while (number / 2 % 2 && link->thread_count > 0)
        CHECK(kill_and_finish(link->threads[--link->thread_count]), ==, -ECANCELED);
}

static void one_close_notify(struct link *link, int number) {
    connect_on(link, number, UNIX_PAIR);
    CHECK(green_shutdown(number / 2 % 2 ? link->client : link->server, SHUT_WR), ==, 0);
    if (number / 4 % 2)
        expect_end(number / 2 % 2 ? link->server : link->client);
}

static void two_close_notifies(struct link *link, int number) {
    connect_on(link, number, UNIX_PAIR);
    CHECK(green_shutdown(link->client, SHUT_WR), ==, 0);
    CHECK(green_shutdown(link->server, SHUT_WR), ==, 0);
    if (number / 2 % 2) {
        expect_end(link->client);
        expect_end(link->server);
    }
}

static int take_off(void *socket) {
    return green_tls_stop(socket);
}

static void one_stopping(struct link *link, int number) {
    connect_on(link, number, UNIX_PAIR);
    add(link, take_off, link->client);
    let_run();
    CHECK(!green_thread_is_finished(link->threads[0]));
}

/* Over TCP, which has resets; in the handshake or after it. */
static void on_tcp(struct link *link, int number) {
    if (number / 2 % 2) {
        struct pair plain = connected(TCP4);
        link->client = plain.near;
        link->server = plain.far;
        link->sides[0] = (struct side){link->client, clients[number % 2], "localhost", {0}};
        add(link, begin, &link->sides[0]);
    } else {
        connect_on(link, number, TCP4);
        add(link, read_forever, link->client);
    }
    let_run();
}

/* Abandoning ---------------------------------------------------------------- */

static void close_client(struct link *link) {
    CHECK(green_close(link->client), ==, 0);
}

static void close_server(struct link *link) {
    CHECK(green_close(link->server), ==, 0);
}

static void kill_all(struct link *link) {
    for (int i = 0; i < link->thread_count; i++)
        green_thread_kill(link->threads[i]);
}

/* Other threads still use it, and no thread closes it. */
static void give_up(struct link *link) {
    green_socket_release(link->client);
    link->client = NULL;
}

static void reset(struct link *link) {
    reset_and_release(link->server);
    link->server = NULL;
}

static void (*const manners[])(struct link *link) = {close_client, close_server, kill_all, give_up};

/* The results that a call may return. */
static bool is_sane(int result) {
    static const int sane[] = {0, 1, -ECANCELED, -EBADF, -EPROTO, -ECONNRESET, -EPIPE};
    for (size_t i = 0; i < sizeof sane / sizeof *sane; i++)
        if (result == sane[i])
            return true;
    return false;
}

/* Ends everything that is left. No thread waits forever for a peer that exists. */
static void end_link(struct link *link) {
    kill_all(link);
    for (int i = 0; i < link->thread_count; i++) {
        int result = finish(link->threads[i]);
        if (!is_sane(result))
            CHECK(result, ==, 0);
    }
    green_socket *sockets[] = {link->client, link->server, link->near, link->far};
    for (int i = 0; i < 4; i++)
        green_socket_release(sockets[i]);
}

/* Waves --------------------------------------------------------------------- */

/* Each state is abandoned in each manner within the first 64. */
enum { WAVE = SLOW ? 64 : 2000, SOCKETS = 4 };

static void check_empty(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.sockets, ==, 0);
    CHECK(now.threads, ==, 1);
    CHECK(now.operations, ==, 0);
    CHECK(now.buffers, ==, 0);
}

/* As many as the limit of descriptors allows. */
static int client_count(void) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    rlim_t room = (limit.rlim_cur - 100) / SOCKETS;
    return (int)(room < WAVE ? room : WAVE);
}

/* Opens all connections, then abandons them one after the other. */
static void wave(void (*enter)(struct link *link, int number), void (*leave)(struct link *link)) {
    static struct link links[WAVE];
    int count = client_count();
    memset(links, 0, sizeof links);
    make_contexts();
    for (int i = 0; i < count; i++)
        enter(&links[i], i);
    for (int i = 0; i < count; i++)
        (leave ? leave : manners[(i / 8) % 4])(&links[i]);
    let_run();
    for (int i = 0; i < count; i++)
        end_link(&links[i]);
    release_contexts();
    check_empty();
}

TEST(before_hello, "many connections abandoned before the client hello leave nothing behind") {
    wave(before_hello, NULL);
}

TEST(mid_handshake, "many connections abandoned before each flight of the handshake leave nothing behind") {
    wave(mid_handshake, NULL);
}

TEST(idle, "many idle connections leave nothing behind") {
    wave(idle, NULL);
}

TEST(both_reading, "many connections that read leave nothing behind") {
    wave(both_reading, NULL);
}

TEST(unread, "many connections with unread data leave nothing behind") {
    wave(unread, NULL);
}

TEST(unsent, "many connections with unsent data leave nothing behind") {
    wave(unsent, NULL);
}

TEST(one_close_notify, "many connections with one close_notify leave nothing behind") {
    wave(one_close_notify, NULL);
}

TEST(two_close_notifies, "many connections with both close_notify alerts leave nothing behind") {
    wave(two_close_notifies, NULL);
}

TEST(one_stopping, "many connections that stop TLS leave nothing behind") {
    wave(one_stopping, NULL);
}

TEST(on_tcp, "many connections that are reset leave nothing behind") {
    wave(on_tcp, reset);
}
