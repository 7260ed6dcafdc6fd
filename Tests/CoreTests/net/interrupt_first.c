/* Every blocking call checks for a pending interrupt when it begins, whether or not it
 * has to wait: calls on sockets, files, processes and signals. */
#include "files.h"
#include "pending.h"

#include <signal.h>

/* The objects of the calls, prepared so that no call has to wait. */
static struct {
    green_listener *listener, *unserved, *closed;
    green_address address;
    struct pair pair;
    green_socket *datagrams;
    green_address datagram_address;
    green_file *file;
    struct pipe_ends pipe;
    green_process *process;
    green_signals *signals;
    green_hub_pool *hubs;
    green_server *server;
} w;

/* Sockets ------------------------------------------------------------------ */

static int release_result(int result, green_socket **socket) {
    if (result == 0)
        green_socket_release(*socket);
    return result;
}

static int call_resolve(void) {
    green_address address;
    return green_resolve(&address, 1, "127.0.0.1:80");
}

static int call_resolve_within(void) {
    green_address address;
    return green_resolve_within(&address, 1, "127.0.0.1:80", GREEN_FOREVER);
}

static int call_connect(void) {
    green_socket *socket;
    return release_result(green_connect(&socket, address_of(w.listener), NULL), &socket);
}

static int call_connect_address(void) {
    green_socket *socket;
    return release_result(green_connect_address(&socket, &w.address, NULL), &socket);
}

static int call_accept(void) {
    green_socket *socket;
    return release_result(green_accept(w.listener, &socket), &socket);
}

static int call_listen(void) {
    green_listener *listener;
    int error = green_listen(&listener, "127.0.0.1:0", NULL);
    if (error == 0)
        green_listener_release(listener);
    return error;
}

static int call_stop(void) {
    return green_listener_stop(w.unserved, GREEN_FOREVER);
}

static int handle_none(green_socket *client, void *context) {
    (void)client, (void)context;
    return 0;
}

static int call_serve(void) {
    int error = green_serve(w.closed, NULL, handle_none, NULL);
    return error == -EBADF ? 0 : error;
}

static int call_read(void) {
    char byte;
    return (int)green_read(w.pair.near, &byte, 1);
}

static int call_read_none(void) {
    char byte;
    return (int)green_read(w.pair.near, &byte, 0);
}

static int call_read_exactly(void) {
    char bytes[2];
    return (int)green_read_exactly(w.pair.near, bytes, sizeof bytes);
}

static int call_read_line(void) {
    char line[16];
    return (int)green_read_line(w.pair.near, line, sizeof line);
}

static int call_receive(void) {
    const void *bytes;
    return (int)green_receive(w.pair.near, &bytes);
}

static int call_write(void) {
    return (int)green_write(w.pair.near, "x", 1);
}

static int call_write_none(void) {
    return (int)green_write(w.pair.near, "x", 0);
}

static int call_writev(void) {
    struct iovec piece = {"x", 1};
    return (int)green_writev(w.pair.near, &piece, 1);
}

static int call_write_some(void) {
    return (int)green_write_some(w.pair.near, "x", 1);
}

static int call_send_to(void) {
    return (int)green_send_to(w.datagrams, "x", 1, &w.datagram_address);
}

static int call_receive_from(void) {
    char byte;
    return (int)green_receive_from(w.datagrams, &byte, 1, NULL);
}

static void prepare_sockets(void) {
    w.listener = listen_any(TCP4);
    w.unserved = listen_any(TCP4);
    w.closed = listen_any(TCP4);
    CHECK(green_listener_close(w.closed), ==, 0);
    CHECK(green_listener_address(w.listener, &w.address), ==, 0);
    w.pair = connected(UNIX_PAIR);
    send_text(w.pair.far, "123456\n789");
    green_address any;
    CHECK(green_address_parse(&any, "127.0.0.1:0"), ==, 0);
    CHECK(green_datagram_open(&w.datagrams, &any), ==, 0);
    CHECK(green_socket_local_address(w.datagrams, &w.datagram_address), ==, 0);
}

static void end_sockets(void) {
    green_listener_release(w.listener);
    green_listener_release(w.unserved);
    green_listener_release(w.closed);
    release_pair(&w.pair);
    green_socket_release(w.datagrams);
}

static const struct prepared socket_calls[] = {
    {"green_resolve", call_resolve},
    {"green_resolve_within", call_resolve_within},
    {"green_listen", call_listen},
    {"green_connect", call_connect},
    {"green_connect_address", call_connect_address},
    {"green_accept", call_accept},
    {"green_listener_stop", call_stop},
    {"green_serve", call_serve},
    {"green_read", call_read},
    {"green_read of nothing", call_read_none},
    {"green_read_exactly", call_read_exactly},
    {"green_read_line", call_read_line},
    {"green_receive", call_receive},
    {"green_write", call_write},
    {"green_write of nothing", call_write_none},
    {"green_writev", call_writev},
    {"green_write_some", call_write_some},
    {"green_send_to", call_send_to},
    {"green_receive_from", call_receive_from},
    {0},
};

/* Files, processes, signals ------------------------------------------------ */

static int call_file_open(void) {
    return open_and_release(path_of("file"), O_RDONLY);
}

static int call_file_read(void) {
    char byte;
    return (int)green_file_read(w.file, &byte, 1);
}

static int call_file_read_at(void) {
    char byte;
    return (int)green_file_read_at(w.file, &byte, 1, 0);
}

static int call_file_write(void) {
    return (int)green_file_write(w.file, "x", 1);
}

static int call_file_write_at(void) {
    return (int)green_file_write_at(w.file, "x", 1, 0);
}

static int call_file_sync(void) {
    return green_file_sync(w.file);
}

static int call_file_sync_data(void) {
    return green_file_sync_data(w.file);
}

static int call_file_status(void) {
    struct stat status;
    return green_file_status(w.file, &status);
}

static int call_file_size(void) {
    return (int)green_file_size(w.file);
}

static int call_file_truncate(void) {
    return green_file_truncate(w.file, 10);
}

static int call_pipe_read(void) {
    char byte;
    return (int)green_file_read(w.pipe.near, &byte, 1);
}

static int call_pipe_write(void) {
    return (int)green_file_write(w.pipe.far, "x", 1);
}

static int call_path_status(void) {
    struct stat status;
    return green_path_status(path_of("file"), &status, GREEN_FOREVER);
}

static int call_rename(void) {
    return green_path_rename(path_of("file"), path_of("renamed"), GREEN_FOREVER);
}

static int call_unlink(void) {
    return green_path_unlink(path_of("renamed"), GREEN_FOREVER);
}

static int call_make_directory(void) {
    return green_directory_create(path_of("directory"), 0700, GREEN_FOREVER);
}

static int call_list(void) {
    green_listing *listing;
    int error = green_directory_list(&listing, path_of("directory"), GREEN_FOREVER);
    if (error == 0)
        green_listing_free(listing);
    return error;
}

static int call_remove_directory(void) {
    return green_directory_remove(path_of("directory"), GREEN_FOREVER);
}

static int call_process_spawn(void) {
    green_process *process;
    int error = green_process_spawn(&process, "true", NULL, NULL);
    if (error < 0)
        return error;
    CHECK(green_process_wait(process, NULL, GREEN_FOREVER), ==, 0);
    green_process_free(process);
    return 0;
}

static int call_process_wait(void) {
    return green_process_wait(w.process, NULL, GREEN_FOREVER);
}

static int call_signals_next(void) {
    return green_signals_next(w.signals, GREEN_FOREVER);
}

static void prepare_rest(void) {
    w.file = file_of_pattern("file", 100);
    w.pipe = pipe_of(0);
    CHECK(green_file_write(w.pipe.far, "x", 1), ==, 1);
    CHECK(green_process_spawn(&w.process, "true", NULL, NULL), ==, 0);
    CHECK(green_process_wait(w.process, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_signals_open(&w.signals, &(int){SIGUSR1}, 1), ==, 0);
    CHECK(raise(SIGUSR1), ==, 0);
}

static void end_rest(void) {
    CHECK(green_file_close(w.file), ==, 0);
    green_file_free(w.file);
    green_file_free(w.pipe.near);
    green_file_free(w.pipe.far);
    green_process_free(w.process);
    green_signals_free(w.signals);
}

static const struct prepared other_calls[] = {
    {"green_file_open", call_file_open},
    {"green_file_read", call_file_read},
    {"green_file_read_at", call_file_read_at},
    {"green_file_write", call_file_write},
    {"green_file_write_at", call_file_write_at},
    {"green_file_sync", call_file_sync},
    {"green_file_sync_data", call_file_sync_data},
    {"green_file_status", call_file_status},
    {"green_file_size", call_file_size},
    {"green_file_truncate", call_file_truncate},
    {"green_file_read of a pipe", call_pipe_read},
    {"green_file_write of a pipe", call_pipe_write},
    {"green_path_status", call_path_status},
    {"green_path_rename", call_rename},
    {"green_path_unlink", call_unlink},
    {"green_directory_create", call_make_directory},
    {"green_directory_list", call_list},
    {"green_directory_remove", call_remove_directory},
    {"green_process_spawn", call_process_spawn},
    {"green_process_wait", call_process_wait},
    {"green_signals_next", call_signals_next},
    {0},
};

/* Servers on several hubs -------------------------------------------------- */

static int end_connection(green_socket *client, void *context) {
    (void)client, (void)context;
    return 0;
}

static int call_server_start(void) {
    green_server *server;
    int error = green_server_start(&server, "127.0.0.1:0", w.hubs, NULL, end_connection, NULL);
    if (error == 0) {
        CHECK(green_server_stop(server, 0), ==, 0);
        green_server_release(server);
    }
    return error;
}

static int call_server_wait(void) {
    return green_server_wait(w.server, GREEN_FOREVER);
}

static int call_server_wait_at_once(void) {
    return green_server_wait(w.server, 0);
}

static int call_server_stop(void) {
    return green_server_stop(w.server, GREEN_FOREVER);
}

/* The server has ended. */
static void prepare_servers(void) {
    CHECK(green_hub_pool_make(&w.hubs, &(green_hub_pool_options){.count = 2}), ==, 0);
    CHECK(green_server_start(&w.server, "127.0.0.1:0", w.hubs, NULL, end_connection, NULL), ==, 0);
    CHECK(green_server_stop(w.server, 0), ==, 0);
}

static void end_servers(void) {
    green_server_release(w.server);
    CHECK(green_hub_pool_close(w.hubs, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(w.hubs);
}

static const struct prepared server_calls[] = {
    {"green_server_start", call_server_start},
    {"green_server_wait", call_server_wait},
    {"green_server_wait with 0", call_server_wait_at_once},
    {"green_server_stop", call_server_stop},
    {0},
};

static void check_all(enum pending pending) {
    prepare_sockets();
    check_delivers(socket_calls, pending);
    end_sockets();
    prepare_rest();
    check_delivers(other_calls, pending);
    end_rest();
    remove_directory();
    prepare_servers();
    check_delivers(server_calls, pending);
    end_servers();
}

TEST(delivers_kill, "a pending kill ends every call on sockets and files at once and takes nothing") {
    check_all(PENDING_KILL);
}

TEST(delivers_timeout, "a pending timeout ends every call on sockets and files at once and takes nothing") {
    check_all(PENDING_TIMEOUT);
}
