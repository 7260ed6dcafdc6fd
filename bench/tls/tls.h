/* Shared by the files of green-bench-tls. */
#ifndef GREEN_BENCH_TLS_TLS_H
#define GREEN_BENCH_TLS_TLS_H

#include "account.h"

#include <green/green.h>

/* The options. A server without certificate and key is plain, and so is a client without
 * authority. */
typedef struct request {
    const char *listen, *to;
    const char *certificate, *key, *authority;
    int64_t bytes, warmup; /* of send and receive */
    int64_t connections, size, at_once;
    double seconds;
    pid_t process;
    bool apart;
} request;

extern request asked;

/* One function for each role, described in main.c. */
void run_send(void);
void run_receive(void);
void run_answer(void);
void run_echo(void);
void run_load(void);
void run_respond(void);
void run_idle(void);
void run_hold(void);

/* Ends the program with a message if a call has failed. */
void must(ssize_t result, const char *call);

/* Makes a context for a client or a server; NULL for plain connections. suites are OpenSSL's
 * names, or NULL for its default. */
green_tls_context *make_context(green_tls_role role, const char *suites);

/* Listens, for TLS if there is a context, and prints the address. */
green_listener *open_listener(green_tls_context *context);

/* Connects, and performs the handshake if there is a context. */
green_socket *open_connection(green_tls_context *context);

/* Serves connections with the handler until the process ends. */
void serve_for_ever(green_handler *handler, green_tls_context *context);

/* Runs the function in count green threads, each with its index, and waits for all of
 * them. */
void run_threads(int64_t count, green_function *function);

#endif
