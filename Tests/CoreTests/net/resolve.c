/* Name resolution: its results, and that it blocks no other thread. */
#include "helpers.h"

#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

enum { FOUND = 16 };
static green_address found[FOUND];

/* RFC 6761 reserves this name, but not every resolver knows that. */
static const char *const unknown = "nonexistent.invalid:80";

static void impatient_resolver(void) {
    CHECK(setenv("RES_OPTIONS", "timeout:1 attempts:1", 1), ==, 0);
}

static const char *text_of(const green_address *address) {
    static char text[GREEN_ADDRESS_TEXT_MAX];
    green_address_print(address, text, sizeof text);
    return text;
}

/* Listens on a unix socket in a new directory, which becomes the working directory. */
static int socket_at(const char *name) {
    char folder[] = "/tmp/green-resolve-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK(mkdtemp(folder) && chdir(folder) == 0);
    strcpy(address.sun_path, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
    CHECK(listen(fd, 1), ==, 0);
    return fd;
}

TEST(localhost, "localhost is a loopback address, with the port") {
    int count = green_resolve(found, FOUND, "localhost:6000");
    CHECK(count, >=, 1);
    for (int i = 0; i < count; i++) {
        CHECK(strcmp(text_of(&found[i]), "127.0.0.1:6000") == 0 || strcmp(text_of(&found[i]), "[::1]:6000") == 0);
        for (int k = 0; k < i; k++)
            CHECK(!green_address_equal(&found[i], &found[k]));
    }
}

TEST(numbers, "a numeric address is not looked up") {
    static const char *const texts[] = {"127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@name"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(green_resolve(found, FOUND, texts[i]), ==, 1);
        CHECK_TEXT(text_of(&found[0]), texts[i]);
    }
    CHECK(green_resolve(found, FOUND, ":80"), ==, 1);
    CHECK_TEXT(text_of(&found[0]), "0.0.0.0:80");
}

TEST(host_apart, "a host without a port is only a name or a number") {
    static const char *const wrong[] = {"", "*", "::1]", "[::1", "a:b", "[name]", "unix:/path", "127.0.0.1:80"};
    CHECK(green_resolve_host(found, FOUND, "127.0.0.1", 80, GREEN_FOREVER), ==, 1);
    CHECK_TEXT(text_of(&found[0]), "127.0.0.1:80");
    CHECK(green_resolve_host(found, FOUND, "::1", 65535, GREEN_FOREVER), ==, 1);
    CHECK_TEXT(text_of(&found[0]), "[::1]:65535");
    CHECK(green_resolve_host(found, FOUND, "[::1]", 0, GREEN_FOREVER), ==, 1);
    CHECK_TEXT(text_of(&found[0]), "[::1]:0");
    CHECK(green_resolve_host(found, FOUND, "localhost", 1, GREEN_FOREVER), >=, 1);
    CHECK(green_address_port(&found[0]), ==, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(green_resolve_host(found, FOUND, wrong[i], 80, GREEN_FOREVER), ==, -EINVAL);
    char name[2000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    CHECK(green_resolve_host(found, FOUND, name, 80, GREEN_FOREVER), ==, -EINVAL);
}

TEST(host_unix, "the host 'unix' is resolved and is not a path") {
    impatient_resolver();
    int count = green_resolve_host(found, FOUND, "unix", 80, GREEN_FOREVER);
    CHECK(count < 0 || found[0].storage.ss_family != AF_UNIX);
    green_socket *socket;
    int fd = socket_at("80");
    CHECK(green_connect_host(&socket, "unix", 80, NULL), <, 0);
    close(fd);
    char folder[64];
    CHECK(getcwd(folder, sizeof folder) && unlink("80") == 0 && rmdir(folder) == 0);
}

TEST(services, "a port may be the name of a service") {
    if (!getservbyname("http", "tcp"))
        skip("this machine knows no services");
    CHECK(green_resolve(found, FOUND, "localhost:http"), >=, 1);
    CHECK(green_address_port(&found[0]), ==, 80);
    CHECK(green_resolve(found, FOUND, "127.0.0.1:http"), ==, 1);
    CHECK_TEXT(text_of(&found[0]), "127.0.0.1:80");
}

TEST(room, "at most count addresses are stored") {
    found[1].length = 12345;
    CHECK(green_resolve(found, 1, "localhost:1"), ==, 1);
    CHECK(found[1].length, ==, 12345);
}

/* No such host, or no name server answers. */
static void check_unknown(int error) {
    CHECK(error == -ENOENT || error == -EAGAIN);
    CHECK_CONTAINS(green_explain(error), "nonexistent.invalid");
}

TEST(no_descriptor, "a look-up without a descriptor left is -EMFILE, and not an unknown host") {
    enum { LIMIT = 64 };
    struct rlimit before;
    CHECK(green_yield(), ==, 0); /* makes the hub, which needs descriptors */
    CHECK(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){LIMIT, before.rlim_max}), ==, 0);
    int copies[LIMIT], count = 0;
    while ((copies[count] = dup(STDIN_FILENO)) >= 0)
        count++;
    CHECK(green_resolve(found, FOUND, unknown), ==, -EMFILE);
    CHECK_CONTAINS(green_explain(-EMFILE), "nonexistent.invalid");
    while (count > 0)
        close(copies[--count]);
    CHECK(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
}

TEST(unknown_host, "an unknown host is -ENOENT, and the message names it") {
    impatient_resolver();
    int error = green_resolve(found, FOUND, unknown);
    if (error >= 0)
        skip("the resolver of this machine answers for nonexistent.invalid");
    green_socket *socket = NULL;
    green_listener *listener = NULL;
    check_unknown(error);
    check_unknown(green_connect(&socket, unknown, NULL));
    check_unknown(green_listen(&listener, unknown, NULL));
    CHECK(socket == NULL && listener == NULL);
}

TEST(bad_input, "an invalid host and port is -EINVAL, and the message names it") {
    static const char *const texts[] = {"", "localhost", "localhost:", "localhost:65536", "[::1]", ":"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(green_resolve(found, FOUND, texts[i]), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), texts[i]);
    }
    CHECK(green_resolve(found, FOUND, "localhost:no-such-service"), <, 0);
    CHECK_CONTAINS(green_explain(-EINVAL), "no-such-service");
}

TEST(long_name, "a host name of any length is an error, not a crash") {
    static char text[100000];
    impatient_resolver();
    memset(text, 'x', sizeof text - 1);
    memcpy(text + sizeof text - 4, ":80", 3);
    CHECK(green_resolve(found, FOUND, text), <, 0);
}

static int resolve(void *argument) {
    green_address address;
    return green_resolve(&address, 1, argument);
}

TEST(many_at_once, "many look-ups at the same time are all answered") {
    green_thread *threads[50];
    for (int i = 0; i < 50; i++)
        threads[i] = start(resolve, "localhost:1");
    for (int i = 0; i < 50; i++)
        CHECK(finish(threads[i]), ==, 1);
}

TEST(killed, "a kill ends the wait for a look-up at once, and the look-up ends later") {
    impatient_resolver();
    for (int yields = 0; yields < 20; yields++) {
        green_thread *thread = start(resolve, (void *)unknown);
        for (int i = 0; i < yields; i++)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(thread);
        CHECK(result == -ECANCELED || result == -ENOENT || result == -EAGAIN || result == 1);
        if (yields == 0)
            CHECK(result, ==, -ECANCELED);
    }
}

TEST(times_out, "the timeout of a connect covers the look-up") {
    impatient_resolver();
    green_connect_options options = {.timeout = 1};
    green_socket *socket = NULL;
    int error = green_connect(&socket, unknown, &options);
    CHECK(error == -ETIMEDOUT || error == -ENOENT || error == -EAGAIN);
    CHECK(socket == NULL);
}

/* A resolver that can delay its answers and knows two additional services. Otherwise it
 * returns the answers of the C library. */
static sem_t answers;
static bool is_silent;

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    if (__atomic_load_n(&is_silent, __ATOMIC_RELAXED))
        sem_wait(&answers);
    bool stream = strcmp(service, "of-streams") == 0, datagram = strcmp(service, "of-datagrams") == 0;
    if (stream || datagram) {
        if (hints->ai_socktype != (stream ? SOCK_STREAM : SOCK_DGRAM))
            return EAI_SERVICE;
        service = stream ? "1001" : "1002";
    }
    if (!host || strcmp(host, "twice.invalid") != 0)
        return __real_getaddrinfo(host, service, hints, out);
    int error = __real_getaddrinfo("127.0.0.1", service, hints, out);
    return error ? error : __real_getaddrinfo("127.0.0.1", service, hints, &(*out)->ai_next);
}

TEST(within, "a look-up that times out is -ETIMEDOUT and names the host, and the next one is answered") {
    sem_init(&answers, 0, 0);
    is_silent = true;
    CHECK(green_resolve_within(found, FOUND, "localhost:1", GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot resolve 'localhost'");
    sem_post(&answers);
    sem_post(&answers);
    CHECK(green_resolve_within(found, FOUND, "localhost:1", PATIENTLY(30 * GREEN_SECOND)), >=, 1);
    CHECK(green_resolve_within(found, FOUND, "127.0.0.1:1", 0), ==, 1); /* no look-up is made */
}

static void expect_address(const char *text, const char *expected) {
    CHECK(green_resolve(found, FOUND, text), ==, 1);
    CHECK_TEXT(text_of(&found[0]), expected);
}

TEST(every_service, "a TCP or UDP service name is accepted as the port of every form of host") {
    expect_address("127.0.0.1:of-streams", "127.0.0.1:1001");
    expect_address("127.0.0.1:of-datagrams", "127.0.0.1:1002");
    expect_address("[::1]:of-streams", "[::1]:1001");
    expect_address("[::1]:of-datagrams", "[::1]:1002");
    expect_address(":of-datagrams", "0.0.0.0:1002");
    expect_address("*:of-streams", "0.0.0.0:1001");
    CHECK(green_resolve(found, FOUND, "localhost:of-streams"), >=, 1);
    CHECK(green_address_port(&found[0]), ==, 1001);
    CHECK(green_resolve(found, FOUND, "localhost:of-datagrams"), >=, 1);
    CHECK(green_address_port(&found[0]), ==, 1002);
    CHECK(green_resolve(found, 0, "[::1]:of-streams"), ==, 0);
}

TEST(no_number, "a port with a sign or a blank is refused, even if the C library accepts it") {
    static const char *const texts[] = {"localhost:+80", "localhost: 80", "localhost:-1", "localhost:\t80",
                                        "[::1]:+80",     "[::1]:-1",      "127.0.0.1: 80"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(green_resolve(found, FOUND, texts[i]), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), texts[i]);
        CHECK_CONTAINS(green_explain(-EINVAL), "is not a port");
    }
}

TEST(bad_brackets, "text in brackets must be a number, also before a service name") {
    static const char *const texts[] = {"[localhost]:of-streams", "[::g]:of-streams", "[fe80::1%no-such]:of-streams"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(green_resolve(found, FOUND, texts[i]), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), texts[i]);
    }
}

TEST(service_within, "a look-up of only a service can time out") {
    sem_init(&answers, 0, 0);
    is_silent = true;
    CHECK(green_resolve_within(found, FOUND, "[::1]:of-streams", GREEN_MILLISECOND), ==, -ETIMEDOUT);
    sem_post(&answers);
}

/* A connect that is killed at the moment when its first attempt has succeeded. */
struct killed_connect {
    green_listener *listener;
    green_socket *client;
    green_thread *thread;
    int result, after;
    bool killed;
};

static int connect_twice(void *argument) {
    struct killed_connect *call = argument;
    char text[64];
    snprintf(text, sizeof text, "twice.invalid%s", strchr(address_of(call->listener), ':'));
    call->result = green_connect(&call->client, text, NULL);
    call->after = green_yield();
    return 0;
}

static green_statistics counts(void) {
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    return statistics;
}

/* Kills it while only the attempt is ready to run after its operation. The thread that
 * waits for the attempt has a timer. */
static int kill_with_result(void *argument) {
    struct killed_connect *call = argument;
    green_statistics before = counts(), now;
    do {
        CHECK(green_yield(), ==, 0);
        now = counts();
        call->killed = now.threads == before.threads + 1 && now.submitted == before.submitted + 1 &&
                       now.operations == 0 && now.ready == 1 && now.timers == 1;
    } while (!call->killed && !green_thread_is_finished(call->thread));
    return call->killed ? green_thread_kill(call->thread) : 0;
}

TEST(killed_with_result, "a connect that has succeeded returns its connection and leaves a kill pending") {
    struct killed_connect call = {.listener = listen_any(TCP4)};
    call.thread = start(connect_twice, &call);
    green_thread *killer = start(kill_with_result, &call);
    CHECK(finish(killer), ==, 0);
    CHECK(finish(call.thread), ==, 0);
    CHECK(call.result, ==, 0);
    CHECK(call.after, ==, call.killed ? -ECANCELED : 0);
    green_socket_release(call.client);
    green_listener_release(call.listener);
}
