/* Sockets that are handed to the hub of another OS thread. */
#include "helpers.h"
#include "os_threads.h"
#include "readers.h"

#include <dirent.h>
#include <green/green.h>

static green_statistics statistics(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now;
}

/* What another OS thread does with the socket. */
static int read_lines(void *detached) {
    char line[64];
    green_socket *socket = attached(detached);
    CHECK(green_read_line(socket, line, sizeof line), ==, 7);
    CHECK_TEXT(line, "second\n");
    CHECK(green_read_line(socket, line, sizeof line), ==, 6);
    CHECK_TEXT(line, "third\n");
    send_text(socket, "answer\n");
    green_socket_release(socket);
    return 0;
}

static void check_unread(struct pair *pair) {
    struct os_thread other;
    const void *bytes;
    send_text(pair->far, "first\nsecond\nthi");
    CHECK(green_receive_line(pair->near, 64, &bytes), ==, 6);
    green_consume(pair->near, 6);
    CHECK(statistics().buffers, ==, 1);
    os_thread_start(&other, read_lines, detached_from(pair->near));
    pair->near = NULL;
    CHECK(statistics().buffers, ==, 0);
    CHECK(statistics().sockets, ==, 1);
    send_text(pair->far, "rd\n");
    expect_text(pair->far, "answer\n");
    expect_end(pair->far);
    CHECK(os_thread_finish(&other), ==, 0);
}

TEST(unread, "received bytes move with the socket, out of the receive buffers of its hub") {
    with_each_transport(check_unread);
}

static int read_half_line(void *socket) {
    char line[64];
    return (int)green_read_line(socket, line, sizeof line);
}

TEST(half_line, "the bytes of a line that a killed thread has begun to read move with the socket") {
    struct os_thread other;
    struct pair pair = connected(TCP4);
    green_thread *reader = start(read_half_line, pair.near);
    send_text(pair.far, "sec");
    let_run();
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    os_thread_start(&other, read_lines, detached_from(pair.near));
    send_text(pair.far, "ond\nthird\n");
    expect_text(pair.far, "answer\n");
    CHECK(os_thread_finish(&other), ==, 0);
    green_socket_release(pair.far);
}

static void detach_foreign(void *socket) {
    green_detached_socket *detached;
    CHECK(green_socket_detach(socket, &detached), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "cannot detach the socket: it lives on another OS thread");
}

TEST(refused, "a socket that a thread uses, that is closed, or that lives elsewhere is not detached") {
    green_detached_socket *detached;
    struct transfer transfer;
    struct pair pair = connected(UNIX_PAIR);
    green_thread *reader = start_named("reader", read_byte, pair.near);
    let_run();
    CHECK(green_socket_detach(pair.near, &detached), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "'reader'");
    send_text(pair.far, "x");
    CHECK(finish(reader), ==, 1);

    transfer = (struct transfer){pair.near, 1 << 24, 0};
    green_thread *writer = start_named("writer", send_pattern, &transfer);
    let_run();
    CHECK(green_socket_detach(pair.near, &detached), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "'writer'");
    CHECK(kill_and_finish(writer), ==, -ECANCELED);

    on_os_thread(detach_foreign, pair.far);
    send_text(pair.far, "still works");
    expect_text(pair.near, "still works");
    CHECK(green_close(pair.near), ==, 0);
    CHECK(green_socket_detach(pair.near, &detached), ==, -EBADF);
    release_pair(&pair);
}

TEST(former, "the former socket is closed, and its hub can be closed") {
    char byte;
    struct pair pair = connected(UNIX_PAIR);
    green_detached_socket *detached;
    CHECK(green_socket_detach(pair.near, &detached), ==, 0);
    CHECK(green_socket_fd(pair.near), ==, -EBADF);
    CHECK(green_read(pair.near, &byte, 1), ==, -EBADF);
    CHECK(green_write(pair.near, "x", 1), ==, -EBADF);
    CHECK(green_close(pair.near), ==, 0);
    green_detached_socket *far = detached_from(pair.far);
    CHECK(green_hub_close(), ==, 0);
    green_socket_release(pair.near);
    pair = (struct pair){attached(detached), attached(far)};
    send_text(pair.near, "on a new hub");
    expect_text(pair.far, "on a new hub");
    release_pair(&pair);
}

TEST(properties, "timeouts and the errors of the last calls move with the socket") {
    int64_t read, write;
    char byte;
    struct pair pair = connected(TCP4);
    green_socket_set_timeouts(pair.near, 0, 7 * GREEN_SECOND);
    CHECK(green_read(pair.near, &byte, 1), ==, -ETIMEDOUT);
    pair.near = attached(detached_from(pair.near));
    green_socket_timeouts(pair.near, &read, &write);
    CHECK(read, ==, 0);
    CHECK(write, ==, 7 * GREEN_SECOND);
    CHECK(green_socket_failed_with(pair.near, -ETIMEDOUT));
    release_pair(&pair);
}

static void free_detached(void *detached) {
    green_detached_socket_free(detached);
}

TEST(freed, "a detached socket that is freed on any OS thread ends the connection") {
    struct pair pair = connected(TCP4);
    send_text(pair.near, "last");
    on_os_thread(free_detached, detached_from(pair.near));
    expect_text(pair.far, "last");
    expect_end(pair.far);
    green_socket_release(pair.far);
    green_detached_socket_free(NULL);
}

/* Whether an epoll of this process watches the descriptor. The kernel lists them. */
static bool is_watched(int fd) {
    DIR *directory = opendir("/proc/self/fdinfo");
    bool found = false;
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[300], line[200];
        int target;
        snprintf(path, sizeof path, "/proc/self/fdinfo/%s", entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        while (file && fgets(line, sizeof line, file))
            found |= sscanf(line, "tfd: %d", &target) == 1 && target == fd;
        if (file)
            fclose(file);
    }
    closedir(directory);
    return found;
}

static void check_forgotten(void) {
    struct pair pair = connected(UNIX_PAIR);
    int fd = green_socket_fd(pair.near);
    green_thread *reader = start(read_byte, pair.near);
    let_run();
    CHECK(is_watched(fd), ==, strcmp(green_hub_engine(), "epoll") == 0);
    send_text(pair.far, "x");
    CHECK(finish(reader), ==, 1);
    green_detached_socket *detached = detached_from(pair.near);
    CHECK(!is_watched(fd));
    pair.near = attached(detached);
    reader = start(read_byte, pair.near);
    let_run();
    send_text(pair.far, "x");
    CHECK(finish(reader), ==, 1);
    release_pair(&pair);
}

TEST(forgotten, "the engine of the former hub no longer watches the descriptor") {
    on_each_engine(check_forgotten);
}

/* Serving --------------------------------------------------------------------- */

static green_channel *connections;

static int hand_over(green_socket *client, void *context) {
    (void)context;
    green_detached_socket *detached;
    char byte;
    CHECK(green_read(client, &byte, 1), ==, 1);
    int error = green_socket_detach(client, &detached);
    return error < 0 ? error : green_channel_send(connections, &detached, GREEN_FOREVER);
}

static int serve(void *listener) {
    return green_serve(listener, NULL, hand_over, NULL);
}

static int echo_all(void *unused) {
    (void)unused;
    green_detached_socket *detached;
    int error;
    while ((error = green_channel_receive(connections, &detached, GREEN_FOREVER)) == 0) {
        char bytes[16];
        green_socket *socket = attached(detached);
        ssize_t count = green_read(socket, bytes, sizeof bytes);
        CHECK(count, >, 0);
        CHECK(green_write(socket, bytes, (size_t)count), ==, count);
        green_socket_release(socket);
    }
    return error;
}

TEST(served, "a handler hands its client to another hub, and the connection outlives it") {
    struct os_thread other;
    CHECK(green_channel_make(&connections, &(green_channel_options){.element_size = sizeof(void *)}), ==, 0);
    os_thread_start(&other, echo_all, NULL);
    green_listener *listener = listen_any(TCP4);
    green_thread *server = start(serve, listener);
    for (int i = 0; i < 50; i++) {
        green_socket *client = connect_to(listener);
        send_text(client, "1");
        send_text(client, "echo");
        expect_text(client, "echo");
        expect_end(client);
        green_socket_release(client);
    }
    CHECK(green_listener_stop(listener, GREEN_FOREVER), ==, 0);
    CHECK(finish(server), ==, 0);
    CHECK(green_channel_close(connections), ==, 0);
    CHECK(os_thread_finish(&other), ==, -EBADF);
    green_channel_release(connections);
    green_listener_release(listener);
}

/* Back and forth -------------------------------------------------------------- */

enum { MOVES = 200, PIECE = 5000 };

struct route {
    green_channel *from, *to;
    int hub; /* 0 or 1 */
};

/* Reads a piece of the pattern each time the socket comes, by different calls, and passes the
 * socket on. */
static int read_pieces(void *argument) {
    const struct route *route = argument;
    for (int move = route->hub; move < MOVES; move += 2) {
        static char pieces[2][PIECE];
        char *piece = pieces[route->hub];
        const void *bytes;
        green_detached_socket *detached;
        CHECK(green_channel_receive(route->from, &detached, GREEN_FOREVER), ==, 0);
        green_socket *socket = attached(detached);
        if (move % 3 == 0) {
            CHECK(green_read_exactly(socket, piece, PIECE), ==, PIECE);
            pattern_check(piece, PIECE, (uint64_t)move * PIECE);
        } else {
            CHECK(green_receive_exactly(socket, PIECE, &bytes), ==, PIECE);
            pattern_check(bytes, PIECE, (uint64_t)move * PIECE);
            green_consume(socket, PIECE);
        }
        CHECK(green_socket_detach(socket, &detached), ==, 0);
        green_socket_release(socket);
        CHECK(green_channel_send(route->to, &detached, GREEN_FOREVER), ==, 0);
    }
    return 0;
}

TEST(back_and_forth, "a socket that moves between two hubs while bytes arrive loses and repeats none") {
    struct os_thread others[2];
    green_channel *channels[2];
    green_channel_options options = {.element_size = sizeof(void *), .capacity = 1};
    for (int i = 0; i < 2; i++)
        CHECK(green_channel_make(&channels[i], &options), ==, 0);
    struct route routes[2] = {{channels[0], channels[1], 0}, {channels[1], channels[0], 1}};
    struct pair pair = connected(TCP4);
    struct transfer transfer = {pair.far, MOVES * PIECE, 0};
    green_thread *sender = start(send_pattern, &transfer);
    for (int i = 0; i < 2; i++)
        os_thread_start(&others[i], read_pieces, &routes[i]);
    green_detached_socket *detached = detached_from(pair.near);
    CHECK(green_channel_send(channels[0], &detached, GREEN_FOREVER), ==, 0);
    CHECK(finish(sender), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(os_thread_finish(&others[i]), ==, 0);
    CHECK(green_channel_receive(channels[0], &detached, GREEN_FOREVER), ==, 0);
    green_detached_socket_free(detached);
    expect_end(pair.far);
    green_socket_release(pair.far);
    for (int i = 0; i < 2; i++)
        green_channel_release(channels[i]);
}
