/* What the parts of green-bench-tls share. */
#ifndef GREEN_BENCH_TLS_TLS_H
#define GREEN_BENCH_TLS_TLS_H

#include "account.h"

#include <green/green.h>

/* What was asked for. Without certificate and key a server is a plain one, and
 * without authority a client. */
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

/* One function a role; see main.c for what each does. */
void run_send(void);
void run_receive(void);
void run_answer(void);
void run_echo(void);
void run_load(void);
void run_respond(void);
void run_idle(void);
void run_hold(void);

/* Ends the program when a call has failed, saying which. */
void must(ssize_t result, const char *call);

/* Makes a context for a client or a server; NULL for plain connections. suites are OpenSSL's
 * names, or NULL for its default. */
green_tls_context *make_context(green_tls_role role, const char *suites);

/* Listens, for TLS if there is a context, and prints where. */
green_listener *open_listener(green_tls_context *context);

/* Connects, handshake included if there is a context. */
green_socket *open_connection(green_tls_context *context);

/* Serves the handler, for as long as the process lives. */
void serve_for_ever(green_handler *handler, green_tls_context *context);

/* Runs the function in count green threads, each with its index, and waits for all of
 * them. */
void run_threads(int64_t count, green_function *function);

#endif
