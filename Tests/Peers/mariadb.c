/* MariaDB by libmariadb, in its blocking calls. */
#include "servers.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

static MYSQL *try_connect(const char *host, int port, const char *password, const char *name) {
    MYSQL *database = mysql_init(NULL);
    CHECK(database != NULL);
    mysql_real_connect(database, host, "green", password, name, (unsigned)port, NULL, 0);
    return database;
}

/* A server that a test has killed takes a moment to restart. */
static MYSQL *connection(void) {
    MYSQL *database;
    UNTIL((database = try_connect("127.0.0.1", port_of("MARIADB"), "secret", NULL), mysql_errno(database) == 0) ||
          (mysql_close(database), false));
    return database;
}

/* A query and its result. */
struct query {
    MYSQL *database;
    const char *statement;
    char value[64]; /* of the first column; "" if there is none */
};

static int make_query(void *argument) {
    struct query *query = argument;
    query->value[0] = 0;
    if (mysql_query(query->database, query->statement))
        return (int)mysql_errno(query->database);
    MYSQL_RES *result = mysql_store_result(query->database);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    snprintf(query->value, sizeof query->value, "%s", row && row[0] ? row[0] : "");
    mysql_free_result(result);
    return (int)mysql_errno(query->database);
}

static const char *value_of(MYSQL *database, const char *statement) {
    static struct query query;
    query = (struct query){.database = database, .statement = statement};
    CHECK(make_query(&query), ==, 0);
    return query.value;
}

/* Shows that a new connection works. */
static void expect_service(void) {
    MYSQL *database = connection();
    CHECK_TEXT(value_of(database, "SELECT 6 * 7"), "42");
    mysql_close(database);
}

static void end(green_patch *patch) {
    mysql_library_end();
    CHECK(green_unpatch(patch), ==, 0);
}

static int take_lock(void *argument) {
    struct query query = {.database = connection(), .statement = argument};
    CHECK(make_query(&query), ==, 0);
    CHECK_TEXT(query.value, "1");
    mysql_close(query.database);
    return 0;
}

TEST(hundred, "a hundred threads wait in the server for a lock that another one holds") {
    enum { COUNT = 100 };
    green_thread *threads[COUNT];
    char take[64], give_back[64], both[128];
    green_patch *patch = import("libmariadb.so.3");
    MYSQL *database = connection();
    snprintf(take, sizeof take, "SELECT GET_LOCK('gate-%d', 0)", (int)getpid());
    snprintf(give_back, sizeof give_back, "SELECT RELEASE_LOCK('gate-%d')", (int)getpid());
    snprintf(both, sizeof both, "SELECT GET_LOCK('gate-%d', 3600) AND RELEASE_LOCK('gate-%d')", (int)getpid(),
             (int)getpid());
    CHECK_TEXT(value_of(database, take), "1");
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(take_lock, both);
    UNTIL(atoi(value_of(database, "SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User lock'")) ==
          COUNT);
    int64_t begin = green_now();
    CHECK_TEXT(value_of(database, give_back), "1");
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("libmariadb: %d that wait for a lock take and release it: %.3f s", COUNT, seconds_since(begin));
    mysql_close(database);
    end(patch);
}

static unsigned connect_error(const char *host, int port, const char *password, const char *name) {
    MYSQL *database = try_connect(host, port, password, name);
    unsigned error = mysql_errno(database);
    mysql_close(database);
    return error;
}

TEST(refused, "refusals of the server are errors of libmariadb") {
    green_patch *patch = import("libmariadb.so.3");
    expect_service();
    int port = port_of("MARIADB");
    CHECK(connect_error("127.0.0.1", refusing_port(), "secret", NULL), ==, CR_CONNECTION_ERROR);
    CHECK(connect_error("a..b", port, "secret", NULL), ==, CR_UNKNOWN_HOST);
    CHECK(connect_error("127.0.0.1", port, "wrong", NULL), ==, ER_ACCESS_DENIED_ERROR);
    CHECK(connect_error("127.0.0.1", port, "secret", "none"), ==, ER_BAD_DB_ERROR);
    struct query query = {.database = connection(), .statement = "SELEKT"};
    CHECK(make_query(&query), ==, ER_PARSE_ERROR);
    CHECK_TEXT(value_of(query.database, "SELECT 1"), "1");
    mysql_close(query.database);
    end(patch);
}

TEST(killed, "a server that is killed during queries is an error of each") {
    enum { COUNT = 10 };
    struct query queries[COUNT];
    struct call calls[COUNT];
    green_patch *patch = import("libmariadb.so.3");
    for (int i = 0; i < COUNT; i++) {
        queries[i] = (struct query){.database = connection(), .statement = "SELECT SLEEP(3600)"};
        calls[i] = (struct call){.make = make_query, .argument = &queries[i]};
    }
    call_together(calls, COUNT, kill_server, "MARIADB");
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, CR_SERVER_LOST);
        mysql_close(queries[i].database);
    }
    expect_service();
    end(patch);
}

TEST(interrupted, "a green timeout and a kill end a query as errors of libmariadb") {
    green_patch *patch = import("libmariadb.so.3");
    struct query query = {.database = connection(), .statement = "SELECT SLEEP(3600)"};
    struct call call = {.make = make_query, .argument = &query, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, CR_SERVER_LOST);
    mysql_close(query.database);
    expect_service();

    query.database = connection();
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, CR_SERVER_LOST);
    mysql_close(query.database);
    expect_service();
    end(patch);
}

static int connect_to_silence(void *argument) {
    green_listener *silent = argument;
    return (int)connect_error("127.0.0.1", atoi(strchr(address_of(silent), ':') + 1), "secret", NULL);
}

TEST(connect, "a green timeout and a kill end a connect to a silent server") {
    green_patch *patch = import("libmariadb.so.3");
    green_listener *silent = listen_any(TCP4);
    struct call call = {.make = connect_to_silence, .argument = silent, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, CR_SERVER_LOST);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, CR_SERVER_LOST);
    green_listener_release(silent);
    expect_service();
    end(patch);
}

static int connect_and_sleep(void *argument) {
    (void)argument;
    struct query query = {.database = try_connect("127.0.0.1", port_of("MARIADB"), "secret", NULL),
                          .statement = "SELECT SLEEP(0.02)"};
    int error = (int)mysql_errno(query.database);
    if (!error)
        error = make_query(&query);
    mysql_close(query.database);
    return error;
}

TEST(hurry, "libmariadb reports a timeout at any point and leaves nothing behind") {
    enum { COUNT = 100 };
    struct call calls[COUNT];
    green_patch *patch = import("libmariadb.so.3");
    expect_service();
    for (int i = 0; i < COUNT; i++)
        calls[i] = (struct call){.make = connect_and_sleep};
    size_t in_time = call_in_a_hurry(calls, COUNT, 100 * GREEN_MILLISECOND);
    figure("libmariadb: %zu connects and queries in time, %zu ended by a timeout", in_time, COUNT - in_time);
    for (int i = 0; i < COUNT; i++)
        CHECK(calls[i].is_late || calls[i].result == 0);
    expect_service();
    end(patch);
}
