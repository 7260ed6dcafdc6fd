/* Clocks, byte counts and errors of the TLS benchmarks, independent of Green. */
#ifndef GREEN_BENCH_TLS_ACCOUNT_H
#define GREEN_BENCH_TLS_ACCOUNT_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PIECE = 16 * 1024 };

/* The cipher suite of TLS 1.3 that uses the cipher of `openssl speed`. */
#define BULK_SUITE "TLS_AES_128_GCM_SHA256"

_Noreturn static inline void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static inline void give_up(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static inline double ns_of(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) < 0)
        give_up("clock_gettime: %m");
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The CPU clock of a process, user and kernel. */
static inline clockid_t clock_of(pid_t process) {
    clockid_t clock;
    int error = clock_getcpuclockid(process, &clock);
    if (error) {
        errno = error;
        give_up("--pid %d: %m", (int)process);
    }
    return clock;
}

/* The time that one side of a stream takes. The warm-up bytes at the beginning do not
 * count. */
struct account {
    int64_t warmup, bytes;
    int64_t begun_at; /* bytes, once it counts */
    double cpu, wall;
};

static inline void account_add(struct account *account, int64_t count) {
    account->bytes += count;
    if (account->begun_at > 0 || account->bytes < account->warmup)
        return;
    account->begun_at = account->bytes;
    account->cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID);
    account->wall = ns_of(CLOCK_MONOTONIC);
}

/* Prints a line of JSON. */
static inline void account_print(const struct account *account) {
    double cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID), wall = ns_of(CLOCK_MONOTONIC);
    int64_t bytes = account->bytes - account->begun_at;
    if (account->begun_at == 0 || bytes == 0)
        give_up("only %lld bytes were transferred, which must be more than --warmup", (long long)account->bytes);
    printf("{\"count\":%lld,\"cpu_ns\":%.0f,\"wall_ns\":%.0f}\n", (long long)bytes, cpu - account->cpu,
           wall - account->wall);
    fflush(stdout);
}

/* Parses the integer of an option. */
static inline int64_t number_of(const char *text, const char *option, int64_t low, int64_t high) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 0);
    if (errno || end == text || *end || number < low || number > high)
        give_up("--%s: expected a number from %lld to %lld, not '%s'", option, (long long)low, (long long)high, text);
    return number;
}

#endif
