/* Runs a statement on N connections to PostgreSQL at the same time, on one OS thread. libpq is not modified: after
 * green_import_patched() its blocking calls park the green thread. */
#include <green/green.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct load {
    const char *server, *statement;
    int failures;
};

static int query(void *argument) {
    struct load *load = argument;
    PGconn *connection = PQconnectdb(load->server);
    PGresult *result = PQstatus(connection) == CONNECTION_OK ? PQexec(connection, load->statement) : NULL;
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        fputs(PQerrorMessage(connection), stderr);
        load->failures++;
    }
    PQclear(result);
    PQfinish(connection);
    return 0;
}

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 0;
    if (count < 1 || argc > 4) {
        fprintf(stderr, "usage: %s N [CONNECTION-STRING [STATEMENT]], for example 100 host=localhost\n", argv[0]);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    struct load load = {argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "SELECT pg_sleep(1)", 0};
    green_patch *patch = NULL;
    green_pool *pool = NULL;
    int64_t start = green_now();
    int error = green_import_patched(&patch, "libpq.so.5", NULL);
    if (error == 0)
        error = green_pool_make(&pool, count);
    for (long i = 0; error == 0 && i < count; i++)
        error = green_pool_spawn(pool, NULL, NULL, query, &load, GREEN_FOREVER);
    if (error == 0)
        error = green_pool_wait(pool, GREEN_FOREVER);
    if (error < 0)
        fprintf(stderr, "%s: %s\n", argv[0], green_explain(error));
    else
        printf("%ld connections, %d failed: %.3f s\n", count, load.failures, (double)(green_now() - start) / 1e9);
    green_pool_free(pool);
    green_unpatch(patch);
    return error < 0 || load.failures > 0;
}
