/* Servers whose hubs end, and servers without descriptors. */
#include "os_threads.h"
#include "other_hub.h"
#include "servers.h"

#include <fcntl.h>
#include <sys/resource.h>

enum { CLIENTS = 4 * HUBS };
static green_socket *clients[CLIENTS];

static void close_under_server(void) {
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
    /* It kills the handlers, and the serving thread of one hub, which ends the others. */
    CHECK(green_hub_pool_close(hub_server.hubs, 0), >, CLIENTS);
    CHECK(hub_server.killed, ==, CLIENTS);
    CHECK(hub_server.discarded, ==, 1);
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, -ESRCH);
    CHECK_CONTAINS(green_explain(-ESRCH), "the hubs of a server were closed");
    CHECK(green_server_stop(hub_server.server, 0), ==, 0);
    CHECK(running_on_hubs(), ==, 0);
    for (int i = 0; i < CLIENTS; i++)
        expect_end(clients[i]);
    release_clients(clients, CLIENTS);
    end_server_on_hubs(-ESRCH);
}

TEST(closed_pool, "a close of the pool ends the server, and a wait for it is -ESRCH") {
    with_each_distribution(close_under_server);
}

static void start_on_closed(void) {
    CHECK(green_hub_pool_make(&hub_server.hubs, &(green_hub_pool_options){.count = HUBS}), ==, 0);
    CHECK(green_hub_pool_close(hub_server.hubs, 0), ==, 0);
    CHECK(serve_on_hubs(NULL, NULL), ==, -ESRCH);
    CHECK(hub_server.discarded, ==, 1);
    green_hub_pool_release(hub_server.hubs);
}

TEST(start_on_closed_pool, "a start on a closed pool is -ESRCH, and the context is discarded") {
    with_each_distribution(start_on_closed);
}

static void keep_pool(void) {
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    green_hub_pool_release(hub_server.hubs);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
    CHECK(green_server_stop(hub_server.server, 0), ==, CLIENTS);
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    CHECK(hub_server.discarded, ==, 1);
    release_clients(clients, CLIENTS);
    green_server_release(hub_server.server);
}

TEST(keeps_pool, "a server keeps its pool, whose hubs end with it") {
    with_each_distribution(keep_pool);
}

static int start_elsewhere(void *unused) {
    (void)unused;
    return serve_on_hubs("localhost:0", NULL);
}

static void interrupt_start(void) {
    CHECK(green_hub_pool_make(&hub_server.hubs, &(green_hub_pool_options){.count = HUBS}), ==, 0);
    green_thread *starter = start(start_elsewhere, NULL);
    let_run(); /* it waits for the hubs */
    int result = kill_and_finish(starter);
    if (result == 0) { /* the hubs were faster */
        CHECK(green_server_stop(hub_server.server, 0), ==, 0);
        green_server_release(hub_server.server);
    } else {
        CHECK(result, ==, -ECANCELED);
    }
    UNTIL(hub_server.discarded == 1);
    hub_server.server = NULL;
    close_hubs();
}

TEST(killed_start, "a start that is killed closes what it has opened") {
    with_each_distribution(interrupt_start);
}

/* Descriptors ------------------------------------------------------------------ */

enum { QUEUED = 40 };

/* Leaves room for a number of descriptors. The limit is one of their numbers, in which there
 * may be gaps. */
static void leave_descriptors(int count) {
    struct rlimit limit;
    int end = 0;
    for (; count > 0; end++)
        count -= fcntl(end, F_GETFD) < 0;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    limit.rlim_cur = (rlim_t)end;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

static int stop(void *drain) {
    return green_server_stop(hub_server.server, *(int64_t *)drain);
}

/* Clients whose connections wait in the kernel's queue, and descriptors for two handlers. */
static void serve_without_descriptors(green_socket **queued, size_t concurrency) {
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_address address;
    snprintf(text, sizeof text, "unix:@green-shortage-%d", (int)getpid());
    hub_server.options.serve.concurrency = concurrency;
    CHECK(serve_on_hubs(text, NULL), ==, 0);
    connect_clients(queued, HUBS);
    UNTIL(hub_server.running == HUBS);
    for (int i = HUBS; i < HUBS + QUEUED; i++)
        CHECK(green_socket_adopt(&queued[i], socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), ==, 0);
    leave_descriptors(2);
    green_server_address(hub_server.server, &address);
    for (int i = HUBS; i < HUBS + QUEUED; i++)
        CHECK(connect(green_socket_fd(queued[i]), (struct sockaddr *)&address.storage, address.length), ==, 0);
}

TEST(no_descriptors, "a server without descriptors accepts the remaining clients later") {
    green_socket *queued[HUBS + QUEUED];
    serve_without_descriptors(queued, 0);
    UNTIL(hub_server.running == HUBS + 2);
    for (int i = 0; i < HUBS + QUEUED; i++) {
        send_text(queued[i], "x");
        expect_end(queued[i]);
    }
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    release_clients(queued, HUBS + QUEUED);
    end_server_on_hubs(0);
}

TEST(stop_without_descriptors, "a stop that lacks descriptors accepts the remaining clients later") {
    int64_t drain = GREEN_FOREVER;
    green_socket *queued[HUBS + QUEUED];
    serve_without_descriptors(queued, 1);
    green_thread *stopper = start(stop, &drain);
    send_text(queued[0], "x");
    for (int i = 1; i < HUBS + QUEUED; i++)
        send_text(queued[i], "x");
    CHECK(finish(stopper), ==, 0);
    CHECK(hub_server.ended, ==, HUBS + QUEUED);
    release_clients(queued, HUBS + QUEUED);
    end_server_on_hubs(0);
}

TEST(no_descriptor_for_a_listener, "a start without a descriptor for the listener of one hub closes the others") {
    hub_server.options.distribution = GREEN_REUSE_PORT;
    CHECK(green_hub_pool_make(&hub_server.hubs, &(green_hub_pool_options){.count = HUBS}), ==, 0);
    CHECK(green_yield(), ==, 0); /* makes the hub of the test */
    size_t before = open_descriptors();
    leave_descriptors(HUBS - 1);
    CHECK(serve_on_hubs(NULL, NULL), ==, -EMFILE);
    CHECK_CONTAINS(green_explain(-EMFILE), "cannot listen on 127.0.0.1:");
    CHECK(hub_server.discarded, ==, 1);
    CHECK(open_descriptors(), ==, before);
    hub_server.server = NULL;
    close_hubs();
}

static int end_os_thread(void *unused) {
    (void)unused;
    pthread_exit(NULL);
}

static void stop_without_accepting_hub(void) {
    green_remote_thread *thread = NULL;
    hub_server.options.distribution = GREEN_HAND_OVER;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    CHECK(green_hub_spawn(green_hub_pool_hub(hub_server.hubs, 0), &thread, NULL, end_os_thread, NULL), ==, 0);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_FOREVER), ==, -ESRCH);
    green_remote_thread_release(thread);
    CHECK(green_server_stop(hub_server.server, 0), ==, 0);
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, -ESRCH);
    close_hubs();
}

TEST(lost_accepting_hub, "a server whose accepting hub has ended in use can be stopped") {
    static struct child child;
    needs_exit_of_os_thread();
    run_child(&child, stop_without_accepting_hub);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub 'hub-0' was in use");
    CHECK(child.status, ==, 0);
}
