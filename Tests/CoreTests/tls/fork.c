/* TLS contexts in a forked child: they work whatever other OS threads did at the fork, and
 * the parent's connections are left alone. */
#include "tls_helpers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

static green_tls_context *client, *server;
static struct tls_pair parents;

static void in_child(void (*body)(void)) {
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        alarm(30 * time_factor());
        body();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
}

static void talk(void) {
    struct tls_pair pair = tls_connected(client, server);
    send_text(pair.client, "hello");
    expect_text(pair.server, "hello");
    release_tls_pair(&pair);
}

static void use_in_child(void) {
    char byte;
    CHECK(green_read(parents.client, &byte, 1), ==, -EXDEV);
    CHECK(green_write(parents.client, "x", 1), ==, -EXDEV);
    CHECK(green_tls_stop(parents.client), ==, -EXDEV);
    green_socket_release(parents.client); /* without close_notify */
    green_socket_release(parents.server);
    talk();
    green_tls_context_release(client);
    green_tls_context_release(server);
}

TEST(contexts, "a child uses its parent's TLS contexts and does not disturb its connections") {
    client = client_context();
    server = server_context(localhost());
    parents = tls_connected(client, server);
    in_child(use_in_child);
    send_text(parents.client, "still there");
    expect_text(parents.server, "still there");
    talk();
    release_tls_pair(&parents);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

static atomic_bool stop;

/* Takes the context's lock repeatedly, but no lock of OpenSSL, which a fork may leave
 * locked. */
static void refuse_once(green_socket *socket) {
    CHECK(green_tls_start(socket, server, "a host for a server"), ==, -EINVAL);
}

static void *refuse_often(void *unused) {
    struct pair pair = connected(UNIX_PAIR);
    while (!atomic_load(&stop))
        refuse_once(pair.near);
    release_pair(&pair);
    CHECK(green_hub_close(), ==, 0);
    return unused;
}

static void refuse_in_child(void) {
    struct pair pair = connected(UNIX_PAIR);
    refuse_once(pair.near);
    release_pair(&pair);
}

TEST(busy, "a child finds no context locked by an OS thread of its parent") {
    pthread_t other;
    server = server_context(localhost());
    CHECK(pthread_create(&other, NULL, refuse_often, NULL), ==, 0);
    for (int i = 0; i < SCALED(300); i++)
        in_child(refuse_in_child);
    atomic_store(&stop, true);
    CHECK(pthread_join(other, NULL), ==, 0);
    green_tls_context_release(server);
}
