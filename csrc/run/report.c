#include "report.h"

#include "../base/own_fd.h"
#include "longest.h"
#include "report_signal.h"

#include <green/hub.h>
#include <green/monitor.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t ANSWER_TIME = GREEN_SECOND; /* for the main OS thread to answer */

static green_patch *reported;
static green_hub *hub;
static int signal_number;
static FILE *output;  /* a copy of standard error, which many programs close before they exit */
static pid_t process; /* a forked child reports nothing */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned long count_os_threads(void) {
    unsigned long count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && readdir(tasks))
        count++;
    if (tasks)
        closedir(tasks);
    return count > 2 ? count - 2 : 0; /* "." and ".." */
}

static void write_counts(void) {
    green_statistics counts;
    if (green_hub_statistics_of(hub, &counts, ANSWER_TIME) < 0) {
        fprintf(output, "  the main OS thread does not answer: a thread holds it, or waits by a call that blocks it\n");
        return;
    }
    fprintf(output, "  green threads, besides main: %llu now, %llu at most, %llu in all; OS threads now: %lu\n",
            (unsigned long long)counts.threads - 1, (unsigned long long)counts.most_threads - 1,
            (unsigned long long)counts.spawned - 1, count_os_threads());
    fprintf(output, "  switches: %llu; system calls of the engine: %llu; stacks: %llu\n",
            (unsigned long long)counts.switches, (unsigned long long)counts.system_calls,
            (unsigned long long)counts.stacks);
}

static const char *name_of(const green_patch_line *line) {
    return *line->object ? line->object : "the program";
}

/* A line for each object. The calls of one object follow each other, except those of objects that
 * were loaded later. */
static void write_patched(void) {
    green_patch_line line;
    const char *object = "";
    for (size_t i = 0; green_patch_report(reported, i, &line); i++) {
        if (i == 0 || strcmp(object, line.object) != 0)
            fprintf(output, "%s  patched in %s:", i == 0 ? "" : "\n", name_of(&line));
        fprintf(output, " %s", line.symbol);
        object = line.object;
    }
    fprintf(output, "\n");
}

static void write_report(const char *when) {
    if (getpid() != process)
        return;
    pthread_mutex_lock(&lock);
    fprintf(output, "green-run: report of process %d %s, engine %s\n", (int)process, when, green_hub_engine());
    write_counts();
    green_run_longest_write(output);
    write_patched();
    fflush(output);
    pthread_mutex_unlock(&lock);
}

static void write_at_exit(void) {
    write_report("at its end");
}

static void write_on_signal(void) {
    char when[32];
    snprintf(when, sizeof when, "on SIG%s", sigabbrev_np(signal_number));
    write_report(when);
}

/* Open until the end. */
static FILE *copy_standard_error(void) {
    int fd = green__own_fd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    return fd < 0 ? NULL : fdopen(fd, "w");
}

/* With --monitor, holds of its length are measured and written at once. */
static int measure_holds(void) {
    const char *monitor = getenv("GREEN_MONITOR");
    double milliseconds = monitor ? strtod(monitor, NULL) : 0;
    if (milliseconds < 1)
        return green_run_longest_begin(0);
    (void)green_monitor_stop();
    return green_run_longest_begin((int64_t)(milliseconds * 1e6));
}

static void warn(const char *what, const char *reason) {
    fprintf(stderr, "green-run: %s: %s\n", what, reason);
}

void green_run_report_begin(green_patch *patch, int signal) {
    output = copy_standard_error();
    if (!output)
        return; /* there is no standard error */
    reported = patch;
    hub = green_hub_current();
    process = getpid();
    signal_number = signal;
    int error = measure_holds();
    if (error < 0)
        warn("cannot measure how long threads run without a wait", green_explain(error));
    error = green_run_report_on_signal(signal, write_on_signal);
    if (error == -EBUSY)
        warn("no report on a signal", "the signal is ignored or has another use; choose one by --report-signal");
    else if (error < 0)
        warn("no report on a signal", strerror(-error));
    if (atexit(write_at_exit) != 0)
        warn("no report at the end", strerror(ENOMEM));
}
