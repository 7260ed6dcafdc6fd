/* PostgreSQL by libpq, in its blocking calls. */
#ifndef GREEN_TESTS_QUERIES_H
#define GREEN_TESTS_QUERIES_H

#include "peers.h"

#include <libpq-fe.h>

/* Connects to the server of Tests/Peers/run, by default without TLS. further is appended to the
 * connection string. */
PGconn *database(const char *further);

/* A query and its result. */
struct query {
    const char *statement;
    PGconn *connection;
    ExecStatusType status;
    char state[6]; /* SQLSTATE */
    char value[128];
    char error[512]; /* the message of libpq */
};
int make_query(void *query); /* the make() of a call; returns 0 */

/* Makes a query that must give this one value. */
void expect_value(PGconn *connection, const char *statement, const char *value);

/* Waits until the server runs a statement of the connection. */
void wait_until_active(PGconn *watcher, PGconn *connection);

#endif
