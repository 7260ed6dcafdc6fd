/* The addresses that a connect tries, with a resolver of the test. */
#include "helpers.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { ANSWERS_MAX = 4 };

static green_address answers[ANSWERS_MAX];
static int answer_count;
static bool only_without_flags; /* as on a machine with only the loopback address */

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
void __wrap_freeaddrinfo(struct addrinfo *found);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static struct addrinfo list[ANSWERS_MAX];
    (void)host, (void)service;
    if (only_without_flags && hints->ai_flags != 0)
        return EAI_NONAME;
    for (int i = 0; i < answer_count; i++)
        list[i] = (struct addrinfo){
            .ai_family = answers[i].storage.ss_family,
            .ai_socktype = SOCK_STREAM,
            .ai_addr = (struct sockaddr *)&answers[i].storage,
            .ai_addrlen = answers[i].length,
            .ai_next = i + 1 < answer_count ? &list[i + 1] : NULL,
        };
    *found = list;
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *found) {
    (void)found;
}

static void answer(const char *text) {
    CHECK(answer_count, <, ANSWERS_MAX);
    CHECK(green_address_parse(&answers[answer_count++], text), ==, 0);
}

/* An address on which no socket listens any more. */
static void answer_refused(enum transport transport) {
    green_listener *listener = listen_any(transport);
    answer(address_of(listener));
    green_listener_release(listener);
}

TEST(loopback_alone, "a name is found on a machine with only the loopback address") {
    green_address address;
    only_without_flags = true;
    answer("127.0.0.1:6000");
    CHECK(green_resolve(&address, 1, "some.host:6000"), ==, 1);
    CHECK(green_address_equal(&address, &answers[0]), ==, true);
}

TEST(families_take_turns, "after a refused address, an address of the other family is tried") {
    green_listener *same = listen_any(TCP6), *other = listen_any(TCP4);
    if (!same)
        skip("this machine has no IPv6");
    answer_refused(TCP6);
    answer(address_of(same));
    answer(address_of(other));
    green_socket *socket = NULL;
    green_address peer, expected;
    CHECK(green_connect(&socket, "some.host:80", NULL), ==, 0);
    CHECK(green_socket_peer_address(socket, &peer), ==, 0);
    CHECK(green_listener_address(other, &expected), ==, 0);
    CHECK(green_address_equal(&peer, &expected));
    green_socket_release(socket);
    green_listener_release(same);
    green_listener_release(other);
}

TEST(all_refuse, "if all addresses refuse, the connect fails at once with the last error") {
    answer_refused(TCP4);
    answer_refused(TCP4);
    answer_refused(TCP4);
    green_socket *socket = NULL;
    CHECK(green_connect(&socket, "some.host:80", NULL), ==, -ECONNREFUSED);
    CHECK_CONTAINS(green_explain(-ECONNREFUSED), "some.host");
    CHECK(socket == NULL);
}

/* A listening descriptor with a full backlog: no connection succeeds until one is
 * accepted. */
static int full_listener(int *filler) {
    green_address address = {.length = sizeof address.storage};
    int fd = socket_of_type(SOCK_STREAM);
    CHECK(listen(fd, 0), ==, 0); /* on a free port */
    CHECK(getsockname(fd, (struct sockaddr *)&address.storage, &address.length), ==, 0);
    ((struct sockaddr_in *)&address.storage)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *filler = socket_of_type(SOCK_STREAM);
    CHECK(connect(*filler, (struct sockaddr *)&address.storage, address.length), ==, 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
    answers[answer_count++] = address;
    return fd;
}

static int connect_to_any(void *socket) {
    return green_connect(socket, "some.host:80", NULL);
}

static uint64_t threads_now(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.threads;
}

/* The event loop does not run until both connections exist. */
TEST(two_winners, "if two attempts succeed in the same iteration, one is used and the other is closed") {
    int listeners[2], fillers[2], accepted[2];
    green_socket *socket = NULL;
    for (int i = 0; i < 2; i++)
        listeners[i] = full_listener(&fillers[i]);
    green_thread *connecting = start(connect_to_any, &socket);
    UNTIL(threads_now() == 4);
    let_run();
    for (int i = 0; i < 2; i++)
        close(accept(listeners[i], NULL, NULL));
    for (int i = 0; i < 2; i++)
        while ((accepted[i] = accept(listeners[i], NULL, NULL)) < 0)
            CHECK(errno, ==, EAGAIN);
    CHECK(finish(connecting), ==, 0);
    CHECK(socket != NULL);
    green_socket_release(socket);
    for (int i = 0; i < 2; i++) {
        close(accepted[i]);
        close(fillers[i]);
        close(listeners[i]);
    }
}
