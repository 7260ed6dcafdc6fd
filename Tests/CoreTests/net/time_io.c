/* Timeouts of 0, negative and huge timeouts have the same meaning in every call that
 * transfers bytes or works with names. */
#include "files.h"
#include "times.h"

#include <poll.h>
#include <sys/stat.h>

/* Sockets ------------------------------------------------------------------ */

static struct pair pair, silent;

static green_socket *with_read_timeout(green_socket *socket, int64_t timeout) {
    int64_t read, write;
    green_socket_set_timeouts(socket, timeout, 0);
    green_socket_timeouts(socket, &read, &write);
    CHECK(read, ==, timeout);
    CHECK(write, ==, 0);
    return socket;
}

static green_socket *with_write_timeout(green_socket *socket, int64_t timeout) {
    green_socket_set_timeouts(socket, 0, timeout);
    return socket;
}

static void take_all(green_socket *socket) {
    static char bytes[1 << 20];
    green_socket_set_timeouts(socket, 0, 0);
    while (green_read(socket, bytes, sizeof bytes) > 0)
        ;
}

/* Makes bytes available at the near end. Under load the kernel delivers them later. */
static green_socket *readable(int64_t timeout) {
    take_all(pair.near);
    send_text(pair.far, "a line\n");
    CHECK(poll(&(struct pollfd){.fd = green_socket_fd(pair.near), .events = POLLIN}, 1, -1), ==, 1);
    return with_read_timeout(pair.near, timeout);
}

static int read_ready(int64_t timeout) {
    char bytes[64];
    return (int)green_read(readable(timeout), bytes, sizeof bytes);
}

static int read_never(int64_t timeout) {
    char byte;
    return (int)green_read(with_read_timeout(silent.near, timeout), &byte, 1);
}

static int read_exactly_ready(int64_t timeout) {
    char bytes[7];
    return (int)green_read_exactly(readable(timeout), bytes, sizeof bytes);
}

static int read_exactly_never(int64_t timeout) {
    char bytes[7];
    return (int)green_read_exactly(with_read_timeout(silent.near, timeout), bytes, sizeof bytes);
}

static int read_line_ready(int64_t timeout) {
    char line[64];
    return (int)green_read_line(readable(timeout), line, sizeof line);
}

static int read_line_never(int64_t timeout) {
    char line[64];
    return (int)green_read_line(with_read_timeout(silent.near, timeout), line, sizeof line);
}

static int receive_ready(int64_t timeout) {
    const void *bytes;
    ssize_t count = green_receive(readable(timeout), &bytes);
    if (count > 0)
        green_consume(pair.near, (size_t)count);
    return (int)count;
}

static int receive_never(int64_t timeout) {
    const void *bytes;
    return (int)green_receive(with_read_timeout(silent.near, timeout), &bytes);
}

static int write_ready(int64_t timeout) {
    take_all(pair.far);
    return (int)green_write(with_write_timeout(pair.near, timeout), "x", 1);
}

static int writev_ready(int64_t timeout) {
    struct iovec piece = {"x", 1};
    take_all(pair.far);
    return (int)green_writev(with_write_timeout(pair.near, timeout), &piece, 1);
}

static int write_some_ready(int64_t timeout) {
    take_all(pair.far);
    return (int)green_write_some(with_write_timeout(pair.near, timeout), "x", 1);
}

static char much[1 << 20];

static int write_never(int64_t timeout) {
    return (int)green_write(with_write_timeout(silent.near, timeout), much, sizeof much);
}

static int writev_never(int64_t timeout) {
    struct iovec piece = {much, sizeof much};
    return (int)green_writev(with_write_timeout(silent.near, timeout), &piece, 1);
}

static int write_some_never(int64_t timeout) {
    return (int)green_write_some(with_write_timeout(silent.near, timeout), much, sizeof much);
}

static green_socket *datagrams;
static green_address datagram_address;

static int send_to(int64_t timeout) {
    char byte;
    green_socket_set_timeouts(datagrams, GREEN_FOREVER, timeout);
    int result = (int)green_send_to(datagrams, "x", 1, &datagram_address);
    if (result == 1)
        CHECK(green_receive_from(datagrams, &byte, 1, NULL), ==, 1);
    return result;
}

static int receive_from(int64_t timeout) {
    char byte;
    CHECK(green_send_to(datagrams, "x", 1, &datagram_address), ==, 1);
    return (int)green_receive_from(with_read_timeout(datagrams, timeout), &byte, 1, NULL);
}

static int receive_from_never(int64_t timeout) {
    char byte;
    return (int)green_receive_from(with_read_timeout(datagrams, timeout), &byte, 1, NULL);
}

static void check_sockets(void) {
    static const struct timed calls[] = {
        {"green_read", read_ready, read_never, false},
        {"green_read_exactly", read_exactly_ready, read_exactly_never, false},
        {"green_read_line", read_line_ready, read_line_never, false},
        {"green_receive", receive_ready, receive_never, false},
        {"green_write", write_ready, write_never, false},
        {"green_writev", writev_ready, writev_never, false},
        {"green_write_some", write_some_ready, NULL, false},
        {"green_write_some", NULL, write_some_never, false},
        {0},
    };
    silent = connected(UNIX_PAIR);
    check_times(calls);
    release_pair(&silent);
}

static void check_pair(struct pair *of_transport) {
    pair = *of_transport;
    check_sockets();
}

TEST(sockets, "reads and writes: negative and huge timeouts mean no limit, 0 does not wait") {
    with_each_transport(check_pair);
}

TEST(datagrams, "datagrams: negative and huge timeouts mean no limit, 0 does not wait") {
    static const struct timed sends[] = {{"green_send_to", send_to, NULL, false}, {0}};
    static const struct timed receives[] = {{"green_receive_from", receive_from, receive_from_never, false}, {0}};
    green_address any;
    CHECK(green_address_parse(&any, "127.0.0.1:0"), ==, 0);
    CHECK(green_datagram_open(&datagrams, &any), ==, 0);
    CHECK(green_socket_local_address(datagrams, &datagram_address), ==, 0);
    check_times(sends);
    green_socket_set_timeouts(datagrams, GREEN_FOREVER, GREEN_FOREVER);
    check_times(receives);
    green_socket_release(datagrams);
}

static green_server *server;

static int end_connection(green_socket *client, void *context) {
    (void)client, (void)context;
    return 0;
}

static int wait_for_server(int64_t timeout) {
    return green_server_wait(server, timeout);
}

TEST(servers, "waits for servers: negative and huge timeouts mean no limit, 0 does not wait") {
    static const struct timed never[] = {{"green_server_wait", NULL, wait_for_server, false}, {0}};
    static const struct timed ready[] = {{"green_server_wait", wait_for_server, NULL, false}, {0}};
    green_hub_pool *hubs;
    CHECK(green_hub_pool_make(&hubs, &(green_hub_pool_options){.count = 2}), ==, 0);
    CHECK(green_server_start(&server, "127.0.0.1:0", hubs, NULL, end_connection, NULL), ==, 0);
    check_times(never);
    CHECK(green_server_stop(server, 0), ==, 0);
    CHECK(green_server_wait(server, GREEN_FOREVER), ==, 0);
    check_times(ready);
    green_server_release(server);
    CHECK(green_hub_pool_close(hubs, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(hubs);
}

/* Files and names ---------------------------------------------------------- */

static struct pipe_ends full, empty;
static green_file *file;

static green_file *limited(green_file *limited, int64_t timeout) {
    green_file_set_timeout(limited, timeout);
    CHECK(green_file_timeout(limited), ==, timeout);
    return limited;
}

static int read_pipe(int64_t timeout) {
    char byte;
    CHECK(green_file_write(limited(full.far, GREEN_FOREVER), "x", 1), ==, 1);
    int result = (int)green_file_read(limited(full.near, timeout), &byte, 1);
    if (result < 0)
        CHECK(green_file_read(limited(full.near, GREEN_FOREVER), &byte, 1), ==, 1);
    return result;
}

static int read_empty_pipe(int64_t timeout) {
    char byte;
    return (int)green_file_read(limited(empty.near, timeout), &byte, 1);
}

static int write_pipe(int64_t timeout) {
    char byte;
    int result = (int)green_file_write(limited(full.far, timeout), "x", 1);
    if (result == 1)
        CHECK(green_file_read(limited(full.near, GREEN_FOREVER), &byte, 1), ==, 1);
    return result;
}

static int write_full_pipe(int64_t timeout) {
    return (int)green_file_write(limited(empty.far, timeout), much, sizeof much);
}

static int read_file(int64_t timeout) {
    char byte;
    return (int)green_file_read_at(limited(file, timeout), &byte, 1, 0);
}

static int write_file(int64_t timeout) {
    return (int)green_file_write_at(limited(file, timeout), "x", 1, 0);
}

static int sync_file(int64_t timeout) {
    return green_file_sync(limited(file, timeout));
}

static int ask_file(int64_t timeout) {
    return (int)green_file_size(limited(file, timeout));
}

static int open_regular(int64_t timeout) {
    green_file *opened;
    int error = green_file_open(&opened, path_of("file"), O_RDONLY, 0, timeout);
    if (error == 0)
        green_file_free(opened);
    return error;
}

static int open_fifo(int64_t timeout) {
    green_file *opened;
    return green_file_open(&opened, path_of("fifo"), O_RDONLY, 0, timeout);
}

static int ask_path(int64_t timeout) {
    struct stat status;
    return green_path_status(path_of("file"), &status, timeout);
}

static int list_directory(int64_t timeout) {
    green_listing *listing;
    int error = green_directory_list(&listing, path_of("."), timeout);
    if (error == 0)
        green_listing_free(listing);
    return error;
}

TEST(files, "files and names: negative and huge timeouts mean no limit, 0 does not wait") {
    static const struct timed calls[] = {
        {"green_file_read of a pipe", read_pipe, read_empty_pipe, false},
        {"green_file_write to a pipe", write_pipe, write_full_pipe, false},
        {"green_file_read_at", read_file, NULL, true},
        {"green_file_write_at", write_file, NULL, true},
        {"green_file_sync", sync_file, NULL, true},
        {"green_file_size", ask_file, NULL, true},
        {"green_file_open", open_regular, open_fifo, true},
        {"green_path_status", ask_path, NULL, true},
        {"green_directory_list", list_directory, NULL, true},
        {0},
    };
    full = pipe_of(0);
    empty = pipe_of(0);
    file = file_of_pattern("file", 100);
    CHECK(mkfifo(path_of("fifo"), 0600), ==, 0);
    check_times(calls);
    green_file_free(full.near);
    green_file_free(full.far);
    green_file_free(empty.near);
    green_file_free(empty.far);
    green_file_free(file);
    /* The workers that open the FIFO wait until it has another end. */
    close(open(path_of("fifo"), O_RDWR | O_CLOEXEC));
    remove_directory();
}

/* Each of these takes effect at most once, possibly after its call has ended. */
TEST(names, "calls that change names: negative and huge timeouts mean no limit") {
    static const int64_t unlimited[] = {INT64_MIN, GREEN_FOREVER, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        CHECK(green_directory_create(path_of("directory"), 0700, unlimited[i]), ==, 0);
        CHECK(green_path_rename(path_of("directory"), path_of("renamed"), unlimited[i]), ==, 0);
        CHECK(green_directory_remove(path_of("renamed"), unlimited[i]), ==, 0);
        green_file_free(open_file("file", O_WRONLY | O_CREAT));
        CHECK(green_path_unlink(path_of("file"), unlimited[i]), ==, 0);
    }
    remove_directory();
}
