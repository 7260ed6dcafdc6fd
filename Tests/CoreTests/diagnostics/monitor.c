/* The monitor reports threads that block their hub too long, and nothing else. Cases that
 * must not be reported are followed by a hold that is reported. */
#include "holds.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { ROUNDS_MAX = 20 };

/* Reports --------------------------------------------------------------------- */

TEST(hold, "a thread that blocks its hub is reported with its name, its OS thread and a backtrace") {
    int count = 1;
    char line[128];
    start_monitor();
    green_thread *thread = start_named("greedy", hold_until_reported, &count);
    uint64_t id = green_thread_id(thread);
    CHECK(finish(thread), ==, 0);
    CHECK(count_of("greedy"), ==, 1);
    struct hold_report *found = report_of("greedy");
    CHECK(found->thread, ==, id);
    CHECK(found->os_thread, ==, gettid());
    CHECK_TEXT(found->hub, "");
    CHECK(found->nanoseconds, >=, LIMIT);
    CHECK(found->count, >=, FRAMES_LEAST);
    snprintf(line, sizeof line, "green: thread %llu 'greedy' has blocked its hub, of OS thread %d, for ",
             (unsigned long long)id, (int)gettid());
    CHECK(strncmp(found->text, line, strlen(line)), ==, 0);
    CHECK_CONTAINS(found->text, " hold_until_reported + ");
    /* The last frame is the entry of the thread. */
    size_t length = strlen(found->text);
    CHECK(found->text[length - 1], ==, '\n');
    found->text[length - 1] = 0;
    CHECK_CONTAINS(strrchr(found->text, '\n'), " green__entry + ");
    CHECK(green_monitor_stop(), ==, 0);
}

static int hold_and_await_checks(void *unused) {
    (void)unused;
    int count = 1;
    hold_until_reported(&count);
    await_checks();
    await_checks();
    CHECK(count_of("greedy"), ==, 1);
    CHECK(green_yield(), ==, 0);
    count = 2;
    return hold_until_reported(&count);
}

TEST(once, "a hold is reported once, however long it lasts, and so is the next one") {
    start_monitor();
    CHECK(finish(start_named("greedy", hold_and_await_checks, NULL)), ==, 0);
    CHECK(count_of("greedy"), ==, 2);
    CHECK(count_of("elsewhere"), ==, 2);
    CHECK(green_monitor_stop(), ==, 0);
}

TEST(without_name, "a thread without a name is reported by its id, and so is main") {
    needs_kernel();
    char line[64];
    int count = 1;
    start_monitor();
    green_thread *thread = start(hold_until_reported, &count), *sleeper = start_named("sleeper", nap, NULL);
    snprintf(line, sizeof line, "green: thread %llu has blocked", (unsigned long long)green_thread_id(thread));
    CHECK(finish(thread), ==, 0);
    CHECK(strncmp(report_of("")->text, line, strlen(line)), ==, 0);
    hold_until_reported(&count);
    CHECK_CONTAINS(report_of("main")->text, "test_without_name");
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    CHECK(green_monitor_stop(), ==, 0);
}

TEST(before_first_switch, "a hold that begins before the first switch is measured from the time the hub was made") {
    int64_t before = green_now();
    int count = 1;
    start_monitor();
    green_thread *sleeper = start(nap, NULL);
    hold_until_reported(&count);
    CHECK(report_of("main")->nanoseconds, >=, LIMIT);
    CHECK(report_of("main")->nanoseconds, <=, green_now() - before);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    CHECK(green_monitor_stop(), ==, 0);
}

TEST(named_hub, "a report names the hub") {
    start_monitor();
    await_checks();
    CHECK_TEXT(report_of("elsewhere")->hub, "other");
    CHECK_CONTAINS(report_of("elsewhere")->text, "'elsewhere' has blocked its hub 'other', of OS thread ");
    CHECK(green_monitor_stop(), ==, 0);
}

/* Blocks the OS thread in the kernel repeatedly. */
static int block_until_reported(void *unused) {
    (void)unused;
    for (int seen = count_here(); count_of("blocking") == 0; usleep(100000))
        if (count_here() != seen && count_of("blocking") == 0) { /* without the name */
            CHECK(green_yield(), ==, 0);
            seen = count_here();
        }
    return 0;
}

TEST(system_call, "a thread in a system call that blocks the OS thread is reported, with the call in the backtrace") {
    start_monitor();
    CHECK(finish(start_named("blocking", block_until_reported, NULL)), ==, 0);
    CHECK_CONTAINS(report_of("blocking")->text, " block_until_reported + ");
    CHECK(green_monitor_stop(), ==, 0);
}

/* Whether standard error, which is a file, contains a report of this name. Sets *size to
 * the size of the file. */
static bool is_written(const char *name, off_t *size) {
    static char text[65536];
    ssize_t count = pread(STDERR_FILENO, text, sizeof text - 1, 0);
    CHECK(count, >=, 0);
    text[count] = 0;
    *size = count;
    return strstr(text, name) != NULL;
}

static int hold_until_written(void *unused) {
    (void)unused;
    const char *name = green_thread_name(green_current());
    off_t seen = 0, size = 0;
    while (!is_written(name, &size))
        if (size != seen) { /* a report of another thread, or without the name */
            CHECK(green_yield(), ==, 0);
            seen = size;
        }
    return 0;
}

TEST(standard_error, "without a report function, reports go to standard error") {
    green_monitor_options options = {.limit = LIMIT};
    CHECK(green_monitor_start(&options), ==, 0);
    capture_begin();
    CHECK(finish(start_named("greedy", hold_until_written, NULL)), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
    const char *text = capture_end();
    CHECK_CONTAINS(text, "green: thread ");
    CHECK_CONTAINS(text, "'greedy' has blocked its hub");
    CHECK_CONTAINS(text, " hold_until_written + ");
}

static void hold_by_environment(void) {
    capture_begin();
    CHECK(setenv("GREEN_MONITOR", "5.5", 1), ==, 0);
    CHECK(finish(start_named("environmental", hold_until_written, NULL)), ==, 0);
    CHECK_CONTAINS(capture_end(), "'environmental' has blocked its hub");
    CHECK(green_monitor_start(NULL), ==, -EALREADY);
}

static void mistake_in_environment(void) {
    CHECK(setenv("GREEN_MONITOR", "soon", 1), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(green_monitor_start(NULL), ==, 0); /* it was off */
}

TEST(environment, "GREEN_MONITOR in the environment starts the monitor, and an invalid value is reported") {
    static struct child child;
    run_child(&child, hold_by_environment);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
    run_child(&child, mistake_in_environment);
    CHECK_CONTAINS(child.output, "green: ignoring GREEN_MONITOR=soon: expected milliseconds, at least 1");
    CHECK(child.status, ==, 0);
}

/* No reports ------------------------------------------------------------------- */

/* Twice: the monitor checks the waiting hub after the hub of the first hold, while the
 * waiting hub is still in the kernel. */
static void *hold_then_write(void *descriptor) {
    await_checks();
    await_checks();
    CHECK(write(*(int *)descriptor, "x", 1), ==, 1);
    return NULL;
}

/* Returns whether the hub was reported; this may happen even if it does not wait. */
static bool is_reported_in_kernel(void) {
    int ends[2], before = count_here();
    pthread_t thread;
    CHECK(pipe(ends), ==, 0);
    green_thread *sleeper = start(nap, NULL);
    let_run();
    CHECK(pthread_create(&thread, NULL, hold_then_write, &ends[1]), ==, 0);
    CHECK(green_wait_fd(ends[0], POLLIN, GREEN_FOREVER), >=, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    close(ends[0]);
    close(ends[1]);
    return count_here() != before;
}

/* If a wait counted as a hold, each round would be reported. */
static void wait_in_kernel(void) {
    int rounds = 1;
    while (is_reported_in_kernel())
        CHECK(rounds++, <, ROUNDS_MAX);
}

TEST(in_kernel, "a hub that waits in the kernel is not reported as blocked, on either engine") {
    start_monitor();
    on_each_engine(wait_in_kernel);
    CHECK(green_monitor_stop(), ==, 0);
}

TEST(alone, "a hub whose only thread is its root is not reported as blocked") {
    start_monitor();
    CHECK(green_yield(), ==, 0);
    await_checks(); /* main is in pthread_join meanwhile */
    CHECK(count_here(), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
}

/* On and off ------------------------------------------------------------------- */

TEST(on_and_off, "the monitor starts once, can be stopped and started again, and stopped twice") {
    CHECK(green_monitor_stop(), ==, 0);
    for (int round = 0; round < 3; round++) {
        start_monitor();
        CHECK(green_monitor_start(NULL), ==, -EALREADY);
        CHECK_CONTAINS(green_explain(-EALREADY), "the monitor is on");
        hold("again", round + 1);
        CHECK(green_monitor_stop(), ==, 0);
        CHECK(green_monitor_stop(), ==, 0);
    }
}

TEST(refused, "a limit below a millisecond and a signal that cannot be caught are -EINVAL") {
    static const int64_t limits[] = {-1, 1, GREEN_MILLISECOND - 1};
    static const int signals[] = {-1, SIGKILL, SIGSTOP, 65};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        CHECK(green_monitor_start(&(green_monitor_options){.limit = limits[i]}), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), "must be at least 1 ms");
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        CHECK(green_monitor_start(&(green_monitor_options){.signal = signals[i]}), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), "cannot catch signal");
    }
    CHECK(green_monitor_start(&(green_monitor_options){.limit = GREEN_MILLISECOND}), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
}

static atomic_int discarded;

static void discard(void *context) {
    CHECK(context == hold_reports);
    CHECK(atomic_fetch_add(&discarded, 1), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
}

TEST(context, "stopping the monitor discards the context once") {
    green_monitor_options options = {.limit = 1, .report = note, .context = hold_reports, .discard = discard};
    CHECK(green_monitor_start(&options), ==, -EINVAL);
    options.limit = LIMIT;
    CHECK(green_monitor_start(&options), ==, 0);
    CHECK(green_monitor_start(&options), ==, -EALREADY);
    hold("greedy", 1);
    CHECK(atomic_load(&discarded), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(atomic_load(&discarded), ==, 1);
}

static atomic_int refusals;

static void switch_off_from_within(const green_hold *hold, void *context) {
    (void)context;
    CHECK(green_monitor_stop(), ==, -EDEADLK);
    CHECK_CONTAINS(green_explain(-EDEADLK), "called by the monitor's report");
    CHECK(green_monitor_start(NULL), ==, -EDEADLK);
    CHECK(green_dump_on_signal(SIGUSR1), ==, -EDEADLK);
    atomic_store(&refusals, 1);
    note(hold, hold_reports);
}

TEST(from_report, "the report cannot stop the monitor, which would wait for the report: -EDEADLK") {
    green_monitor_options options = {.limit = LIMIT, .report = switch_off_from_within};
    CHECK(green_monitor_start(&options), ==, 0);
    hold("greedy", 1);
    CHECK(atomic_load(&refusals), ==, 1);
    CHECK(green_monitor_stop(), ==, 0);
}

/* The signal ------------------------------------------------------------------- */

static atomic_int handled;

static void handle(int number) {
    atomic_fetch_add(&handled, number);
}

static void handle_with_information(int number, siginfo_t *information, void *context) {
    CHECK(information->si_signo, ==, number);
    CHECK(context != NULL);
    atomic_fetch_add(&handled, number);
}

static void share_signal(int number, const struct sigaction *action, int calls) {
    struct sigaction now;
    int before = count_of("greedy");
    atomic_store(&handled, 0);
    CHECK(sigaction(number, action, NULL), ==, 0);
    green_monitor_options options = {.limit = LIMIT, .report = note, .context = hold_reports, .signal = number};
    CHECK(green_monitor_start(&options), ==, 0);
    hold("greedy", before + 1);
    CHECK(report_of("greedy")->count, >=, FRAMES_LEAST);
    CHECK(atomic_load(&handled), ==, 0); /* the program's handler does not get the monitor's signals */
    CHECK(raise(number), ==, 0);
    CHECK(atomic_load(&handled), ==, calls * number);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(sigaction(number, NULL, &now), ==, 0);
    CHECK(now.sa_handler == action->sa_handler);
    CHECK(now.sa_flags & SA_SIGINFO, ==, action->sa_flags & SA_SIGINFO);
}

TEST(handler, "the former handler is called for signals of other senders, and restored") {
    share_signal(SIGURG, &(struct sigaction){.sa_handler = handle}, 1);
    share_signal(SIGURG, &(struct sigaction){.sa_sigaction = handle_with_information, .sa_flags = SA_SIGINFO}, 1);
    share_signal(SIGUSR2, &(struct sigaction){.sa_handler = handle}, 1);
    share_signal(SIGUSR2, &(struct sigaction){.sa_handler = SIG_DFL}, 0);
    share_signal(SIGRTMIN, &(struct sigaction){.sa_handler = SIG_IGN}, 0);
}

TEST(newer_handler, "a handler that the program has set meanwhile stays") {
    struct sigaction now, newer = {.sa_handler = handle};
    start_monitor();
    CHECK(sigaction(SIGURG, &newer, NULL), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(sigaction(SIGURG, NULL, &now), ==, 0);
    CHECK(now.sa_handler == handle);
}

TEST(blocked, "an OS thread that blocks the signal is reported without a backtrace") {
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    CHECK(pthread_sigmask(SIG_BLOCK, &urgent, NULL), ==, 0);
    start_monitor();
    CHECK(finish(start(hold_until_here, NULL)), ==, 0);
    CHECK(hold_reports[0].thread, ==, 0);
    CHECK(hold_reports[0].count, ==, 0);
    CHECK(hold_reports[0].os_thread, ==, gettid());
    CHECK_TEXT(hold_reports[0].name, "");
    CHECK_CONTAINS(hold_reports[0].text, "green: a green thread has blocked its hub");
    CHECK_CONTAINS(hold_reports[0].text, "signal 23 is blocked");
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &urgent, NULL), ==, 0); /* pending signals are ignored */
}

/* Loop iterations -------------------------------------------------------------- */

static int64_t longest_iteration(void) {
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    return statistics.longest_iteration;
}

/* Another cause may make an iteration as long as the wait, but not each time. */
static void wait_longer_than_iterations(void) {
    for (int round = 0;; round++) {
        int64_t wait = 2 * longest_iteration() + 200 * GREEN_MILLISECOND;
        CHECK(green_sleep(wait), ==, 0);
        if (longest_iteration() < wait)
            break;
        CHECK(round, <, 4);
    }
}

TEST(iterations, "the longest loop iteration is measured while the monitor is on, without waits in the kernel") {
    CHECK(green_yield(), ==, 0);
    CHECK(longest_iteration(), ==, 0);
    start_monitor();
    let_run();
    wait_longer_than_iterations();
    CHECK(longest_iteration(), >, 0);
    hold("greedy", 1);
    let_run();
    int64_t measured = longest_iteration();
    CHECK(measured, >=, LIMIT);
    CHECK(green_monitor_stop(), ==, 0);
    usleep((useconds_t)(measured / 1000 + 1));
    let_run();
    CHECK(longest_iteration(), ==, measured);
}

static atomic_int ends;
static atomic_llong longest_end;

static void note_end(const green_hold *hold, void *context) {
    CHECK(context == hold_reports);
    if (hold->os_thread != getpid())
        return;
    CHECK_TEXT(hold->hub, "main hub");
    CHECK_TEXT(hold->name, "");
    CHECK_TEXT(hold->text, "");
    if (hold->nanoseconds > atomic_load(&longest_end))
        atomic_store(&longest_end, hold->nanoseconds);
    atomic_fetch_add(&ends, 1);
}

static int hold_through_checks(void *unused) {
    (void)unused;
    int count = 1;
    hold_until_reported(&count);
    int before = atomic_load(&ends);
    await_checks();
    CHECK(atomic_load(&ends), ==, before); /* it has not ended */
    return 0;
}

TEST(ended, "the end of a reported hold is told once, with its length") {
    CHECK(green_hub_open(&(green_hub_options){.name = "main hub"}), ==, 0);
    green_monitor_options options = {.limit = LIMIT, .report = note, .context = hold_reports, .ended = note_end};
    CHECK(green_monitor_start(&options), ==, 0);
    CHECK(finish(start_named("greedy", hold_through_checks, NULL)), ==, 0);
    green_thread *sleeper = start_named("sleeper", nap, NULL);
    while (atomic_load(&ends) < count_here())
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK((int64_t)atomic_load(&longest_end), >=, report_of("greedy")->nanoseconds);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(atomic_load(&ends), ==, count_here());
}

/* Forks ------------------------------------------------------------------------ */

static void expect_off(void) {
    struct sigaction now;
    alarm(30 * time_factor());
    CHECK(sigaction(SIGURG, NULL, &now), ==, 0);
    CHECK(now.sa_handler == SIG_DFL);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(green_yield(), ==, 0);
    if (threads_after_fork()) {
        atomic_store(&reports, 0);
        start_monitor();
        /* A child forked by the watcher blocks all signals, and its report has no name. */
        CHECK(finish(start(hold_until_here, NULL)), ==, 0);
        CHECK(green_monitor_stop(), ==, 0);
    }
    _exit(0);
}

static void fork_and_expect_off(void) {
    int status = -1;
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0)
        expect_off();
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
}

TEST(forked, "the monitor is off in a forked child, which can start its own, and continues in the parent") {
    start_monitor();
    fork_and_expect_off(); /* before there is a hub */
    hold("parent's", 1);
    fork_and_expect_off();
    hold("parent's", 2);
    CHECK(green_monitor_stop(), ==, 0);
}

static void fork_in_report(const green_hold *hold, void *context) {
    (void)context;
    fork_and_expect_off();
    note(hold, hold_reports);
}

TEST(forked_by_report, "a child forked by the report can start its own monitor, too") {
    green_monitor_options options = {.limit = LIMIT, .report = fork_in_report};
    CHECK(green_monitor_start(&options), ==, 0);
    hold("greedy", 1);
    CHECK(green_monitor_stop(), ==, 0);
}
