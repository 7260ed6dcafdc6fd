/* SQLite on one OS thread, patched: its locks must be green as well as its files, because it
 * holds them while it reads and writes. */
#include "peers.h"

#include <sqlite3.h>

enum { COUNT = 40, ROUNDS = 20 };

static green_patch *import_sqlite(void) {
    green_import_options options = {.families = GREEN_PATCH_ALL | GREEN_PATCH_LOCK | GREEN_PATCH_FILE};
    green_patch *patch;
    CHECK(green_import_patched(&patch, "libsqlite3.so.0", &options), ==, 0);
    return patch;
}

static sqlite3 *open_database(const char *path) {
    sqlite3 *database;
    CHECK(sqlite3_open(path, &database), ==, SQLITE_OK);
    CHECK(sqlite3_busy_timeout(database, 60000), ==, SQLITE_OK);
    return database;
}

static void execute(sqlite3 *database, const char *statement) {
    char *message = NULL;
    int error = sqlite3_exec(database, statement, NULL, NULL, &message);
    CHECK_TEXT(message ? message : "", "");
    CHECK(error, ==, SQLITE_OK);
}

static int number_of(sqlite3 *database, const char *query) {
    sqlite3_stmt *statement;
    CHECK(sqlite3_prepare_v2(database, query, -1, &statement, NULL), ==, SQLITE_OK);
    CHECK(sqlite3_step(statement), ==, SQLITE_ROW);
    int number = sqlite3_column_int(statement, 0);
    CHECK(sqlite3_finalize(statement), ==, SQLITE_OK);
    return number;
}

/* Many connections ------------------------------------------------------------------ */

static char path[256];

static int insert_by_own_connection(void *unused) {
    (void)unused;
    sqlite3 *database = open_database(path);
    for (int i = 0; i < ROUNDS; i++)
        execute(database, "INSERT INTO numbers VALUES (1)");
    CHECK(sqlite3_close(database), ==, SQLITE_OK);
    return 0;
}

static void insert_all(const char *journal) {
    green_thread *threads[COUNT];
    char pragma[64];
    snprintf(path, sizeof path, "%s/database", make_directory());
    snprintf(pragma, sizeof pragma, "PRAGMA journal_mode = %s", journal);
    sqlite3 *database = open_database(path);
    execute(database, pragma);
    execute(database, "CREATE TABLE numbers (number INTEGER)");
    int64_t before = green_now();
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(insert_by_own_connection, NULL);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("sqlite3, patched, journal %s: %d inserts by %d connections of one OS thread in %.2f s", journal,
           COUNT * ROUNDS, COUNT, seconds_since(before));
    CHECK(number_of(database, "SELECT sum(number) FROM numbers"), ==, COUNT * ROUNDS);
    CHECK(sqlite3_close(database), ==, SQLITE_OK);
    remove_directory();
}

TEST(connections, "green threads write to one file, each by its own connection") {
    green_patch *patch = import_sqlite();
    insert_all("delete");
    insert_all("wal");
    CHECK(green_unpatch(patch), ==, 0);
}

/* One connection ---------------------------------------------------------------------- */

static int inside, most, asked;

/* An SQL function that waits while the connection's mutex is held. */
static void wait_in_query(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count, (void)values;
    if (++inside > most)
        most = inside;
    CHECK(green_sleep(100 * GREEN_MICROSECOND), ==, 0);
    inside--;
    sqlite3_result_int(context, ++asked);
}

static int ask_shared_connection(void *database) {
    for (int i = 0; i < ROUNDS; i++)
        CHECK(number_of(database, "SELECT waits()"), >, 0);
    return 0;
}

TEST(one_connection, "green threads that share a connection use it one after the other") {
    green_patch *patch = import_sqlite();
    green_thread *threads[COUNT];
    sqlite3 *database = open_database(":memory:");
    CHECK(sqlite3_create_function(database, "waits", 0, SQLITE_UTF8, NULL, wait_in_query, NULL, NULL), ==, SQLITE_OK);
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(ask_shared_connection, database);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(asked, ==, COUNT * ROUNDS);
    CHECK(most, ==, 1);
    CHECK(sqlite3_close(database), ==, SQLITE_OK);
    CHECK(green_unpatch(patch), ==, 0);
}
