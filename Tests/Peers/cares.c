/* A DNS server by c-ares. The program waits for c-ares by select(), and is patched itself. */
#include "servers.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/select.h>

/* A look-up and its result. */
struct look_up {
    ares_channel channel;
    const char *name;
    int status; /* of c-ares; -1 as long as there is none */
    char address[INET_ADDRSTRLEN];
};

static void answered(void *context, int status, int timeouts, struct hostent *host) {
    (void)timeouts;
    struct look_up *look_up = context;
    look_up->status = status;
    if (status == ARES_SUCCESS)
        CHECK(inet_ntop(AF_INET, host->h_addr_list[0], look_up->address, sizeof look_up->address) != NULL);
}

/* Looks up a name. Cancels the look-up if select() fails. Returns the status. */
static int make_look_up(void *argument) {
    struct look_up *look_up = argument;
    look_up->status = -1;
    ares_gethostbyname(look_up->channel, look_up->name, AF_INET, answered, look_up);
    while (look_up->status < 0) {
        fd_set readable, writable;
        struct timeval limit;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        int count = ares_fds(look_up->channel, &readable, &writable);
        if (select(count, &readable, &writable, NULL, ares_timeout(look_up->channel, NULL, &limit)) < 0)
            ares_cancel(look_up->channel);
        else
            ares_process(look_up->channel, &readable, &writable);
    }
    return look_up->status;
}

static ares_channel channel_to(int port, int milliseconds) {
    char server[32];
    ares_channel channel;
    struct ares_options options = {.timeout = milliseconds, .tries = 1, .lookups = (char *)(uintptr_t) "b"};
    CHECK(ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS), ==,
          ARES_SUCCESS);
    snprintf(server, sizeof server, "127.0.0.1:%d", port);
    CHECK(ares_set_servers_ports_csv(channel, server), ==, ARES_SUCCESS);
    return channel;
}

static int result_of(int port, const char *name, int milliseconds) {
    struct look_up look_up = {.channel = channel_to(port, milliseconds), .name = name};
    int result = make_look_up(&look_up);
    if (result == ARES_SUCCESS)
        CHECK_TEXT(look_up.address, "192.0.2.7");
    ares_destroy(look_up.channel);
    return result;
}

enum { HOUR = 3600 * 1000 };

/* Waits until the server answers. */
static void expect_service(void) {
    UNTIL(result_of(port_of("DNS"), "name.green.test", HOUR) == ARES_SUCCESS);
}

static green_patch *begin(void) {
    green_patch *patch = NULL;
    CHECK(ares_library_init(ARES_LIB_INIT_ALL), ==, ARES_SUCCESS);
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_ALL), ==, 0);
    CHECK(green_is_patched("libcares.so.2"));
    CHECK(green_yield(), ==, 0);
    return patch;
}

static void end(green_patch *patch) {
    CHECK(green_unpatch(patch), ==, 0);
    ares_library_cleanup();
}

TEST(hundred, "a hundred threads look up names at a stopped server") {
    enum { COUNT = 100 };
    char names[COUNT][32];
    struct look_up look_ups[COUNT];
    struct call calls[COUNT];
    green_patch *patch = begin();
    expect_service();
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "name-%d.green.test", i);
        look_ups[i] = (struct look_up){.channel = channel_to(port_of("DNS"), HOUR), .name = names[i]};
        calls[i] = (struct call){.make = make_look_up, .argument = &look_ups[i]};
    }
    stop_server("DNS");
    int64_t begin = green_now();
    call_together(calls, COUNT, continue_server, "DNS");
    figure("c-ares: %d that wait for a stopped server look up names: %.3f s", COUNT, seconds_since(begin));
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, ARES_SUCCESS);
        CHECK_TEXT(look_ups[i].address, "192.0.2.7");
        ares_destroy(look_ups[i].channel);
    }
    end(patch);
}

TEST(refused, "refusals of the server are errors of c-ares") {
    green_patch *patch = begin();
    expect_service();
    ares_channel channel = channel_to(53, HOUR);
    CHECK(ares_set_servers_ports_csv(channel, "not an address"), ==, ARES_EBADSTR);
    ares_destroy(channel);
    CHECK(result_of(port_of("DNS"), "a..b", HOUR), ==, ARES_EBADNAME);
    CHECK(result_of(port_of("DNS"), "name.none.test", HOUR), ==, ARES_ENOTFOUND);
    CHECK(result_of(port_of("DNS"), "name.other.test", HOUR), ==, ARES_ECONNREFUSED); /* its answer REFUSED */
    CHECK(result_of(refusing_port(), "name.green.test", HOUR), ==, ARES_ECONNREFUSED);
    end(patch);
}

TEST(killed, "a server that is killed during look-ups is an error of each") {
    enum { COUNT = 10 };
    struct look_up look_ups[COUNT];
    struct call calls[COUNT];
    green_patch *patch = begin();
    expect_service();
    for (int i = 0; i < COUNT; i++) {
        look_ups[i] = (struct look_up){.channel = channel_to(port_of("DNS"), 500), .name = "name.green.test"};
        calls[i] = (struct call){.make = make_look_up, .argument = &look_ups[i]};
    }
    stop_server("DNS");
    call_together(calls, COUNT, kill_server, "DNS");
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, ARES_ETIMEOUT); /* by UDP, nothing else tells of it */
        ares_destroy(look_ups[i].channel);
    }
    expect_service();
    end(patch);
}

TEST(interrupted, "a green timeout and a kill end the select() around c-ares") {
    green_patch *patch = begin();
    expect_service();
    struct look_up look_up = {.channel = channel_to(port_of("DNS"), HOUR), .name = "name.green.test"};
    struct call call = {.make = make_look_up, .argument = &look_up, .limit = 100 * GREEN_MILLISECOND};
    stop_server("DNS");
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, ARES_ECANCELLED);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, ARES_ECANCELLED);
    continue_server("DNS");
    CHECK(make_look_up(&look_up), ==, ARES_SUCCESS);
    ares_destroy(look_up.channel);
    end(patch);
}
