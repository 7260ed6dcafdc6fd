#include "tls.h"

#include <sys/resource.h>

enum { CONCURRENCY = 100000 };

request asked = {
    .listen = "127.0.0.1:0",
    .bytes = (int64_t)1 << 30,
    .warmup = 64 << 20,
    .connections = 64,
    .size = 100,
    .at_once = 16,
    .seconds = 1,
};

void must(ssize_t result, const char *call) {
    if (result < 0)
        give_up("%s: %s", call, green_explain((int)result));
}

static void allow_many_descriptors(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

green_tls_context *make_context(green_tls_role role, const char *suites) {
    bool server = role == GREEN_TLS_SERVER;
    if (!(server ? asked.certificate : asked.authority))
        return NULL;
    green_tls_identity identity = {.chain.path = asked.certificate, .key.path = asked.key};
    green_tls_options options = {
        .role = role,
        .minimum = GREEN_TLS_1_3,
        .suites = suites,
        .identities = server ? &identity : NULL,
        .identity_count = server,
        .authorities.path = server ? NULL : asked.authority,
    };
    green_tls_context *context;
    must(green_tls_context_make(&context, &options), "making a context");
    return context;
}

green_listener *open_listener(green_tls_context *context) {
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_listener *listener;
    green_address bound;
    allow_many_descriptors();
    must(green_listen(&listener, asked.listen, NULL), "listening");
    must(green_tls_listen(listener, context), "listening for TLS");
    must(green_listener_address(listener, &bound), "asking for the address");
    green_address_print(&bound, text, sizeof text);
    printf("listening on %s\n", text);
    fflush(stdout);
    return listener;
}

green_socket *open_connection(green_tls_context *context) {
    green_socket *socket;
    if (!asked.to)
        give_up("--to HOST:PORT is missing");
    must(context ? green_tls_connect(&socket, asked.to, NULL, context, NULL) : green_connect(&socket, asked.to, NULL),
         "connecting");
    return socket;
}

/* Clients that reset the connection are normal. */
static void ignore(int error, void *context) {
    (void)error;
    (void)context;
}

void serve_for_ever(green_handler *handler, green_tls_context *context) {
    const green_serve_options options = {.concurrency = CONCURRENCY, .on_error = ignore};
    green_listener *listener = open_listener(context);
    must(green_serve(listener, &options, handler, NULL), "serving");
    green_listener_release(listener);
}

void run_threads(int64_t count, green_function *function) {
    green_thread **threads = calloc((size_t)count, sizeof *threads);
    if (!threads)
        give_up("out of memory for %lld threads", (long long)count);
    allow_many_descriptors();
    for (int64_t i = 0; i < count; i++)
        must(green_spawn(&threads[i], function, (void *)(intptr_t)i), "spawning");
    for (int64_t i = 0; i < count; i++) {
        must(green_thread_wait(threads[i], NULL, GREEN_FOREVER), "waiting for a thread");
        green_thread_release(threads[i]);
    }
    free(threads);
}
