/* A signal that makes every hub write its dump. */
#include "waiting.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

/* The captured standard error so far, which the next call overwrites. */
static const char *written(void) {
    static _Thread_local char text[16384];
    ssize_t size = pread(STDERR_FILENO, text, sizeof text - 1, 0);
    CHECK(size, >=, 0);
    text[size] = 0;
    return text;
}

static void until_written(const char *part) {
    while (!strstr(written(), part))
        usleep(1000);
}

static void mask(int how) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    CHECK(pthread_sigmask(how, &signals, NULL), ==, 0);
}

static const char *head_of_dump(int os_thread) {
    static char text[64];
    snprintf(text, sizeof text, "green threads of OS thread %d, ", os_thread);
    return text;
}

static void dump_all(void) {
    struct waiting waiting[2];
    for (int i = 0; i < 2; i++)
        begin_waiting(&waiting[i]);
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    green_thread *sleeper = start_named("dozing", nap, NULL);
    let_run();
    for (int round = 0; round < 2; round++) {
        capture_begin();
        CHECK(kill(getpid(), SIGUSR1), ==, 0);
        UNTIL(strstr(written(), head_of_dump(gettid())));
        CHECK_CONTAINS(written(), "'dozing': parked, sleeping");
        for (int i = 0; i < 2; i++)
            until_written(head_of_dump(waiting[i].number));
        until_written("'patient': parked, waiting for descriptor");
        capture_end();
    }
    CHECK(green_dump_on_signal(0), ==, 0);
    for (int i = 0; i < 2; i++)
        end_waiting(&waiting[i]);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
}

TEST(all_hubs, "on a signal all hubs write their dumps, including those that wait in the kernel") {
    on_each_engine(dump_all);
}

static void dump_blocking(void) {
    struct waiting waiting;
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    mask(SIG_BLOCK); /* the new OS thread inherits it */
    begin_waiting(&waiting);
    mask(SIG_UNBLOCK);
    capture_begin();
    CHECK(raise(SIGUSR1), ==, 0);
    until_written(head_of_dump(waiting.number));
    until_written("'patient': parked, waiting for descriptor");
    CHECK(green_dump_on_signal(0), ==, 0);
    capture_end();
    end_waiting(&waiting);
}

TEST(blocked, "a hub that waits in the kernel dumps although its OS thread blocks the signal") {
    on_each_engine(dump_blocking);
}

/* Blocks the hub until the delay of a dump is reported. */
__attribute__((noinline)) static int hold_until_blamed(void *unused) {
    until_written("a dump is delayed");
    until_written("hold_until_blamed");
    return *(int *)unused;
}

static void dump_held(void) {
    int value = 0;
    struct waiting waiting;
    begin_waiting(&waiting);
    capture_begin();
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    green_thread *thread = start_named("greedy", hold_until_blamed, &value);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(finish(thread), ==, 0);
    UNTIL(strstr(written(), head_of_dump(gettid())));
    until_written(head_of_dump(waiting.number));
    CHECK_CONTAINS(written(), "green: a dump is delayed: thread ");
    CHECK_CONTAINS(written(), "'greedy' has blocked its hub");
    CHECK(green_dump_on_signal(0), ==, 0);
    capture_end();
    end_waiting(&waiting);
}

TEST(held, "a blocked hub is reported with the thread that blocks it, and dumps as soon as it can") {
    on_each_engine(dump_held);
}

/* Blocks the hub until it is probed, and then lets other threads run. */
static int hold_until_asked(void *unused) {
    sigset_t pending;
    mask(SIG_BLOCK);
    do
        CHECK(sigpending(&pending), ==, 0);
    while (!sigismember(&pending, SIGUSR1));
    return *(int *)unused;
}

static int answer_and_hold(void *unused) {
    mask(SIG_UNBLOCK);
    until_written("a dump is delayed");
    return *(int *)unused;
}

TEST(held_by_next, "if the thread has yielded by the time of the probe, the next one that blocks the hub is reported") {
    int value = 0;
    capture_begin();
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    green_thread *first = start_named("first", hold_until_asked, &value);
    green_thread *next = start_named("next", answer_and_hold, &value);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(finish(first), ==, 0);
    CHECK(finish(next), ==, 0);
    UNTIL(strstr(written(), head_of_dump(gettid())));
    CHECK(green_dump_on_signal(0), ==, 0);
    capture_end();
}

/* The signal ------------------------------------------------------------------- */

static atomic_int handled;

static void handle(int number) {
    atomic_fetch_add(&handled, number);
}

static void expect_handled(int number) {
    int before = atomic_load(&handled);
    CHECK(raise(number), ==, 0);
    CHECK(atomic_load(&handled), ==, before + number);
}

TEST(former_action, "the signal gets its former action back when another one replaces it, and at the end") {
    CHECK(signal(SIGUSR1, handle) == SIG_DFL);
    CHECK(signal(SIGUSR2, handle) == SIG_DFL);
    CHECK(green_yield(), ==, 0);
    capture_begin();
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    CHECK(green_dump_on_signal(SIGUSR2), ==, 0);
    expect_handled(SIGUSR1);
    CHECK(raise(SIGUSR2), ==, 0);
    UNTIL(strstr(written(), head_of_dump(gettid())));
    CHECK(atomic_load(&handled), ==, SIGUSR1);
    CHECK(green_dump_on_signal(0), ==, 0);
    CHECK(green_dump_on_signal(0), ==, 0);
    expect_handled(SIGUSR2);
    capture_end();
}

TEST(refused, "a signal that cannot be caught is -EINVAL, the monitor's is -EBUSY, and the former signal stays") {
    static const int signals[] = {-1, SIGKILL, SIGSTOP, 65};
    CHECK(green_yield(), ==, 0);
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        CHECK(green_dump_on_signal(signals[i]), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), "cannot request dumps by signal ");
    }
    CHECK(green_monitor_start(&(green_monitor_options){.signal = SIGUSR1}), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "requests dumps");
    CHECK(green_monitor_start(NULL), ==, 0);
    CHECK(green_dump_on_signal(SIGURG), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "the monitor uses signal");
    CHECK(green_monitor_stop(), ==, 0);
    capture_begin();
    CHECK(raise(SIGUSR1), ==, 0);
    UNTIL(strstr(written(), head_of_dump(gettid())));
    CHECK(green_dump_on_signal(0), ==, 0);
    capture_end();
}

/* Forks ------------------------------------------------------------------------ */

TEST(forked, "dumps are off in a forked child, where the signal has its former action") {
    int status = -1;
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    CHECK(green_yield(), ==, 0);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        raise(SIGUSR1);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    CHECK(green_dump_on_signal(0), ==, 0);
}

enum { CROWD = 2000 }; /* their dump is larger than a pipe */

static atomic_bool is_forked, is_gone;

static void *crowd(void *unused) {
    static green_thread *threads[CROWD];
    for (int i = 0; i < CROWD; i++)
        threads[i] = start_named("one of many", nap, NULL);
    CHECK(raise(SIGUSR1), ==, 0);
    UNTIL(atomic_load(&is_forked));
    for (int i = 0; i < CROWD; i++)
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    CHECK(green_hub_close(), ==, 0);
    atomic_store(&is_gone, true);
    return unused;
}

static void dump_in_child(void) {
    alarm(30 * time_factor());
    capture_begin();
    CHECK(green_yield(), ==, 0);
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    CHECK(raise(SIGUSR1), ==, 0);
    UNTIL(strstr(written(), head_of_dump(gettid())));
    capture_end();
    _exit(0);
}

TEST(forked_during_dump, "a child forked during the dump of another OS thread can dump") {
    if (!threads_after_fork())
        skip("no thread can be started in the child");
    int ends[2], status = -1;
    char bytes[4096];
    pthread_t thread;
    CHECK(pipe(ends), ==, 0);
    int standard_error = dup(STDERR_FILENO);
    CHECK(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    CHECK(pthread_create(&thread, NULL, crowd, NULL), ==, 0);
    CHECK(read(ends[0], bytes, 1), ==, 1); /* the dump has begun and cannot end before more is read */
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0)
        dump_in_child();
    CHECK(waitpid(pid, &status, 0), ==, pid);
    atomic_store(&is_forked, true);
    while (!atomic_load(&is_gone))
        if (poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 10) == 1)
            CHECK(read(ends[0], bytes, sizeof bytes), >, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(green_dump_on_signal(0), ==, 0);
    CHECK(dup2(standard_error, STDERR_FILENO), ==, STDERR_FILENO);
    CHECK(status, ==, 0);
    close(ends[1]);
    close(ends[0]);
    close(standard_error);
}
