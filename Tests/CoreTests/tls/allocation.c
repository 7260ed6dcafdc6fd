/* Out of memory at each allocation of TLS, in Green and in OpenSSL. */
#include "fault_injection.h"
#include "tls_helpers.h"

#include <green/detached_socket.h>
#include <openssl/crypto.h>

/* OpenSSL allocates by these, which fail only if a test enables it. */
static bool openssl_fails;

void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

static void *crypto_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return openssl_fails && should_fail("openssl") ? NULL : __real_malloc(size);
}

static void *crypto_realloc(void *memory, size_t size, const char *file, int line) {
    (void)file, (void)line;
    return openssl_fails && should_fail("openssl") ? NULL : __real_realloc(memory, size);
}

static void crypto_free(void *memory, const char *file, int line) {
    (void)file, (void)line;
    __real_free(memory);
}

/* Before Green's own constructors, which call OpenSSL. */
__attribute__((constructor(101))) static void take_over_memory(void) {
    if (!CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free))
        abort();
}

/* Both ends of a connection. An end that fails closes, which ends the other. */
struct end {
    green_socket *socket;
    green_tls_context *context;
    const char *host;
    bool resumed;
};

static int talk_as_server(struct end *end) {
    struct iovec pieces[] = {{(char[]){"wor"}, 3}, {(char[]){"ld\n"}, 3}};
    green_detached_socket *detached;
    char line[16];
    int error;
    TRY(green_tls_start(end->socket, end->context, NULL));
    TRY(green_socket_detach(end->socket, &detached));
    green_socket_release(end->socket);
    TRY(green_socket_attach(&end->socket, detached));
    TRY(green_read_line(end->socket, line, sizeof line));
    TRY(green_writev(end->socket, pieces, 2));
    TRY(green_shutdown(end->socket, SHUT_WR));
done:
    return error;
}

static int talk_as_client(struct end *end) {
    char line[16];
    void *certificate;
    green_tls_info info;
    int error;
    TRY(green_tls_start(end->socket, end->context, end->host));
    TRY(green_write(end->socket, "hello\n", 6));
    TRY(green_read_line(end->socket, line, sizeof line));
    if (error == 0)
        return -ENODATA;
    CHECK_TEXT(line, "world\n");
    TRY(green_read(end->socket, line, 1));
    CHECK(error, ==, 0); /* its close_notify */
    TRY(green_tls_describe(end->socket, &info));
    end->resumed = info.resumed;
    TRY(green_tls_peer_certificate(end->socket, 0, &certificate));
    free(certificate);
done:
    return error;
}

static int talk_at_end(void *argument) {
    struct end *end = argument;
    int error = end->host ? talk_as_client(end) : talk_as_server(end);
    green_close(end->socket);
    return error < 0 ? error : 0;
}

static int connect_once(green_tls_context *client, green_tls_context *server, bool *resumed) {
    struct end ends[] = {{.context = client, .host = "localhost"}, {.context = server}};
    green_thread *threads[2] = {NULL};
    int error;
    TRY(green_socket_pair(&ends[0].socket, &ends[1].socket));
    for (int i = 0; i < 2; i++)
        TRY(green_spawn(&threads[i], talk_at_end, &ends[i]));
    /* The first that fails makes the other fail, in any order. */
    for (int i = 0; i < 2; i++)
        TRY(green_thread_wait(threads[i], NULL, GREEN_FOREVER));
done:
    error = end_threads(threads, 2, error);
    green_socket_release(ends[0].socket);
    green_socket_release(ends[1].socket);
    *resumed = ends[0].resumed;
    return error;
}

static bool last_resumed;

static int run_tls(green_tls_version version) {
    static const char *const protocols[] = {"h2", "http/1.1"};
    green_tls_identity own = identity(localhost());
    green_tls_options asking = {.authorities = pem(authority()->chain),
                                .maximum = version,
                                .pins = localhost()->pin,
                                .pin_count = 1,
                                .protocols = protocols,
                                .protocol_count = 2};
    green_tls_options serving = {.role = GREEN_TLS_SERVER,
                                 .identities = &own,
                                 .identity_count = 1,
                                 .maximum = version,
                                 .protocols = protocols,
                                 .protocol_count = 1};
    green_tls_context *client = NULL, *server = NULL;
    bool resumed;
    int error;
    TRY(green_tls_context_make(&client, &asking));
    TRY(green_tls_context_make(&server, &serving));
    for (int i = 0; i < 2; i++)
        if ((error = connect_once(client, server, &resumed)) < 0)
            goto done;
    last_resumed = resumed;
    TRY(green_tls_context_reload(client, &asking));
done:
    green_tls_context_release(client);
    green_tls_context_release(server);
    return error;
}

static int run_tls_1_2(void) {
    return run_tls(GREEN_TLS_1_2);
}

static int run_tls_1_3(void) {
    return run_tls(GREEN_TLS_1_3);
}

TEST(own, "TLS calls without memory for Green return errors, and succeed later") {
    static const struct scenario scenarios[] = {
        /* Without memory for the cache a session is not resumed. */
        {.name = "TLS 1.2", .run = run_tls_1_2, .tolerates = "madvise mmap malloc strdup realloc"},
        {.name = "TLS 1.3", .run = run_tls_1_3, .tolerates = "madvise mmap malloc strdup realloc"},
    };
    fail_on_each_engine(scenarios, 2, FAIL_MEMORY);
    CHECK(last_resumed); /* the cache was used */
}

/* Any of some thousand allocations. OpenSSL tolerates the failure of some. */
BIG_TEST(openssl, "TLS calls without memory for OpenSSL return errors, and succeed later") {
    static const struct scenario scenarios[] = {
        {.name = "TLS 1.2",
         .run = run_tls_1_2,
         .step = SLOW ? 61 : 17,
         .one_by_one = true,
         .tolerates = "openssl madvise mmap malloc strdup realloc"},
        {.name = "TLS 1.3",
         .run = run_tls_1_3,
         .step = SLOW ? 61 : 17,
         .one_by_one = true,
         .tolerates = "openssl madvise mmap malloc strdup realloc"},
    };
    openssl_fails = true;
    for (int i = 0; i < 2; i++)
        fail_everywhere(&scenarios[i], "epoll", FAIL_MEMORY);
}

BIG_TEST(openssl_all, "TLS calls while OpenSSL has no memory at all return errors, and succeed later") {
    static const struct scenario scenarios[] = {
        {.name = "TLS 1.3",
         .run = run_tls_1_3,
         .step = SLOW ? 101 : 31,
         .tolerates = "openssl madvise mmap malloc strdup realloc"},
    };
    openssl_fails = true;
    fail_everywhere(&scenarios[0], "epoll", FAIL_MEMORY);
}
