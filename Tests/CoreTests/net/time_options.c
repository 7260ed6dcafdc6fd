/* Values of 0, negative and huge values have the same meaning in all options and delays. */
#include "times.h"

/* Options: 0 is the default ------------------------------------------------- */

static char full[64]; /* the address of a server without room */

static green_listener *full_server(green_socket **clients, int count) {
    green_listener *listener;
    green_listen_options options = {.backlog = 1};
    snprintf(full, sizeof full, "unix:@green-test-times-%d", (int)getpid());
    CHECK(green_listen(&listener, full, &options), ==, 0);
    green_connect_options limited = {.timeout = 20 * GREEN_MILLISECOND};
    int error = 0;
    for (int i = 0; i < count && error == 0; i++)
        error = green_connect(&clients[i], full, &limited);
    CHECK(error, ==, -ETIMEDOUT);
    return listener;
}

static green_listener *roomy;

static int connect_to_roomy(int64_t timeout) {
    green_socket *client = NULL;
    int error = green_connect(&client, address_of(roomy), &(green_connect_options){.timeout = timeout});
    green_socket_release(client);
    if (error == 0)
        green_socket_release(accept_from(roomy));
    return error;
}

static int connect_to_full(int64_t timeout) {
    green_socket *client = NULL;
    return green_connect(&client, full, &(green_connect_options){.timeout = timeout});
}

static int connect_address_to_full(int64_t timeout) {
    green_socket *client = NULL;
    green_address address;
    CHECK(green_address_parse(&address, full), ==, 0);
    return green_connect_address(&client, &address, &(green_connect_options){.timeout = timeout});
}

TEST(connects, "the timeout of connect options: 0, negative and huge values mean no limit") {
    static const struct timed calls[] = {
        {"green_connect", connect_to_roomy, connect_to_full, false},
        {"green_connect_address", NULL, connect_address_to_full, false},
        {0},
    };
    green_socket *clients[16] = {NULL};
    green_listener *listener = full_server(clients, 16);
    roomy = listen_any(TCP4);
    check_options(calls);
    for (int i = 0; i < 16; i++)
        green_socket_release(clients[i]);
    green_listener_release(listener);
    green_listener_release(roomy);
}

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

TEST(idle, "the idle time of an offload pool: any value is valid, and the shortest ends OS threads") {
    static const int64_t times[] = {INT64_MIN, GREEN_FOREVER, 0, 1, INT64_MAX};
    CHECK(green_offload(NULL, nothing, NULL, NULL, NULL, GREEN_FOREVER), ==, 0);
    size_t before = os_threads();
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        green_offload_pool *pool;
        CHECK(green_offload_pool_make(&pool, &(green_offload_options){.idle = times[i], .threads = 1}), ==, 0);
        for (int call = 0; call < 3; call++)
            CHECK(green_offload(pool, nothing, NULL, NULL, NULL, GREEN_FOREVER), ==, 0);
        if (times[i] == 1) {
            UNTIL(os_threads() <= before);
        } else {
            CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
            CHECK(os_threads(), ==, before + 1);
        }
        green_offload_pool_free(pool);
        UNTIL(os_threads() <= before);
    }
}

TEST(monitor, "the limit of the monitor: 0 means the default, and invalid values are refused") {
    static const int64_t refused[] = {INT64_MIN, GREEN_FOREVER, 1}, taken[] = {0, GREEN_MILLISECOND, INT64_MAX};
    for (size_t i = 0; i < 3; i++)
        CHECK(green_monitor_start(&(green_monitor_options){.limit = refused[i]}), ==, -EINVAL);
    for (size_t i = 0; i < 3; i++) {
        CHECK(green_monitor_start(&(green_monitor_options){.limit = taken[i]}), ==, 0);
        CHECK(green_yield(), ==, 0);
        CHECK(green_monitor_stop(), ==, 0);
    }
}

/* Delays --------------------------------------------------------------------- */

static const int64_t at_once[] = {INT64_MIN, -1, 0};

static int sleep_for(void *nanoseconds) {
    return green_sleep(*(int64_t *)nanoseconds);
}

TEST(sleeps, "a sleep of 0 or less yields, a huge one sleeps until it is interrupted") {
    int64_t longest = INT64_MAX;
    for (size_t i = 0; i < 3; i++) {
        green_thread *other = start(nothing, NULL);
        CHECK(green_sleep(at_once[i]), ==, 0);
        CHECK(green_thread_is_finished(other));
        CHECK(finish(other), ==, 0);
    }
    CHECK(green_sleep(1), ==, 0);
    green_thread *sleeper = start(sleep_for, &longest);
    CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
    CHECK(!green_thread_is_finished(sleeper));
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
}

TEST(delays, "a delay of 0 or less means no delay, and a huge one never expires") {
    green_thread *thread;
    for (size_t i = 0; i < 3; i++) {
        CHECK(green_spawn_after(&thread, at_once[i], nothing, NULL), ==, 0);
        CHECK(green_yield(), ==, 0);
        CHECK(green_thread_is_finished(thread));
        CHECK(finish(thread), ==, 0);
        CHECK(green_spawn_with(&thread, &(green_spawn_options){.delay = at_once[i]}, nothing, NULL), ==, 0);
        CHECK(green_yield(), ==, 0);
        CHECK(finish(thread), ==, 0);
    }
    CHECK(green_spawn_after(&thread, 1, nothing, NULL), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(green_spawn_after(&thread, INT64_MAX, nothing, NULL), ==, 0);
    CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
    CHECK(green_thread_cancel(thread), ==, 1);
    CHECK(finish(thread), ==, -ECANCELED);
}

TEST(limits, "a green_timeout: negative never fires, 0 fires at once, and a huge one never expires") {
    static const int64_t never[] = {INT64_MIN, GREEN_FOREVER, INT64_MAX};
    green_timeout *limit;
    for (size_t i = 0; i < 3; i++) {
        CHECK(green_timeout_start(&limit, never[i]), ==, 0);
        CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
        CHECK(!green_timeout_has_fired(limit));
        CHECK(green_timeout_is_pending(limit), ==, never[i] > 0);
        green_timeout_free(limit);
    }
    CHECK(green_timeout_start(&limit, 0), ==, 0);
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(limit);
    CHECK(green_timeout_start(&limit, 1), ==, 0);
    CHECK(green_sleep(INT64_MAX), ==, -ETIME);
    green_timeout_free(limit);
}

/* A drain -------------------------------------------------------------------- */

static int running;

static int read_until_killed(green_socket *client, void *context) {
    char byte;
    (void)context;
    running++;
    ssize_t result = green_read(client, &byte, 1);
    running--;
    return result < 0 ? (int)result : 0;
}

static int serve(void *listener) {
    return green_serve(listener, NULL, read_until_killed, NULL);
}

struct stop {
    green_listener *listener;
    int64_t drain;
};

static int stop(void *argument) {
    struct stop *stop = argument;
    return green_listener_stop(stop->listener, stop->drain);
}

static void check_drain(int64_t drain, bool kills) {
    struct stop order = {listen_any(TCP4), drain};
    green_thread *server = start(serve, order.listener);
    green_socket *client = connect_to(order.listener);
    UNTIL(running == 1);
    green_thread *stopper = start(stop, &order);
    if (!kills) {
        CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
        CHECK(running, ==, 1);
        send_text(client, "x");
    }
    CHECK(finish(stopper), ==, kills ? 1 : 0);
    CHECK(finish(server), ==, 0);
    green_socket_release(client);
    green_listener_release(order.listener);
}

TEST(drains, "a drain: negative and huge values mean no limit, 0 does not wait") {
    check_drain(INT64_MIN, false);
    check_drain(GREEN_FOREVER, false);
    check_drain(INT64_MAX, false);
    check_drain(0, true);
    check_drain(1, true);
}
