#include "report.h"

#include <green/hub.h>
#include <green/monitor.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t HOLD_MIN = 10 * GREEN_MILLISECOND; /* shorter holds are not noticed */

static green_patch *reported;
static FILE *output;  /* a copy of standard error, which many programs close before they exit */
static pid_t process; /* a forked child reports nothing */

/* The longest time for which a thread has held the OS thread. */
static struct {
    pthread_mutex_t lock;
    int64_t nanoseconds;
    char *text;
} longest = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep_longest(const green_hold *hold, void *unused) {
    (void)unused;
    pthread_mutex_lock(&longest.lock);
    if (hold->nanoseconds > longest.nanoseconds) {
        free(longest.text);
        longest.text = strdup(hold->text);
        longest.nanoseconds = hold->nanoseconds;
    }
    pthread_mutex_unlock(&longest.lock);
}

static void write_counts(void) {
    green_statistics counts;
    if (green_hub_statistics(&counts) < 0) {
        fprintf(output, "  the main OS thread has no hub\n");
        return;
    }
    fprintf(output, "  engine: %s\n", green_hub_engine());
    fprintf(output, "  green threads: %llu stacks, %llu threads have not ended\n", (unsigned long long)counts.stacks,
            (unsigned long long)counts.threads - 1);
    fprintf(output, "  switches: %llu, with %llu system calls of the engine\n", (unsigned long long)counts.switches,
            (unsigned long long)counts.system_calls);
}

static void write_longest(void) {
    pthread_mutex_lock(&longest.lock);
    if (longest.text)
        fprintf(output, "  the longest time without a wait: %s\n", longest.text);
    else
        fprintf(output, "  no thread was seen to run for %lld ms without a wait\n",
                (long long)(HOLD_MIN / GREEN_MILLISECOND));
    pthread_mutex_unlock(&longest.lock);
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

static void write_report(void) {
    if (getpid() != process)
        return;
    fprintf(output, "green-run: report of process %d\n", (int)process);
    write_counts();
    write_longest();
    write_patched();
    fflush(output);
}

void green_run_report_at_exit(green_patch *patch) {
    enum { HIGH = 256 }; /* where the program does not expect its own descriptors */
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, HIGH);
    output = fd < 0 ? NULL : fdopen(fd, "w");
    if (!output)
        return; /* there is no standard error */
    reported = patch;
    process = getpid();
    /* With --monitor, holds are reported when they happen. */
    int error = green_monitor_start(&(green_monitor_options){.limit = HOLD_MIN, .report = keep_longest});
    if (error < 0 && error != -EALREADY)
        fprintf(stderr, "green-run: cannot measure how long threads run without a wait: %s\n", green_explain(error));
    if (atexit(write_report) != 0)
        fprintf(stderr, "green-run: no memory for the report at the end\n");
}
