/* The test harness. One process runs one test.
 *
 *     TEST(kill_of_unstarted, "kill of an unstarted thread never runs it") { ... }
 *
 * registers a test. CMakeLists.txt finds it by its first line and makes a ctest test of it.
 * When the body returns, the harness checks that nothing is left: no green thread, handle,
 * socket, timer, operation, buffer or descriptor. */
#ifndef GREEN_TESTS_HARNESS_H
#define GREEN_TESTS_HARNESS_H

#include <errno.h>
#include <green/green.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define SANITIZED_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZED_THREADS 1
#endif
#endif
#ifndef SANITIZED_THREADS
#define SANITIZED_THREADS 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Built for another processor and run by an emulator. */
#ifndef EMULATED
#define EMULATED 0
#endif

/* Scales the repetitions of a large test down on slow builds. */
#define SLOW (SANITIZED || EMULATED)
#define SCALED(count) (SLOW ? ((count) + 19) / 20 : (count))

struct test {
    const char *name;
    const char *title;
    void (*body)(void);
    unsigned seconds; /* the time limit */
    struct test *next;
};

void test_register(struct test *test);

#define TEST_WITHIN(limit, symbol, text)                                                                               \
    static void test_##symbol(void);                                                                                   \
    __attribute__((constructor)) static void register_##symbol(void) {                                                 \
        static struct test test = {#symbol, text, test_##symbol, limit, NULL};                                         \
        test_register(&test);                                                                                          \
    }                                                                                                                  \
    static void test_##symbol(void)

#define TEST(symbol, text) TEST_WITHIN(60, symbol, text)
#define BIG_TEST(symbol, text) TEST_WITHIN(240, symbol, text)

/* CHECK(condition), or CHECK(left, ==, right), which prints both values. A failed check
 * ends the process, because it may run on any stack. */
#define CHECK(...) CHECK_PICK(__VA_ARGS__, CHECK_COMPARE, CHECK_NEITHER, CHECK_TRUE, 0)(__VA_ARGS__)
#define CHECK_PICK(a, b, c, pick, ...) pick
#define CHECK_TRUE(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            check_failed(__FILE__, __LINE__, #condition);                                                              \
    } while (0)
#define CHECK_COMPARE(left, operator, right)                                                                           \
    do {                                                                                                               \
        long long left_ = (long long)(left), right_ = (long long)(right);                                              \
        if (!(left_ operator right_))                                                                                  \
            check_compare_failed(__FILE__, __LINE__, #left " " #operator" " #right, left_, right_);                    \
    } while (0)

/* If not NULL, called after a failure to write details to standard error. */
extern void (*on_failure)(void);

/* Check that two strings are equal, and that a text contains another. */
#define CHECK_TEXT(text, expected) check_text(__FILE__, __LINE__, #text, text, expected)
#define CHECK_CONTAINS(text, part) check_contains(__FILE__, __LINE__, #text, text, part)

_Noreturn void check_failed(const char *file, int line, const char *expression);
_Noreturn void check_compare_failed(const char *file, int line, const char *expression, long long left,
                                    long long right);
void check_text(const char *file, int line, const char *expression, const char *text, const char *expected);
void check_contains(const char *file, int line, const char *expression, const char *text, const char *part);

/* How much longer than usual everything may take: 4 where SLOW, times
 * GREEN_TEST_TIME_FACTOR, a whole number, for slow machines. */
unsigned time_factor(void);

/* A time that is longer on slow machines, for timeouts that must not expire too early. */
#define PATIENTLY(time) ((int64_t)time_factor() * (time))

/* Lets other threads run until the condition holds. Fails after 30 seconds of real time, or
 * later on slow machines. */
#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        bool until_holds_ = green_clock_is_virtual() && green_clock_hold() == 0;                                       \
        int64_t until_deadline_ = green_now() + PATIENTLY(30 * GREEN_SECOND);                                          \
        while (!(condition)) {                                                                                         \
            if (green_now() > until_deadline_)                                                                         \
                check_failed(__FILE__, __LINE__, "until " #condition);                                                 \
            CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);                                                              \
        }                                                                                                              \
        if (until_holds_)                                                                                              \
            CHECK(green_clock_resume(), ==, 0);                                                                        \
    } while (0)

/* Ends the test as skipped. */
_Noreturn void skip(const char *reason);

/* Skips a test that needs what an emulator does not do like the kernel: seccomp filters,
 * memory limits, resident memory. */
void needs_kernel(void);

/* Whether the child of a process with several OS threads may start one. ThreadSanitizer
 * does not allow it. The emulator crashes, because it still counts the processors of OS
 * threads that the child does not have. */
bool threads_after_fork(void);

/* Captures standard error between the two calls. The next capture_end() overwrites the
 * text. */
void capture_begin(void);
const char *capture_end(void);

/* Runs body in a child process with its standard error in output, and waits for it. Must be
 * called before the hub is made: a ring does not survive a fork. */
struct child {
    int status; /* as from waitpid(2) */
    char output[8192];
};
void run_child(struct child *child, void (*body)(void));

/* Skips the test if there is no io_uring. Must be called before the hub is made. */
void needs_uring(void);

/* The number of open descriptors of this process. */
size_t open_descriptors(void);

#endif
