/* Hundreds of connections to PostgreSQL on one OS thread, by libpq's blocking
 * calls. */
#include "queries.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_size_t inside; /* also of other OS threads */
static size_t most;

/* Function of a thread: connects, lets the server sleep, and reads a value. */
static int sleep_and_ask(void *argument) {
    int number = *(int *)argument;
    char statement[64], expected[16];
    PGconn *connection = database("");
    most = ++inside > most ? inside : most;
    snprintf(statement, sizeof statement, "SELECT %d FROM pg_sleep(0.2)", number);
    snprintf(expected, sizeof expected, "%d", number);
    expect_value(connection, statement, expected);
    inside--;
    PQfinish(connection);
    return 0;
}

TEST(two_hundred, "two hundred connections sleep in the server at the same time") {
    enum { COUNT = 200 };
    green_thread *threads[COUNT];
    int numbers[COUNT];
    green_patch *patch = import("libpq.so.5");
    int64_t begin = green_now();
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = i;
        threads[i] = start(sleep_and_ask, &numbers[i]);
    }
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("libpq: %d times connect and pg_sleep(0.2) on one OS thread: %.2f s; one by one it is more than %.0f s",
           COUNT, seconds_since(begin), COUNT * 0.2);
    CHECK(most, >, 1);
    CHECK(green_unpatch(patch), ==, 0);
}

/* Function of a thread: waits for a lock that the test holds. */
static int wait_for_lock(void *argument) {
    PGconn *connection = database("");
    inside++;
    expect_value(connection, argument, "passed");
    inside--;
    PQfinish(connection);
    return 0;
}

TEST(all_inside, "a hundred queries wait for a lock that another query releases") {
    enum { COUNT = 100 };
    green_thread *threads[COUNT];
    green_patch *patch = import("libpq.so.5");
    PGconn *holder = database("");
    expect_value(holder, "SELECT pg_advisory_lock(17)", "");
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(wait_for_lock, "SELECT 'passed' || pg_advisory_lock_shared(17)");
    struct query waiting = {.statement = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
                            .connection = holder};
    UNTIL((make_query(&waiting), strcmp(waiting.value, "100") == 0));
    CHECK(inside, ==, COUNT);
    expect_value(holder, "SELECT pg_advisory_unlock(17)", "t");
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    PQfinish(holder);
    CHECK(green_unpatch(patch), ==, 0);
}

/* Function of a thread: sends and receives much data. */
static int move_much(void *argument) {
    (void)argument;
    enum { SIZE = 4 << 20 };
    PGconn *connection = database("");
    char *text = malloc(SIZE + 1);
    memset(text, 'x', SIZE);
    text[SIZE] = 0;
    const char *values[] = {text};
    PGresult *result =
        PQexecParams(connection, "SELECT $1::text || 'y' FROM generate_series(1, 3)", 1, NULL, values, NULL, NULL, 0);
    CHECK(PQntuples(result), ==, 3);
    for (int row = 0; row < 3; row++) {
        CHECK(PQgetlength(result, row, 0), ==, SIZE + 1);
        CHECK(memcmp(PQgetvalue(result, row, 0), text, SIZE), ==, 0);
        CHECK(PQgetvalue(result, row, 0)[SIZE], ==, 'y');
    }
    PQclear(result);
    free(text);
    PQfinish(connection);
    return 0;
}

TEST(much, "ten threads send and receive megabytes") {
    green_thread *threads[10];
    green_patch *patch = import("libpq.so.5");
    for (int i = 0; i < 10; i++)
        threads[i] = start(move_much, NULL);
    for (int i = 0; i < 10; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

/* Function of a thread: a query by TLS to a host name. */
static int ask_by_tls(void *argument) {
    (void)argument;
    char further[256];
    snprintf(further, sizeof further, "host=localhost sslmode=verify-full sslrootcert='%s'",
             peer("GREEN_PEERS_CERTIFICATE"));
    PGconn *connection = database(further);
    CHECK(PQsslInUse(connection));
    most = ++inside > most ? inside : most;
    expect_value(connection, "SELECT ssl FROM pg_stat_ssl, pg_sleep(0.1) WHERE pid = pg_backend_pid()", "t");
    inside--;
    PQfinish(connection);
    return 0;
}

TEST(tls, "sixty connections by TLS, with the server's certificate verified") {
    enum { COUNT = 60 };
    green_thread *threads[COUNT];
    green_patch *patch = import("libpq.so.5");
    int64_t begin = green_now();
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(ask_by_tls, NULL);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("libpq: %d times connect by TLS and pg_sleep(0.1): %.2f s", COUNT, seconds_since(begin));
    CHECK(most, >, 1);
    CHECK(green_unpatch(patch), ==, 0);
}

/* Function of an OS thread with its own hub, whose green threads make queries. */
static void *ask_beside(void *argument) {
    (void)argument;
    green_thread *threads[20];
    for (int i = 0; i < 20; i++)
        threads[i] = start(wait_for_lock, "SELECT 'passed' || pg_advisory_lock_shared(18)");
    for (int i = 0; i < 20; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(beside, "three OS threads make queries with one patch for all of them") {
    pthread_t threads[3];
    green_patch *patch = import("libpq.so.5");
    PGconn *holder = database("");
    expect_value(holder, "SELECT pg_advisory_lock(18)", "");
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, ask_beside, NULL), ==, 0);
    struct query waiting = {.statement = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
                            .connection = holder};
    UNTIL((make_query(&waiting), strcmp(waiting.value, "60") == 0));
    expect_value(holder, "SELECT pg_advisory_unlock(18)", "t");
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
    PQfinish(holder);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(everything, "the same works in a program that is patched as a whole") {
    green_thread *threads[20];
    int numbers[20];
    green_patch *patch = NULL;
    CHECK(green_monkey_patch(&patch, 0), ==, 0);
    for (int i = 0; i < 20; i++) {
        numbers[i] = i;
        threads[i] = start(sleep_and_ask, &numbers[i]);
    }
    for (int i = 0; i < 20; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(most, >, 1);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(no_hub, "without a hub the patched library blocks as before") {
    green_patch *patch = import("libpq.so.5");
    PGconn *connection = database("");
    expect_value(connection, "SELECT 7 FROM pg_sleep(0.05)", "7");
    PQfinish(connection);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(report, "a patch reports that libpq polls, and no longer after it is undone") {
    green_patch *patch = import("libpq.so.5");
    green_patch_line line;
    bool polls = false;
    for (size_t i = 0; green_patch_report(patch, i, &line); i++) {
        polls |= strstr(line.object, "libpq.so.5") && strcmp(line.symbol, "poll") == 0;
    }
    CHECK(polls);
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!green_is_patched("libpq.so.5"));
}
