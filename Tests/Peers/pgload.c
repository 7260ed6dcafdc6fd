/* The libpq client in C, against PostgreSQL. */
#include "../Examples/program.h"
#include "queries.h"

TEST(at_one_time, "the connections of the example run their statements at the same time") {
    const char *server = peer("GREEN_PEERS_POSTGRES");
    PGconn *holder = database("");
    expect_value(holder, "SELECT pg_advisory_lock(19)", "");
    struct program program = run_example((const char *const[4]){"50", server, "SELECT pg_advisory_lock_shared(19)"});
    struct query waiting = {.statement = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 19 "
                                         "AND NOT granted",
                            .connection = holder};
    UNTIL((make_query(&waiting), strcmp(waiting.value, "50") == 0));
    expect_value(holder, "SELECT pg_advisory_unlock(19)", "t");
    CHECK_CONTAINS(next_line(&program), "50 connections, 0 failed: ");
    CHECK(end_of(&program), ==, 0);
    PQfinish(holder);
}

TEST(sleeps, "the example lets a hundred connections sleep in the server, and ends with status 0") {
    struct program program = run_example((const char *const[4]){"100", peer("GREEN_PEERS_POSTGRES")});
    const char *line = next_line(&program);
    CHECK_CONTAINS(line, "100 connections, 0 failed: ");
    figure("example-pgload: %s, with pg_sleep(1) in each", line);
    CHECK(end_of(&program), ==, 0);
}

TEST(failures, "the example reports statements that fail, and ends with status 1") {
    struct program program = run_example((const char *const[4]){"2", peer("GREEN_PEERS_POSTGRES"), "SELECT 1/0"});
    for (int i = 0; i < 2; i++)
        CHECK_CONTAINS(next_line(&program), "division by zero");
    CHECK_CONTAINS(next_line(&program), "2 connections, 2 failed: ");
    CHECK(WEXITSTATUS(end_of(&program)), ==, 1);
}

TEST(no_server, "the example reports a server that cannot be reached, and ends with status 1") {
    char server[64];
    snprintf(server, sizeof server, "hostaddr=127.0.0.1 port=%d", refusing_port());
    struct program program = run_example((const char *const[4]){"1", server});
    CHECK_CONTAINS(next_line(&program), "Connection refused");
    next_line(&program); /* libpq's question "Is the server running" */
    CHECK_CONTAINS(next_line(&program), "1 connections, 1 failed: ");
    CHECK(WEXITSTATUS(end_of(&program)), ==, 1);
}
