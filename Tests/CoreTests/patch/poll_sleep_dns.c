/* Patched calls that poll, sleep, wait for children and look up names. */
#include "patches.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const struct fixture *lib;
static green_patch *patch;

static void begin(void) {
    patch = import(PATCHED_LAZY);
    lib = load_fixture(PATCHED_LAZY);
}

static void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

/* Returns whether body, in a thread of its own, lets other threads run. */
static int counted;

static int count_rounds(void *going) {
    while (*(bool *)going) {
        counted++;
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
    return 0;
}

static int64_t others_run(void (*body)(void)) {
    bool going = true;
    counted = 0;
    green_thread *other = start(count_rounds, &going);
    int64_t before = green_now();
    body();
    int64_t took = green_now() - before;
    going = false;
    CHECK(finish(other), ==, 0);
    CHECK(counted, >, 1);
    return took;
}

/* Sleeping ---------------------------------------------------------------------- */

static void sleep_in_every_way(void) {
    struct timespec time = {0, 5 * GREEN_MILLISECOND}, rest = {7, 7}, now;
    errno = 77;
    CHECK(lib->usleep(5000), ==, 0);
    CHECK(lib->nanosleep(&time, &rest), ==, 0);
    CHECK(rest.tv_sec, ==, 7);
    CHECK(lib->clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL), ==, 0);
    CHECK(lib->clock_nanosleep(CLOCK_REALTIME, 0, &time, NULL), ==, 0);
    for (int clock = 0; clock < 2; clock++) {
        CHECK(clock_gettime(clock, &now), ==, 0);
        now.tv_nsec += 5 * GREEN_MILLISECOND;
        now.tv_sec += now.tv_nsec / GREEN_SECOND;
        now.tv_nsec %= GREEN_SECOND;
        CHECK(lib->clock_nanosleep(clock, TIMER_ABSTIME, &now, NULL), ==, 0);
    }
    CHECK(lib->clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL), ==, 0);
    CHECK(lib->sleep(0), ==, 0);
    CHECK(errno, ==, 77);
}

TEST(sleeps, "each kind of sleep takes its time and lets other threads run") {
    begin();
    CHECK(others_run(sleep_in_every_way), >=, 30 * GREEN_MILLISECOND);
    end();
}

TEST(bad_times, "invalid times are EINVAL") {
    begin();
    CHECK(green_sleep(1), ==, 0);
    CHECK(lib->nanosleep(&(struct timespec){0, -1}, NULL), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(lib->nanosleep(&(struct timespec){-1, 0}, NULL), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(lib->clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, GREEN_SECOND}, NULL), ==, EINVAL);
    CHECK(lib->clock_nanosleep(12345, 0, &(struct timespec){0, 1}, NULL), ==, EINVAL);
    CHECK(lib->ppoll(NULL, 0, &(struct timespec){0, -1}, NULL), ==, -1);
    CHECK(errno, ==, EINVAL);
    end();
}

static int sleep_long(void *way) {
    struct timespec time = {3600, 0}, rest = {0, 0};
    errno = 0;
    switch (*(int *)way) {
    case 0:
        CHECK(lib->sleep(3600), >, 3000);
        break;
    case 1:
        CHECK(lib->nanosleep(&time, &rest), ==, -1);
        CHECK(rest.tv_sec, >, 3000);
        break;
    case 2:
        CHECK(lib->clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &rest), ==, ECANCELED);
        CHECK(rest.tv_sec, >, 3000);
        return 0;
    case 3:
        CHECK(lib->poll(NULL, 0, -1), ==, -1);
        break;
    case 4:
        CHECK(lib->select(0, NULL, NULL, NULL, NULL), ==, -1);
        break;
    default:
        CHECK(lib->wait(NULL), ==, -1);
    }
    CHECK(errno, ==, ECANCELED);
    return 0;
}

TEST(killed, "a kill ends each sleep with ECANCELED and the remaining time") {
    begin();
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    for (int way = 0; way < 6; way++) {
        green_thread *thread = start(sleep_long, &way);
        let_run();
        CHECK(!green_thread_is_finished(thread));
        CHECK(kill_and_finish(thread), ==, 0);
    }
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0), ==, child);
    end();
}

/* Polling ----------------------------------------------------------------------- */

struct polling {
    struct pollfd polled[20];
    nfds_t count;
    int timeout, result, error;
};

static int run_poll(void *argument) {
    struct polling *polling = argument;
    errno = 0;
    polling->result = lib->poll_checked(polling->polled, polling->count, polling->timeout, sizeof polling->polled);
    polling->error = errno;
    return 0;
}

TEST(polls, "poll waits for any of its descriptors, few or many") {
    begin();
    for (nfds_t count = 1; count <= 20; count += 6) {
        struct polling polling = {.count = count, .timeout = -1};
        int fds[20];
        for (nfds_t i = 0; i < count; i++) {
            fds[i] = eventfd(0, EFD_CLOEXEC);
            polling.polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        }
        green_thread *thread = start(run_poll, &polling);
        let_run();
        CHECK(!green_thread_is_finished(thread));
        CHECK(write(fds[count - 1], &(uint64_t){1}, 8), ==, 8);
        CHECK(finish(thread), ==, 0);
        CHECK(polling.result, ==, 1);
        CHECK(polling.polled[count - 1].revents, ==, POLLIN);
        for (nfds_t i = 0; i < count; i++) {
            CHECK(i == count - 1 || polling.polled[i].revents == 0);
            close(fds[i]);
        }
    }
    end();
}

static void poll_until_timeout(void) {
    int fd = eventfd(0, EFD_CLOEXEC), file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}, {.fd = file}};
    CHECK(lib->poll(polled, 3, 10), ==, 0);
    CHECK(lib->poll(polled, 0, 10), ==, 0);
    CHECK(lib->ppoll(polled, 3, &(struct timespec){0, 10 * GREEN_MILLISECOND}, NULL), ==, 0);
    CHECK(lib->poll(polled, 3, 0), ==, 0);
    close(fd);
    close(file);
}

TEST(poll_timeouts, "poll returns 0 after its timeout") {
    begin();
    CHECK(others_run(poll_until_timeout), >=, 30 * GREEN_MILLISECOND);
    end();
}

TEST(poll_errors, "poll reports invalid descriptors, hang-ups and too many descriptors") {
    begin();
    CHECK(green_sleep(1), ==, 0);
    int ends[2];
    socket_pair(ends);
    close(ends[1]);
    struct pollfd polled[] = {{.fd = 4000, .events = POLLIN}, {.fd = ends[0], .events = POLLOUT}};
    CHECK(lib->poll(polled, 2, -1), ==, 2);
    CHECK(polled[0].revents, ==, POLLNVAL);
    CHECK(polled[1].revents & POLLHUP, ==, POLLHUP);
    if (!SANITIZED) { /* a sanitizer would check all of them */
        CHECK(lib->poll(polled, UINT_MAX, -1), ==, -1);
        CHECK(errno == EINVAL || errno == EFAULT);
    }
    close(ends[0]);
    end();
}

TEST(closed, "poll reports a descriptor that is closed meanwhile as invalid") {
    begin();
    int ends[2];
    socket_pair(ends);
    struct polling polling = {.polled = {{.fd = ends[0], .events = POLLIN}}, .count = 1, .timeout = -1};
    green_thread *thread = start(run_poll, &polling);
    let_run();
    CHECK(lib->close(ends[0]), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(polling.result, ==, 1);
    CHECK(polling.polled[0].revents, ==, POLLNVAL);
    close(ends[1]);
    end();
}

static int select_one(void *argument) {
    int fd = *(int *)argument;
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(fd, &readable);
    int count = lib->select(fd + 1, &readable, &writable, NULL, &(struct timeval){60, 0});
    CHECK(FD_ISSET(fd, &readable) != 0, ==, count == 1);
    return count;
}

/* Checks that a function that selects a descriptor waits until that is readable. */
static void expect_wait(green_function *selects) {
    begin();
    int ends[2];
    socket_pair(ends);
    green_thread *thread = start(selects, &ends[0]);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(write(ends[1], "x", 1), ==, 1);
    CHECK(finish(thread), ==, 1);
    close(ends[0]);
    close(ends[1]);
    end();
}

TEST(selects, "select waits and reports the descriptor") {
    expect_wait(select_one);
}

static int select_for_ages(void *argument) {
    int fd = *(int *)argument;
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    return lib->select(fd + 1, &readable, NULL, NULL, &(struct timeval){.tv_usec = INT64_MAX});
}

TEST(select_long_times, "select accepts more microseconds than a second or a year has") {
    expect_wait(select_for_ages);
}

static void select_until_timeout(void) {
    int fd = eventfd(0, EFD_CLOEXEC);
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    struct timeval timeout = {0, 10000};
    CHECK(lib->select(fd + 1, &readable, NULL, NULL, &timeout), ==, 0);
    CHECK(!FD_ISSET(fd, &readable));
    CHECK(timeout.tv_sec == 0 && timeout.tv_usec == 0);
    FD_SET(fd, &readable);
    CHECK(lib->pselect(fd + 1, &readable, NULL, NULL, &(struct timespec){0, 10 * GREEN_MILLISECOND}, NULL), ==, 0);
    close(fd);
    FD_SET(fd, &readable);
    CHECK(lib->select(fd + 1, &readable, NULL, NULL, NULL), ==, -1);
    CHECK(errno, ==, EBADF);
    CHECK(lib->select(-1, &readable, NULL, NULL, NULL), ==, -1);
    CHECK(errno, ==, EINVAL);
}

TEST(select_timeouts, "select returns empty sets and no remaining time after its timeout") {
    begin();
    CHECK(others_run(select_until_timeout), >=, 20 * GREEN_MILLISECOND);
    end();
}

TEST(select_hung_up, "select for exceptions does not spin after a hang-up") {
    begin();
    int ends[2];
    socket_pair(ends);
    close(ends[1]);
    fd_set exceptional;
    FD_ZERO(&exceptional);
    FD_SET(ends[0], &exceptional);
    green_statistics before, after;
    CHECK(green_sleep(1), ==, 0);
    CHECK(green_hub_statistics(&before), ==, 0);
    CHECK(lib->select(ends[0] + 1, NULL, NULL, &exceptional, &(struct timeval){0, 50000}), ==, 0);
    CHECK(green_hub_statistics(&after), ==, 0);
    CHECK(after.submitted - before.submitted, <, 200);
    close(ends[0]);
    end();
}

TEST(select_beyond, "select takes descriptors beyond FD_SETSIZE") {
    needs_kernel();
    begin();
    CHECK(green_sleep(1), ==, 0);
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 1500);
    if (fd < 0)
        skip("the limit of descriptors is too low");
    unsigned long sets[2000 / (8 * sizeof(long)) + 1] = {0};
    sets[(size_t)fd / (8 * sizeof(long))] = 1ul << ((size_t)fd % (8 * sizeof(long)));
    CHECK(lib->select(fd + 1, NULL, (fd_set *)sets, NULL, &(struct timeval){1, 0}), ==, 1);
    close(fd);
    end();
}

static volatile sig_atomic_t signals;

static void on_signal(int number) {
    (void)number;
    signals++;
}

static int raise_signal(void *unused) {
    (void)unused;
    return kill(getpid(), SIGUSR1);
}

TEST(masks, "a signal that only the mask of ppoll admits is delivered while it waits, and is EINTR") {
    begin();
    CHECK(green_sleep(1), ==, 0);
    sigset_t blocked, open;
    sigemptyset(&blocked);
    sigemptyset(&open);
    sigaddset(&blocked, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL), ==, 0);
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL), ==, 0);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    CHECK(signals, ==, 0);
    CHECK(lib->ppoll(NULL, 0, NULL, &open), ==, -1);
    CHECK(errno, ==, EINTR);
    CHECK(signals, ==, 1);
    green_thread *thread = start(raise_signal, NULL); /* runs when the call waits */
    green_thread *sleeper = start(nap, NULL);         /* otherwise all threads would wait for each other */
    CHECK(lib->ppoll(NULL, 0, NULL, &open), ==, -1);
    CHECK(errno, ==, EINTR);
    CHECK(signals, ==, 2);
    CHECK(finish(thread), ==, 0);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    CHECK(lib->ppoll(NULL, 0, &(struct timespec){0, 30 * GREEN_MILLISECOND}, &open), ==, 0);
    end();
}

static int wait_for_events(void *argument) {
    struct epoll_event event = {0};
    int count = lib->epoll_wait(*(int *)argument, &event, 1, -1);
    return count == 1 ? event.data.fd : -1;
}

TEST(epolls, "epoll_wait waits") {
    begin();
    int fd = eventfd(0, EFD_CLOEXEC), poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    CHECK(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event), ==, 0);
    green_thread *thread = start(wait_for_events, &poll);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(write(fd, &(uint64_t){1}, 8), ==, 8);
    CHECK(finish(thread), ==, fd);
    CHECK(read(fd, &(uint64_t){0}, 8), ==, 8);
    CHECK(lib->epoll_wait(poll, &event, 1, 10), ==, 0);
    CHECK(lib->epoll_wait(fd, &event, 1, 10), ==, -1);
    CHECK(errno, ==, EINVAL);
    close(fd);
    close(poll);
    end();
}

/* Children ---------------------------------------------------------------------- */

/* The child ends when the other end of the pipe is closed. */
static pid_t child_that_waits(int code, int *other_end) {
    int pipe_ends[2];
    CHECK(pipe2(pipe_ends, O_CLOEXEC), ==, 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(pipe_ends[1]);
        _exit(read(pipe_ends[0], &byte, 1) == 0 ? code : 1);
    }
    close(pipe_ends[0]);
    *other_end = pipe_ends[1];
    return pid;
}

static pid_t child_that_ends(int code) {
    pid_t pid = fork();
    if (pid == 0) {
        usleep((useconds_t)PATIENTLY(20000));
        _exit(code);
    }
    return pid;
}

static void wait_for_children(void) {
    int status = 0, other_end;
    pid_t child = child_that_waits(3, &other_end);
    CHECK(lib->waitpid(child, &status, WNOHANG), ==, 0);
    close(other_end);
    CHECK(lib->waitpid(child, &status, 0), ==, child);
    CHECK(WEXITSTATUS(status), ==, 3);
    child = child_that_ends(4);
    CHECK(lib->wait(&status), ==, child);
    CHECK(WEXITSTATUS(status), ==, 4);
    CHECK(WEXITSTATUS(lib->system("sleep 0.02; exit 5")), ==, 5);
    CHECK(lib->system(NULL), !=, 0);
    CHECK(lib->waitpid(-1, &status, 0), ==, -1);
    CHECK(errno, ==, ECHILD);
    CHECK(lib->waitpid(getpid(), &status, 0), ==, -1);
    CHECK(errno, ==, ECHILD);
}

TEST(children, "waitpid, wait and system wait for children and let other threads run") {
    begin();
    others_run(wait_for_children);
    end();
}

/* Names ------------------------------------------------------------------------- */

TEST(names, "names are looked up as by the C library, including errors") {
    begin();
    CHECK(green_sleep(1), ==, 0);
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    CHECK(lib->getaddrinfo("localhost", "80", &hints, &found), ==, 0);
    const struct sockaddr_in *address = (const struct sockaddr_in *)found->ai_addr;
    CHECK(address->sin_addr.s_addr, ==, htonl(INADDR_LOOPBACK));
    CHECK(ntohs(address->sin_port), ==, 80);
    char host[256], service[32];
    CHECK(
        lib->getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, service, sizeof service, NI_NUMERICSERV),
        ==, 0);
    CHECK_TEXT(service, "80");
    CHECK(lib->getnameinfo(found->ai_addr, found->ai_addrlen, host, 1, NULL, 0, 0), ==, EAI_OVERFLOW);
    freeaddrinfo(found);
    CHECK(lib->getaddrinfo("127.0.0.1", NULL, NULL, &found), ==, 0);
    freeaddrinfo(found);
    CHECK(lib->getaddrinfo("localhost", "no-such-service", &hints, &found), ==, EAI_SERVICE);
    struct hostent *entry = lib->gethostbyname("localhost");
    CHECK(entry != NULL);
    CHECK(entry->h_addrtype, ==, AF_INET);
    CHECK(memcmp(entry->h_addr_list[0], "\177\0\0\1", 4), ==, 0);
    CHECK_TEXT(entry->h_name, "localhost");
    end();
}

TEST(reentrant, "gethostbyname_r fills in the caller's memory, or reports that it is too small") {
    begin();
    CHECK(green_sleep(1), ==, 0);
    struct hostent entry, *found;
    int error;
    char bytes[1024];
    CHECK(lib->gethostbyname_r("localhost", &entry, bytes, sizeof bytes, &found, &error), ==, 0);
    CHECK(found == &entry);
    CHECK(entry.h_name >= bytes && entry.h_name < bytes + sizeof bytes);
    CHECK((char *)entry.h_addr_list >= bytes && entry.h_addr_list[0] < bytes + sizeof bytes);
    CHECK(memcmp(entry.h_addr_list[0], "\177\0\0\1", 4), ==, 0);
    for (size_t size = 0; size < 40; size++) {
        CHECK(lib->gethostbyname_r("localhost", &entry, bytes, size, &found, &error), ==, ERANGE);
        CHECK(found == NULL);
        CHECK(error, ==, NETDB_INTERNAL);
    }
    end();
}

static int look_up_late(void *unused) {
    (void)unused;
    struct addrinfo *found = NULL;
    green_timeout *limit;
    CHECK(green_timeout_start(&limit, 0), ==, 0);
    errno = 0;
    CHECK(lib->getaddrinfo("localhost", NULL, NULL, &found), ==, EAI_SYSTEM);
    CHECK(errno, ==, ETIMEDOUT);
    green_timeout_free(limit);
    return 0;
}

TEST(interrupted_look_up, "an interrupt of a look-up is EAI_SYSTEM, with its error in errno") {
    begin();
    CHECK(finish(start(look_up_late, NULL)), ==, 0);
    end();
}
