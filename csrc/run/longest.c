#include "longest.h"

#include <green/hub.h>
#include <green/monitor.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const int64_t HOLD_MIN = 10 * GREEN_MILLISECOND; /* shorter holds are not noticed */

/* A time without a wait. */
struct hold {
    int64_t began, nanoseconds;
    int os_thread;
    char *text; /* the thread, and its backtrace; NULL without memory */
};

static struct {
    pthread_mutex_t lock;
    int64_t limit;        /* of holds that are measured */
    int64_t total;        /* nanoseconds of all holds that have ended */
    unsigned long count;  /* of holds, with the one that has not ended */
    struct hold current;  /* the last one that began */
    bool is_in_progress;  /* it has not ended */
    struct hold longest;  /* of those that have ended */
    int64_t report_limit; /* of holds that are written at once; 0: none */
} holds = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *describe(const green_hold *hold) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return NULL;
    const char *frames = hold->count > 0 ? strchr(hold->text, '\n') : NULL;
    if (hold->thread == 0)
        fprintf(file, "an unknown thread, because the program blocks the signal that asks for it\n");
    else if (*hold->name)
        fprintf(file, "thread %llu '%s'%s\n", (unsigned long long)hold->thread, hold->name, frames ? ", in:" : "");
    else
        fprintf(file, "thread %llu%s\n", (unsigned long long)hold->thread, frames ? ", in:" : "");
    if (frames)
        fputs(frames + 1, file);
    return fclose(file) == 0 ? text : NULL;
}

static void begin(const green_hold *hold, void *unused) {
    (void)unused;
    pthread_mutex_lock(&holds.lock);
    free(holds.current.text);
    holds.current = (struct hold){.began = green_now() - hold->nanoseconds,
                                  .nanoseconds = hold->nanoseconds,
                                  .os_thread = hold->os_thread,
                                  .text = describe(hold)};
    holds.is_in_progress = true;
    holds.count++;
    pthread_mutex_unlock(&holds.lock);
    if (holds.report_limit > 0)
        fputs(hold->text, stderr);
}

static void end(const green_hold *hold, void *unused) {
    (void)unused;
    pthread_mutex_lock(&holds.lock);
    holds.total += hold->nanoseconds;
    if (holds.is_in_progress && hold->os_thread == holds.current.os_thread) {
        holds.is_in_progress = false;
        holds.current.nanoseconds = hold->nanoseconds;
        if (hold->nanoseconds > holds.longest.nanoseconds) {
            free(holds.longest.text);
            holds.longest = holds.current;
            holds.current.text = NULL;
        }
    }
    pthread_mutex_unlock(&holds.lock);
}

int green_run_longest_begin(int64_t monitor_limit) {
    holds.report_limit = monitor_limit;
    holds.limit = monitor_limit > 0 ? monitor_limit : HOLD_MIN;
    return green_monitor_start(&(green_monitor_options){.limit = holds.limit, .report = begin, .ended = end});
}

static void write_hold(FILE *file, const struct hold *hold, const char *which) {
    fprintf(file, "  the longest%s: %.0f ms, of %s", which, (double)hold->nanoseconds / 1e6,
            hold->text ? hold->text : "a thread\n");
}

void green_run_longest_write(FILE *file) {
    pthread_mutex_lock(&holds.lock);
    struct hold current = holds.current;
    int64_t total = holds.total;
    if (holds.is_in_progress) {
        current.nanoseconds = green_now() - current.began;
        total += current.nanoseconds;
    }
    fprintf(file, "  times of %.0f ms or more without a wait, while other threads existed: %lu, of %.0f ms in all\n",
            (double)holds.limit / 1e6, holds.count, (double)total / 1e6);
    if (holds.is_in_progress && current.nanoseconds > holds.longest.nanoseconds)
        write_hold(file, &current, ", which has not ended");
    else if (holds.count > 0)
        write_hold(file, &holds.longest, "");
    pthread_mutex_unlock(&holds.lock);
}
