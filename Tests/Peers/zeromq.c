/* libzmq, patched. Its sockets are used within one process, over the loopback interface. */
#include "servers.h"

#include <zmq.h>

static void *context;

/* A socket that receives from any number of others, and its address. */
static void *receiver(char *address, size_t size) {
    void *socket = zmq_socket(context, ZMQ_PULL);
    CHECK(socket != NULL);
    CHECK(zmq_bind(socket, "tcp://127.0.0.1:*"), ==, 0);
    CHECK(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &size), ==, 0);
    return socket;
}

static void push(const char *address, const char *text) {
    void *socket = zmq_socket(context, ZMQ_PUSH);
    CHECK(zmq_connect(socket, address), ==, 0);
    CHECK(zmq_send(socket, text, strlen(text), 0), ==, strlen(text));
    CHECK(zmq_close(socket), ==, 0);
}

/* Returns 0 or the errno. */
static int receive(void *socket) {
    char text[16];
    return zmq_recv(socket, text, sizeof text, 0) == 5 ? 0 : zmq_errno();
}

static green_patch *begin(void) {
    green_patch *patch = import_families("libzmq.so.5", GREEN_PATCH_ALL | GREEN_PATCH_LOCK, NULL);
    CHECK(green_patch_set_interrupt_errno(patch, EINTR), ==, 0);
    context = zmq_ctx_new();
    return patch;
}

static void end(green_patch *patch) {
    CHECK(zmq_ctx_term(context), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(hundred, "a hundred threads wait for messages on sockets of their own") {
    enum { COUNT = 100 };
    green_patch *patch = begin();
    char addresses[COUNT][64];
    struct call calls[COUNT];
    green_thread *threads[COUNT];
    for (int i = 0; i < COUNT; i++) {
        calls[i] = (struct call){.make = receive, .argument = receiver(addresses[i], sizeof addresses[i])};
        threads[i] = start(run_call, &calls[i]);
    }
    for (int i = 0; i < COUNT; i++)
        UNTIL(calls[i].has_begun);
    int64_t began = green_now();
    for (int i = COUNT - 1; i >= 0; i--)
        push(addresses[i], "hello");
    for (int i = 0; i < COUNT; i++) {
        CHECK(finish(threads[i]), ==, 0);
        CHECK(calls[i].result, ==, 0);
        CHECK(zmq_close(calls[i].argument), ==, 0);
    }
    figure("libzmq: %d messages to as many that wait: %.3f s", COUNT, seconds_since(began));
    end(patch);
}

TEST(interrupted, "a green timeout and a kill end a wait with EINTR, and the socket works on") {
    green_patch *patch = begin();
    char address[64];
    void *socket = receiver(address, sizeof address);
    struct call call = {.make = receive, .argument = socket, .limit = 50 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, EINTR);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, EINTR);
    push(address, "hello");
    CHECK(receive(socket), ==, 0);
    CHECK(zmq_close(socket), ==, 0);
    end(patch);
}

TEST(hurry, "timeouts at random moments end waits, and no message is lost") {
    enum { COUNT = 100 };
    green_patch *patch = begin();
    char address[64];
    void *socket = receiver(address, sizeof address);
    int received = 0;
    for (int i = 0; i < COUNT; i++) {
        struct call call = {.make = receive, .argument = socket, .limit = 1 + random_below(1000) * GREEN_MICROSECOND};
        push(address, "hello");
        CHECK(run_call(&call), ==, 0);
        CHECK(call.result == 0 || call.result == EINTR);
        received += call.result == 0;
    }
    while (received < COUNT) {
        CHECK(receive(socket), ==, 0);
        received++;
    }
    CHECK(zmq_close(socket), ==, 0);
    end(patch);
}
