#include "harness.h"

#include "quiet_fork.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct test *first_test;
static struct test **last_test = &first_test;
static const struct test *current_test;

/* Where failures are written, also while standard error is captured. */
static int report_fd = STDERR_FILENO;

void test_register(struct test *test) {
    *last_test = test;
    last_test = &test->next;
}

void (*on_failure)(void);

_Noreturn static void fail(void) {
    if (on_failure)
        on_failure();
    green_dump(report_fd);
    _exit(1);
}

_Noreturn void check_failed(const char *file, int line, const char *expression) {
    dprintf(report_fd, "%s:%d: failed: %s\n", file, line, expression);
    fail();
}

static const char *describe(long long value) {
    return value < 0 && value > -4096 ? green_explain((int)value) : "";
}

_Noreturn void check_compare_failed(const char *file, int line, const char *expression, long long left,
                                    long long right) {
    dprintf(report_fd, "%s:%d: failed: %s\n     left: %lld  %s\n", file, line, expression, left, describe(left));
    dprintf(report_fd, "    right: %lld\n", right);
    fail();
}

void check_text(const char *file, int line, const char *expression, const char *text, const char *expected) {
    if (strcmp(text, expected) == 0)
        return;
    dprintf(report_fd, "%s:%d: failed: %s\n     is: \"%s\"\n    not: \"%s\"\n", file, line, expression, text, expected);
    fail();
}

void check_contains(const char *file, int line, const char *expression, const char *text, const char *part) {
    if (strstr(text, part))
        return;
    dprintf(report_fd, "%s:%d: failed: %s\n    is: \"%s\"\n    without: \"%s\"\n", file, line, expression, text, part);
    fail();
}

_Noreturn void skip(const char *reason) {
    dprintf(report_fd, "skipped: %s\n", reason);
    _exit(77);
}

void needs_kernel(void) {
    if (EMULATED)
        skip("an emulator does not do this as the kernel does");
}

bool threads_after_fork(void) {
    return !SANITIZED_THREADS && !EMULATED;
}

unsigned time_factor(void) {
    static unsigned factor;
    if (factor == 0) {
        const char *text = getenv("GREEN_TEST_TIME_FACTOR");
        unsigned long given = text ? strtoul(text, NULL, 10) : 1;
        CHECK(given >= 1 && given <= 1000);
        factor = (unsigned)given * (SLOW ? 4 : 1);
    }
    return factor;
}

/* In seconds. */
static unsigned limit_of(const struct test *test) {
    return test->seconds * time_factor();
}

static int capture_file = -1;
static int capture_saved = -1;

void capture_begin(void) {
    CHECK(capture_file, ==, -1);
    fflush(stderr);
    capture_file = memfd_create("stderr", MFD_CLOEXEC);
    CHECK(capture_file, >=, 0);
    capture_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    CHECK(capture_saved, >=, 0);
    CHECK(dup2(capture_file, STDERR_FILENO), ==, STDERR_FILENO);
}

const char *capture_end(void) {
    static char text[32768];
    fflush(stderr);
    CHECK(dup2(capture_saved, STDERR_FILENO), ==, STDERR_FILENO);
    ssize_t size = pread(capture_file, text, sizeof text - 1, 0);
    CHECK(size, >=, 0);
    text[size] = 0;
    close(capture_saved);
    close(capture_file);
    capture_file = -1;
    return text;
}

static void read_all(int fd, char *text, size_t size) {
    size_t length = 0;
    ssize_t count;
    while ((count = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)count;
    text[length] = 0;
}

void run_child(struct child *child, void (*body)(void)) {
    int output[2];
    CHECK(pipe(output), ==, 0);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        alarm(limit_of(current_test) / 2);
        dup2(output[1], STDERR_FILENO);
        close(output[0]);
        close(output[1]);
        body();
        _exit(0);
    }
    close(output[1]);
    read_all(output[0], child->output, sizeof child->output);
    close(output[0]);
    CHECK(waitpid(pid, &child->status, 0), ==, pid);
}

static void try_uring(void) {
    green_hub_options options = {.engine = "uring"};
    _exit(green_hub_open(&options) < 0);
}

void needs_uring(void) {
    static struct child child;
    run_child(&child, try_uring);
    if (child.status != 0)
        skip("there is no io_uring");
}

size_t open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    size_t count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 3; /* ".", ".." and the directory itself */
}

static void list_descriptors(void) {
    for (int fd = 0; fd < 4096; fd++) {
        char link[64], target[256];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof target - 1);
        if (length > 0)
            dprintf(report_fd, "    %d -> %.*s\n", fd, (int)length, target);
    }
}

static bool is_idle(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.threads == 1 && now.handles + now.timers + now.sockets + now.operations + now.buffers == 0;
}

/* A test must leave nothing behind. What it has cancelled may need some loop iterations to
 * end. */
static void check_nothing_left(size_t descriptors) {
    green_statistics now;
    if (green_hub_statistics(&now) == 0) {
        for (unsigned i = 0; i < 2000 * time_factor() && !is_idle(); i++)
            CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        CHECK(green_hub_statistics(&now), ==, 0);
        CHECK(now.threads, ==, 1);
        CHECK(now.handles, ==, 0);
        CHECK(now.sockets, ==, 0);
        CHECK(now.timers, ==, 0);
        CHECK(now.operations, ==, 0);
        CHECK(now.buffers, ==, 0);
        CHECK(green_hub_close(), ==, 0);
    }
    /* An interrupted name lookup ends later. Until then it opens and closes files and sockets. */
    size_t now_open = open_descriptors();
    for (unsigned i = 0; i < 2000 * time_factor() && now_open > descriptors; i++) {
        usleep(5000);
        now_open = open_descriptors();
    }
    if (now_open != descriptors)
        list_descriptors();
    CHECK(now_open, ==, descriptors);
}

static void on_alarm(int signal) {
    (void)signal;
    dprintf(report_fd, "failed: no end after %u seconds\n", limit_of(current_test));
    fail(); /* not async-signal-safe, but this process ends anyway */
}

static int run(const struct test *test) {
    current_test = test;
    report_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGALRM, on_alarm);
    alarm(limit_of(test));
    size_t descriptors = open_descriptors();
    test->body();
    check_nothing_left(descriptors);
    return 0;
}

/* Runs all tests of this file, each in its own process. */
static int run_all(char *program) {
    int failures = 0;
    for (struct test *test = first_test; test; test = test->next) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(execl("/proc/self/exe", program, test->name, NULL));
        int status = -1;
        waitpid(pid, &status, 0);
        bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == 77;
        printf("%-8s%s\n", status == 0 ? "ok" : skipped ? "skipped" : "FAILED", test->title);
        failures += status != 0 && !skipped;
    }
    return failures != 0;
}

int main(int count, char **arguments) {
    make_forks_quiet();
    if (count == 1)
        return run_all(arguments[0]);
    for (struct test *test = first_test; test; test = test->next)
        if (strcmp(test->name, arguments[1]) == 0)
            return run(test);
    fprintf(stderr, "no test is named %s\n", arguments[1]);
    return 2;
}
