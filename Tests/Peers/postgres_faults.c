/* Faults of PostgreSQL, and interrupts, are ordinary errors of libpq. */
#include "queries.h"

#include <signal.h>

TEST(query_error, "an error of a query is an error of that query") {
    green_patch *patch = import("libpq.so.5");
    PGconn *connection = database("");
    struct query query = {.statement = "SELECT 1 / 0", .connection = connection};
    make_query(&query);
    CHECK(query.status, ==, PGRES_FATAL_ERROR);
    CHECK_TEXT(query.state, "22012");
    expect_value(connection, "SELECT 1", "1");
    PQfinish(connection);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(refused, "a refused connection is reported as such") {
    green_patch *patch = import("libpq.so.5");
    char text[64];
    snprintf(text, sizeof text, "hostaddr=127.0.0.1 port=%d user=green", refusing_port());
    CHECK(green_yield(), ==, 0);
    PGconn *connection = PQconnectdb(text);
    CHECK(PQstatus(connection), ==, CONNECTION_BAD);
    CHECK_CONTAINS(PQerrorMessage(connection), "Connection refused");
    PQfinish(connection);
    CHECK(green_unpatch(patch), ==, 0);
}

/* A sleeping query in its own thread, which the server has begun. */
struct sleeper {
    struct query query;
    struct call call;
    green_thread *thread;
};

static void begin_sleeper(struct sleeper *sleeper, PGconn *watcher, PGconn *connection) {
    sleeper->query = (struct query){.statement = "SELECT pg_sleep(3600)", .connection = connection};
    sleeper->call = (struct call){.make = make_query, .argument = &sleeper->query};
    sleeper->thread = start(run_call, &sleeper->call);
    wait_until_active(watcher, connection);
    CHECK(sleeper->call.is_inside);
}

TEST(terminated, "a session that is terminated during a query is an error of libpq") {
    green_patch *patch = import("libpq.so.5");
    PGconn *connection = database(""), *other = database("");
    char statement[64];
    struct sleeper sleeper;
    begin_sleeper(&sleeper, other, connection);
    snprintf(statement, sizeof statement, "SELECT pg_terminate_backend(%d)", PQbackendPID(connection));
    expect_value(other, statement, "t");
    CHECK(finish(sleeper.thread), ==, 0);
    CHECK(sleeper.query.status, ==, PGRES_FATAL_ERROR);
    CHECK_CONTAINS(sleeper.query.error, "terminating connection due to administrator command");
    CHECK(PQstatus(connection), ==, CONNECTION_BAD);
    PQfinish(connection);
    PQfinish(other);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(canceled, "a cancel request from another green thread ends a query") {
    green_patch *patch = import("libpq.so.5");
    PGconn *connection = database(""), *other = database("");
    char error[256] = "";
    struct sleeper sleeper;
    begin_sleeper(&sleeper, other, connection);
    PGcancel *cancel = PQgetCancel(connection);
    CHECK(PQcancel(cancel, error, sizeof error));
    CHECK_TEXT(error, "");
    PQfreeCancel(cancel);
    CHECK(finish(sleeper.thread), ==, 0);
    CHECK_TEXT(sleeper.query.state, "57014");
    expect_value(connection, "SELECT 2", "2");
    PQfinish(connection);
    PQfinish(other);
    CHECK(green_unpatch(patch), ==, 0);
}

/* The server that tests kill takes a moment to restart. */
static PGconn *victim(void) {
    PGconn *connection;
    UNTIL((connection = PQconnectdb(peer("GREEN_PEERS_POSTGRES_VICTIM")), PQstatus(connection) == CONNECTION_OK) ||
          (PQfinish(connection), false));
    return connection;
}

TEST(killed, "a server that is killed during a query is an error of libpq") {
    green_patch *patch = import("libpq.so.5");
    PGconn *connection = victim(), *other = victim();
    struct sleeper sleeper;
    begin_sleeper(&sleeper, other, connection);
    CHECK(kill(PQbackendPID(connection), SIGKILL), ==, 0);
    CHECK(finish(sleeper.thread), ==, 0);
    CHECK(sleeper.query.status, ==, PGRES_FATAL_ERROR);
    CHECK_CONTAINS(sleeper.query.error, "server closed the connection unexpectedly");
    CHECK(PQstatus(connection), ==, CONNECTION_BAD);
    PQfinish(connection);
    PQfinish(other);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(timeout, "a green timeout ends a query as libpq's own error") {
    green_patch *patch = import("libpq.so.5");
    PGconn *connection = database("");
    struct query query = {.statement = "SELECT pg_sleep(3600)", .connection = connection};
    struct call call = {.make = make_query, .argument = &query, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(query.status, ==, PGRES_FATAL_ERROR);
    CHECK_CONTAINS(query.error, strerror(ETIMEDOUT));
    PQfinish(connection);

    connection = database("");
    expect_value(connection, "SELECT 3", "3");
    PQfinish(connection);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(kill, "a kill during a query is an error of libpq, whose connection can still be closed") {
    green_patch *patch = import("libpq.so.5");
    const char *const modes[] = {"", "sslmode=require"};
    for (int i = 0; i < 2; i++) {
        PGconn *connection = database(modes[i]);
        struct query query = {.statement = "SELECT pg_sleep(3600)", .connection = connection};
        struct call call = {.make = make_query, .argument = &query};
        kill_call(&call);
        CHECK(query.status, ==, PGRES_FATAL_ERROR);
        CHECK_CONTAINS(query.error, strerror(ECANCELED));
        PQfinish(connection);
    }
    CHECK(green_unpatch(patch), ==, 0);
}

static int connect_to_silence(void *argument) {
    PGconn **connection = argument;
    char text[64];
    green_listener *silent = listen_any(TCP4);
    snprintf(text, sizeof text, "hostaddr=127.0.0.1 port=%s user=green", strchr(address_of(silent), ':') + 1);
    *connection = PQconnectdb(text);
    green_listener_release(silent);
    return PQstatus(*connection) == CONNECTION_OK;
}

TEST(kill_connect, "a kill and a timeout end a connect to a silent server") {
    green_patch *patch = import("libpq.so.5");
    PGconn *connection = NULL;
    struct call call = {.make = connect_to_silence, .argument = &connection};
    kill_call(&call);
    CHECK(call.result, ==, 0);
    CHECK_CONTAINS(PQerrorMessage(connection), strerror(ECANCELED));
    PQfinish(connection);

    call.limit = 100 * GREEN_MILLISECOND;
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK_CONTAINS(PQerrorMessage(connection), strerror(ETIMEDOUT));
    PQfinish(connection);
    CHECK(green_unpatch(patch), ==, 0);
}

static size_t in_time, too_late;

/* Function of a thread: connects and makes a query. Only each tenth has enough time. */
static int hurry(void *argument) {
    char text[512];
    green_timeout *limit = NULL;
    const char *mode = argument;
    snprintf(text, sizeof text, "%s %s", peer("GREEN_PEERS_POSTGRES"), mode);
    int64_t time = random_below(10) > 0 ? random_below(400) * GREEN_MILLISECOND / 2 : GREEN_FOREVER;
    CHECK(green_timeout_start(&limit, time), ==, 0);
    PGconn *connection = PQconnectdb(text);
    struct query query = {.statement = "SELECT 5 FROM pg_sleep(0.02)", .connection = connection};
    if (PQstatus(connection) == CONNECTION_OK)
        make_query(&query);
    bool late = green_timeout_has_fired(limit);
    green_timeout_free(limit);
    if (late) {
        CHECK_CONTAINS(PQerrorMessage(connection), strerror(ETIMEDOUT));
        too_late++;
    } else {
        CHECK_TEXT(query.value, "5");
        in_time++;
    }
    PQfinish(connection);
    return 0;
}

TEST(hurry, "libpq reports a timeout at any point and leaves nothing behind") {
    enum { COUNT = 150 };
    green_thread *threads[COUNT];
    green_patch *patch = import("libpq.so.5");
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(hurry, i % 2 ? "sslmode=require" : "");
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("libpq: %zu connects and queries in time, %zu ended by a timeout", in_time, too_late);
    CHECK(green_unpatch(patch), ==, 0);
}
