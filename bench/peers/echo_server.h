// What the two echo servers share: everything that is not about waiting for sockets.

#ifndef GREEN_BENCH_ECHO_SERVER_H
#define GREEN_BENCH_ECHO_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

_Noreturn static inline void fail(const char *what, int error) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
    exit(1);
}

// Returns the number of descriptors now allowed; all of them are smaller than it.
static inline size_t raise_descriptor_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 1 << 20 ? limit.rlim_max : 1 << 20;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        fail("RLIMIT_NOFILE", errno);
    return limit.rlim_cur;
}

static inline int open_listener(const char *host, int port, int socket_flags) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof address;
    int on = 1;
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        fail(host, EINVAL);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | socket_flags, 0);
    if (listener < 0)
        fail("socket", errno);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Linux hands TCP_NODELAY down to every accepted socket, which saves a call per connection.
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, length) < 0)
        fail("bind", errno);
    if (listen(listener, SOMAXCONN) < 0)
        fail("listen", errno);
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("listening on %s:%d\n", host, ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

// A descriptor that becomes readable when the server shall end.
static inline int open_stop_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        fail("signalfd", errno);
    return fd;
}

static inline void print_totals(unsigned long enters, unsigned long messages) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"enters\":%lu,\"messages\":%lu,\"user_s\":%ld.%06ld,\"system_s\":%ld.%06ld}\n", enters, messages,
           (long)usage.ru_utime.tv_sec, (long)usage.ru_utime.tv_usec, (long)usage.ru_stime.tv_sec,
           (long)usage.ru_stime.tv_usec);
}

#endif
