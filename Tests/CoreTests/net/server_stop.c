/* green_server_stop(): over all hubs at the same time, from anywhere, and without a loss. */
#include "servers.h"

#include <pthread.h>

enum { CLIENTS = 4 * HUBS };
static green_socket *clients[CLIENTS];

static void start_with_clients(void) {
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
}

static void end_with_clients(void) {
    CHECK(hub_server.running, ==, 0);
    CHECK(hub_server.ended, ==, CLIENTS);
    release_clients(clients, CLIENTS);
    end_server_on_hubs(0);
}

static int stop(void *drain) {
    return green_server_stop(hub_server.server, *(int64_t *)drain);
}

static void expect_refused(void) {
    green_address address;
    green_socket *late;
    green_server_address(hub_server.server, &address);
    CHECK(green_connect_address(&late, &address, NULL), ==, -ECONNREFUSED);
}

/* Whether no hub listens on the port any more, so that it can be bound. */
static bool has_left(void) {
    green_address address;
    green_listener *listener;
    green_server_address(hub_server.server, &address);
    int error = green_listen_address(&listener, &address, NULL);
    if (error == 0)
        green_listener_release(listener);
    return error == 0;
}

static void check_drain(void) {
    int64_t drain = GREEN_FOREVER;
    start_with_clients();
    green_thread *stopper = start(stop, &drain);
    UNTIL(has_left());
    CHECK(!green_thread_is_finished(stopper));
    send_to_clients(clients, CLIENTS);
    CHECK(finish(stopper), ==, 0);
    CHECK(hub_server.killed, ==, 0);
    expect_refused();
    end_with_clients();
}

TEST(drains, "a stop waits for the handlers on all hubs, and returns 0 if all ended by themselves") {
    with_each_distribution(check_drain);
}

static void check_kills(void) {
    int64_t drain = 50 * GREEN_MILLISECOND, before = green_now();
    start_with_clients();
    green_thread *stopper = start(stop, &drain);
    for (int i = 0; i < HUBS; i++)
        send_text(clients[i], "x");
    CHECK(finish(stopper), ==, CLIENTS - HUBS);
    CHECK(green_now() - before, >=, drain);
    CHECK(hub_server.killed, ==, CLIENTS - HUBS);
    end_with_clients();
}

TEST(kills_the_rest, "after the drain the remaining handlers are killed, and stop returns their sum") {
    with_each_distribution(check_kills);
}

static void check_kills_at_once(void) {
    start_with_clients();
    CHECK(green_server_stop(hub_server.server, 0), ==, CLIENTS);
    CHECK(hub_server.killed, ==, CLIENTS);
    CHECK(green_server_stop(hub_server.server, 0), ==, 0); /* again */
    end_with_clients();
}

TEST(kills_at_once, "a drain of 0 kills at once, and a second stop finds nothing to do") {
    with_each_distribution(check_kills_at_once);
}

/* Where it is called from ------------------------------------------------------ */

static void *stop_without_hub(void *drain) {
    return (void *)(intptr_t)green_server_stop(hub_server.server, *(int64_t *)drain);
}

static void check_os_thread(void) {
    int64_t drain = 0;
    pthread_t thread;
    void *result;
    start_with_clients();
    CHECK(pthread_create(&thread, NULL, stop_without_hub, &drain), ==, 0);
    CHECK(pthread_join(thread, &result), ==, 0);
    CHECK((intptr_t)result, ==, CLIENTS);
    end_with_clients();
}

TEST(os_thread, "an OS thread without a hub stops a server") {
    with_each_distribution(check_os_thread);
}

static void check_other_hub(void) {
    for (size_t i = 0; i < HUBS; i++) {
        int64_t drain = 0;
        int result;
        green_remote_thread *thread;
        green_distribution distribution = hub_server.options.distribution;
        start_with_clients();
        CHECK(green_hub_spawn(green_hub_pool_hub(hub_server.hubs, i), &thread, NULL, stop, &drain), ==, 0);
        CHECK(green_remote_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
        CHECK(result, ==, CLIENTS);
        green_remote_thread_release(thread);
        end_with_clients();
        hub_server = (struct hub_server){.options.distribution = distribution};
    }
}

TEST(each_hub, "a thread on any hub of the pool stops a server") {
    with_each_distribution(check_other_hub);
}

static atomic_int stop_results;

static int stop_from_inside(green_socket *client, void *context) {
    char byte;
    (void)context;
    hub_server.running++;
    ssize_t count = green_read(client, &byte, 1);
    if (count == 1) {
        stop_results += green_server_stop(hub_server.server, byte == 's' ? 0 : GREEN_FOREVER);
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0); /* the caller itself was not killed */
    }
    hub_server.running--;
    hub_server.killed += count == -ECANCELED;
    hub_server.ended++;
    return count < 0 ? (int)count : 0;
}

static void start_stoppable(void) {
    stop_results = 0;
    CHECK(serve_on_hubs(NULL, stop_from_inside), ==, 0);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
}

static void check_inside(void) {
    for (int i = 0; i < HUBS; i++) {
        green_distribution distribution = hub_server.options.distribution;
        start_stoppable();
        send_text(clients[i], "s");
        CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
        UNTIL(hub_server.discarded == 1);
        CHECK(stop_results, ==, CLIENTS - 1);
        CHECK(hub_server.killed, ==, CLIENTS - 1);
        end_with_clients();
        hub_server = (struct hub_server){.options.distribution = distribution};
    }
}

TEST(from_inside, "a handler may stop its own server, and is neither waited for nor killed") {
    with_each_distribution(check_inside);
}

static void check_all_inside(void) {
    start_stoppable();
    for (int i = 0; i < CLIENTS; i++)
        send_text(clients[i], "w");
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    UNTIL(hub_server.discarded == 1);
    CHECK(stop_results, ==, 0);
    CHECK(hub_server.killed, ==, 0);
    end_with_clients();
}

TEST(all_from_inside, "handlers on all hubs that stop their server without a limit do not wait for each other") {
    with_each_distribution(check_all_inside);
}

static void check_two(void) {
    int64_t forever = GREEN_FOREVER, soon = 20 * GREEN_MILLISECOND;
    start_with_clients();
    green_thread *first = start(stop, &forever), *second = start(stop, &soon);
    CHECK(finish(second), ==, CLIENTS);
    CHECK(finish(first), ==, 0);
    end_with_clients();
}

TEST(two_stops, "two threads may stop one server") {
    with_each_distribution(check_two);
}

/* Interrupts ------------------------------------------------------------------- */

static void check_killed_stop(void) {
    int64_t drain = GREEN_FOREVER;
    start_with_clients();
    green_thread *stopper = start(stop, &drain);
    UNTIL(has_left());
    CHECK(kill_and_finish(stopper), ==, -ECANCELED);
    CHECK(hub_server.running, ==, CLIENTS); /* the handlers continue */
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    send_to_clients(clients, CLIENTS);
    UNTIL(hub_server.discarded == 1);
    CHECK(hub_server.killed, ==, 0);
    end_with_clients();
}

TEST(killed_stop, "a stop that is killed while it drains leaves the handlers, and the server listens no more") {
    with_each_distribution(check_killed_stop);
}

static atomic_bool released;

/* Keeps the OS thread of its hub, so that nothing else runs there. */
static int block_hub(void *until) {
    atomic_bool *end = until;
    hub_server.errors++;
    while (!*end)
        usleep(100);
    return 0;
}

static void block_hubs(size_t first, size_t end) {
    released = false;
    hub_server.errors = 0;
    for (size_t i = first; i < end; i++)
        CHECK(green_hub_spawn(green_hub_pool_hub(hub_server.hubs, i), NULL, NULL, block_hub, &released), ==, 0);
    UNTIL(hub_server.errors == (int)(end - first));
}

static int stop_in_time(void *drain) {
    green_timeout *limit;
    CHECK(green_timeout_start(&limit, 0), ==, 0);
    int result = stop(drain);
    green_timeout_free(limit);
    return result;
}

static void check_pending(void) {
    int64_t drain = GREEN_FOREVER;
    start_with_clients();
    block_hubs(0, HUBS); /* the stop does not start before it is killed */
    CHECK(finish(start(stop_in_time, &drain)), ==, -ETIME);
    released = true;
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    expect_refused();
    send_to_clients(clients, CLIENTS);
    UNTIL(hub_server.discarded == 1);
    end_with_clients();
}

TEST(interrupted_before, "a stop with a pending timeout ends the server nevertheless, and leaves the handlers") {
    with_each_distribution(check_pending);
}

/* Clients that have connected -------------------------------------------------- */

enum { QUEUED = 40 };

/* A server with room for one handler on each hub. */
static void start_full(green_socket **queued, green_handler *handler) {
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "unix:@green-queue-%d", (int)getpid()); /* clients are in the queue once connected */
    hub_server.options.serve.concurrency = 1;
    CHECK(serve_on_hubs(text, handler), ==, 0);
    connect_clients(queued, HUBS);
}

/* A server with one handler on each hub, and clients in the kernel's queue. */
static void start_queue(green_socket **queued, green_handler *handler) {
    start_full(queued, handler);
    UNTIL(hub_server.running == HUBS);
    connect_clients(queued + HUBS, QUEUED);
}

TEST(serves_the_queue, "a stop serves all clients that had connected, on all hubs within the limit") {
    int64_t drain = GREEN_FOREVER;
    green_socket *queued[HUBS + QUEUED];
    start_queue(queued, NULL);
    green_thread *stopper = start(stop, &drain);
    send_to_clients(queued, HUBS + QUEUED);
    CHECK(finish(stopper), ==, 0);
    CHECK(hub_server.ended, ==, HUBS + QUEUED);
    CHECK(hub_server.killed, ==, 0);
    release_clients(queued, HUBS + QUEUED);
    end_server_on_hubs(0);
}

TEST(counts_the_queue, "clients without a handler at the end of the drain are closed and count as killed") {
    int64_t drain = 20 * GREEN_MILLISECOND;
    green_socket *queued[HUBS + QUEUED];
    start_queue(queued, NULL);
    CHECK(finish(start(stop, &drain)), ==, HUBS + QUEUED);
    CHECK(hub_server.killed, ==, HUBS);
    for (int i = 0; i < HUBS + QUEUED; i++)
        expect_end(queued[i]);
    release_clients(queued, HUBS + QUEUED);
    end_server_on_hubs(0);
}

/* Sends the index of its hub first. */
static int tell_hub(green_socket *client, void *context) {
    char hub = (char)hub_here();
    CHECK(green_write(client, &hub, 1), ==, 1);
    return handle_byte(client, context);
}

static int hub_of(green_socket *client) {
    char hub;
    CHECK(green_read(client, &hub, 1), ==, 1);
    return hub;
}

static int do_nothing(void *unused) {
    (void)unused;
    return 0;
}

/* Waits until every thread that was ready on a hub has run. */
static void pass(size_t hub) {
    green_remote_thread *thread;
    CHECK(green_hub_spawn(green_hub_pool_hub(hub_server.hubs, hub), &thread, NULL, do_nothing, NULL), ==, 0);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_FOREVER), ==, 0);
    green_remote_thread_release(thread);
}

/* Ends the handler on hub 2, and then that on hub 0, whose OS thread keeps the stop and the
 * serving thread from running until the handler on hub 1 has ended, too. So the last client
 * goes to another hub, and no end of a handler and no message about room follows. */
static void end_handlers(green_socket **running) {
    atomic_bool released_later = false;
    block_hubs(0, 1);
    send_text(running[0], "x");
    send_text(running[2], "x");
    UNTIL(hub_server.ended == 1);
    pass(2);
    CHECK(green_hub_spawn(green_hub_pool_hub(hub_server.hubs, 0), NULL, NULL, block_hub, &released_later), ==, 0);
    released = true;
    UNTIL(hub_server.ended == 2 && hub_server.errors == 2);
    send_text(running[1], "x");
    UNTIL(hub_server.ended == 3);
    pass(1);
    released_later = true;
    pass(0);
}

TEST(handed_over_last, "a stop ends after the accepting hub, which has no handler, has handed over the last client") {
    int64_t drain = GREEN_FOREVER;
    green_socket *running[HUBS], *last;
    start_full(clients, tell_hub);
    for (int i = 0; i < HUBS; i++)
        running[hub_of(clients[i])] = clients[i];
    last = connect_to_server();
    green_thread *stopper = start(stop, &drain);
    UNTIL(has_left()); /* the stop has accepted the last client */
    end_handlers(running);
    CHECK(hub_of(last), !=, 0); /* of hubs with the same number of clients, the next in turn */
    send_text(last, "x");
    CHECK(finish(stopper), ==, 0);
    CHECK(hub_server.ended, ==, HUBS + 1);
    CHECK(hub_server.killed, ==, 0);
    release_clients(clients, HUBS);
    green_socket_release(last);
    end_server_on_hubs(0);
}

static int stop_first(green_socket *client, void *context) {
    char byte;
    if (hub_server.running >= HUBS || hub_server.ended > 0)
        return handle_byte(client, context);
    hub_server.running++;
    CHECK(green_read(client, &byte, 1), ==, 1);
    stop_results += green_server_stop(hub_server.server, GREEN_FOREVER);
    hub_server.running--;
    hub_server.ended++;
    return 0;
}

TEST(room_from_inside, "handlers that stop their server make room for clients that had connected, on each hub") {
    green_socket *queued[HUBS + QUEUED];
    start_queue(queued, stop_first);
    send_to_clients(queued, HUBS + QUEUED);
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    UNTIL(hub_server.discarded == 1);
    CHECK(hub_server.ended, ==, HUBS + QUEUED);
    CHECK(stop_results, ==, 0);
    release_clients(queued, HUBS + QUEUED);
    end_server_on_hubs(0);
}

TEST(on_their_way, "a stop loses no client that is on its way to another hub") {
    int64_t drain = GREEN_FOREVER;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    block_hubs(1, HUBS);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS / HUBS); /* the accepting hub has handed over the others */
    green_thread *stopper = start(stop, &drain);
    UNTIL(has_left());
    CHECK(!green_thread_is_finished(stopper));
    send_to_clients(clients, CLIENTS);
    released = true;
    CHECK(finish(stopper), ==, 0);
    end_with_clients();
}

/* The hubs that receive have killed their handlers before the accepting hub hands over more. */
TEST(late, "clients that are handed over after the drain are closed and count as killed") {
    int64_t drain = GREEN_MILLISECOND;
    green_socket *late[CLIENTS];
    start_with_clients();
    block_hubs(0, 1);
    connect_clients(late, CLIENTS);
    green_thread *stopper = start(stop, &drain);
    UNTIL(hub_server.killed == CLIENTS - CLIENTS / HUBS);
    CHECK(!green_thread_is_finished(stopper));
    released = true;
    CHECK(finish(stopper), ==, 2 * CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        expect_end(late[i]);
    release_clients(late, CLIENTS);
    end_with_clients();
}
