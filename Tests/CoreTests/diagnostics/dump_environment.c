/* GREEN_DUMP: dumps on a signal in a program that does not ask for them. This one calls no
 * function of green/monitor.h. */
#include "helpers.h"

#include <signal.h>

/* The captured standard error so far, which the next call overwrites. */
static const char *written(void) {
    static char text[16384];
    ssize_t size = pread(STDERR_FILENO, text, sizeof text - 1, 0);
    CHECK(size, >=, 0);
    text[size] = 0;
    return text;
}

static int signal_to_raise;

/* The second signal shows that the first did not end the process, or the dumps. */
static void raise_twice(void) {
    green_thread *sleeper = start_named("dozing", nap, NULL);
    let_run();
    for (int i = 0; i < 2; i++) {
        capture_begin();
        CHECK(kill(getpid(), signal_to_raise), ==, 0);
        UNTIL(strstr(written(), "'dozing': parked, sleeping"));
        capture_end();
    }
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
}

static void run_with_signal(void) {
    on_each_engine(raise_twice);
}

static void expect_dumps(const char *name, int number) {
    static struct child child;
    signal_to_raise = number;
    CHECK(setenv("GREEN_DUMP", name, 1), ==, 0);
    run_child(&child, run_with_signal);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

TEST(dumps, "GREEN_DUMP makes an unchanged program dump on the signal that it names, and continue") {
    expect_dumps("QUIT", SIGQUIT);
    expect_dumps("USR1", SIGUSR1);
}

static void yield_once(void) {
    CHECK(green_yield(), ==, 0);
}

static void expect_report(const char *value, const char *report) {
    static struct child child;
    CHECK(setenv("GREEN_DUMP", value, 1), ==, 0);
    run_child(&child, yield_once);
    CHECK_CONTAINS(child.output, report);
    CHECK(child.status, ==, 0);
}

TEST(invalid, "a name in GREEN_DUMP that is no signal is reported with the valid form, and a signal with its error") {
    static const char form[] = "expected the name of a signal without SIG, such as QUIT or USR1";
    expect_report("SIGQUIT", "green: ignoring GREEN_DUMP=SIGQUIT: ");
    expect_report("SIGQUIT", form);
    expect_report("quit", form);
    expect_report("3", form);
    expect_report("KILL", "green: ignoring GREEN_DUMP=KILL: green_dump_on_signal: cannot request dumps by signal 9");
}

TEST(monitor_signal, "a signal in GREEN_DUMP that the monitor uses is reported") {
    CHECK(setenv("GREEN_MONITOR", "100", 1), ==, 0);
    expect_report("URG", "green: ignoring GREEN_DUMP=URG: green_dump_on_signal: the monitor uses signal");
}

static void run_without_value(void) {
    CHECK(setenv("GREEN_DUMP", "", 1), ==, 0);
    yield_once();
    raise(SIGQUIT);
}

TEST(empty, "with an empty GREEN_DUMP the signal keeps its action") {
    static struct child child;
    run_child(&child, run_without_value);
    if (!EMULATED) /* the emulator adds a line */
        CHECK_TEXT(child.output, "");
    CHECK(child.status & 127, ==, SIGQUIT);
}
