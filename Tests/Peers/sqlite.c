/* SQLite makes no call that Green patches here, so its queries are offloaded. */
#include "peers.h"

#include <sqlite3.h>
#include <stdatomic.h>

static atomic_int ticks;
static bool is_over;

/* Function of a thread that must not be blocked. */
static int tick(void *argument) {
    (void)argument;
    int error = 0;
    while (!is_over && error == 0) {
        error = green_sleep(GREEN_MILLISECOND);
        atomic_fetch_add(&ticks, 1);
    }
    return error;
}

/* An SQL function that returns after the green threads of the other OS thread have run. If
 * the query blocked them, it would never return. */
static void wait_for_ticks(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    int until = atomic_load(&ticks) + sqlite3_value_int(values[0]);
    while (atomic_load(&ticks) < until)
        usleep(1000);
    sqlite3_result_int(context, 1);
}

/* A query on its own database, on a worker. */
struct query {
    const char *path;
    const char *statement;
    sqlite3_int64 value;
};

static int ask(void *argument) {
    struct query *query = argument;
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    int error = sqlite3_open(query->path, &database);
    if (error == SQLITE_OK)
        error = sqlite3_busy_timeout(database, 30000);
    if (error == SQLITE_OK)
        error = sqlite3_create_function(database, "ticks", 1, SQLITE_UTF8, NULL, wait_for_ticks, NULL, NULL);
    if (error == SQLITE_OK)
        error = sqlite3_prepare_v2(database, query->statement, -1, &statement, NULL);
    while (error == SQLITE_OK || error == SQLITE_ROW) {
        if (error == SQLITE_ROW)
            query->value = sqlite3_column_int64(statement, 0);
        error = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return error == SQLITE_DONE ? 0 : error;
}

static int offloaded(struct query *query) {
    int result = 0;
    CHECK(green_offload(NULL, ask, query, NULL, &result, GREEN_FOREVER), ==, 0);
    return result;
}

/* Function of a thread. */
static int offload_query(void *argument) {
    return offloaded(argument);
}

TEST(ticks, "queries that take long do not block other threads") {
    enum { COUNT = 40 };
    green_thread *threads[COUNT];
    struct query queries[COUNT];
    green_thread *ticking = start(tick, NULL);
    for (int i = 0; i < COUNT; i++) {
        queries[i] = (struct query){.path = ":memory:", .statement = "SELECT 42 WHERE ticks(20)"};
        threads[i] = start(offload_query, &queries[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK(finish(threads[i]), ==, 0);
        CHECK(queries[i].value, ==, 42);
    }
    figure("sqlite3: %d ticks of a green thread during %d offloaded queries", atomic_load(&ticks), COUNT);
    is_over = true;
    CHECK(finish(ticking), ==, 0);
}

TEST(one_file, "many threads write to one database") {
    enum { COUNT = 20 };
    char path[256];
    green_thread *threads[COUNT];
    struct query queries[COUNT];
    snprintf(path, sizeof path, "%s/database", make_directory());
    struct query query = {.path = path, .statement = "CREATE TABLE numbers (number INTEGER)"};
    CHECK(offloaded(&query), ==, 0);
    for (int i = 0; i < COUNT; i++) {
        queries[i] = (struct query){.path = path, .statement = "INSERT INTO numbers VALUES (1) RETURNING 5"};
        threads[i] = start(offload_query, &queries[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK(finish(threads[i]), ==, 0);
        CHECK(queries[i].value, ==, 5);
    }
    query.statement = "SELECT sum(number) FROM numbers";
    CHECK(offloaded(&query), ==, 0);
    CHECK(query.value, ==, COUNT);
    query.statement = "SELECT * FROM nothing";
    CHECK(offloaded(&query), ==, SQLITE_ERROR);
    remove_directory();
}
