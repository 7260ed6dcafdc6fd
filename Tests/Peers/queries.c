#include "queries.h"

PGconn *database(const char *further) {
    char text[512];
    snprintf(text, sizeof text, "%s %s", peer("GREEN_PEERS_POSTGRES"), further);
    PGconn *connection = PQconnectdb(text);
    CHECK_TEXT(PQerrorMessage(connection), "");
    CHECK(PQstatus(connection), ==, CONNECTION_OK);
    return connection;
}

int make_query(void *argument) {
    struct query *query = argument;
    PGresult *result = PQexec(query->connection, query->statement);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    query->status = PQresultStatus(result);
    snprintf(query->state, sizeof query->state, "%s", state ? state : "");
    snprintf(query->error, sizeof query->error, "%s", PQerrorMessage(query->connection));
    if (query->status == PGRES_TUPLES_OK && PQntuples(result) > 0)
        snprintf(query->value, sizeof query->value, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return 0;
}

void expect_value(PGconn *connection, const char *statement, const char *value) {
    struct query query = {.statement = statement, .connection = connection};
    make_query(&query);
    CHECK_TEXT(query.error, "");
    CHECK_TEXT(query.value, value);
}

void wait_until_active(PGconn *watcher, PGconn *connection) {
    char statement[128];
    snprintf(statement, sizeof statement, "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND state = 'active'",
             PQbackendPID(connection));
    struct query query = {.statement = statement, .connection = watcher};
    UNTIL((make_query(&query), strcmp(query.value, "1") == 0));
}
