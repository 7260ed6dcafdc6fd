/* CHECK() of the harness for the fuzzer: a failure is a finding. */
#include "fuzz.h"

void (*on_failure)(void);

/* Aborts, so that libFuzzer keeps the input. */
static _Noreturn void fail(void) {
    green_dump(STDERR_FILENO);
    abort();
}

_Noreturn void check_failed(const char *file, int line, const char *expression) {
    dprintf(STDERR_FILENO, "%s:%d: failed: %s\n", file, line, expression);
    fail();
}

_Noreturn void check_compare_failed(const char *file, int line, const char *expression, long long left,
                                    long long right) {
    dprintf(STDERR_FILENO, "%s:%d: failed: %s\n     left: %lld\n    right: %lld\n", file, line, expression, left,
            right);
    fail();
}

void check_text(const char *file, int line, const char *expression, const char *text, const char *expected) {
    if (strcmp(text, expected) == 0)
        return;
    dprintf(STDERR_FILENO, "%s:%d: failed: %s\n     is: \"%s\"\n    not: \"%s\"\n", file, line, expression, text,
            expected);
    fail();
}

void check_contains(const char *file, int line, const char *expression, const char *text, const char *part) {
    if (strstr(text, part))
        return;
    dprintf(STDERR_FILENO, "%s:%d: failed: %s\n    is: \"%s\"\n    without: \"%s\"\n", file, line, expression, text,
            part);
    fail();
}

/* A leaked descriptor occupies the lowest number. */
static int lowest_free_descriptor(void) {
    int fd = dup(STDERR_FILENO);
    CHECK(fd, >=, 0);
    close(fd);
    return fd;
}

/* The sanitizers open pipes to their symbolizer. */
static void check_descriptors(void) {
    static int lowest = -1;
    char path[64], target[64] = "";
    int now = lowest_free_descriptor();
    if (now != lowest && lowest >= 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", lowest);
        if (readlink(path, target, sizeof target - 1) < 0 || strncmp(target, "pipe:", 5) != 0)
            CHECK_TEXT(target, "a descriptor that is closed");
    }
    lowest = now;
}

void check_nothing_left(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    for (int i = 0; i < 10000 && now.operations > 0; i++) {
        CHECK(green_yield(), ==, 0);
        be_patient(i);
        CHECK(green_hub_statistics(&now), ==, 0);
    }
    CHECK(now.threads, ==, 1);
    CHECK(now.handles, ==, 0);
    CHECK(now.sockets, ==, 0);
    CHECK(now.timers, ==, 0);
    CHECK(now.operations, ==, 0);
    CHECK(now.buffers, ==, 0);
    check_descriptors();
}

const char *__asan_default_options(void);

/* The default of gcc: a fake stack for each green thread costs more than all the rest. */
const char *__asan_default_options(void) {
    return "detect_stack_use_after_return=0:malloc_context_size=10:quarantine_size_mb=64";
}
