/* The reports of the monitor, and threads that hold their hub until they are reported.
 *
 * A hold lasts until its thread has been reported by name, however long that takes. On a
 * loaded machine, or in a stopped process, any thread may hold its hub too long, and an
 * OS thread may report its position too late. So tests count the reports of a name, not
 * all reports, and a thread that was reported without its name holds its hub again. */
#ifndef GREEN_TESTS_HOLDS_H
#define GREEN_TESTS_HOLDS_H

#include "helpers.h"

#include <pthread.h>
#include <stdatomic.h>

enum { REPORTS_MAX = 64, FRAMES_LEAST = 2 };

static const int64_t LIMIT = 100 * GREEN_MILLISECOND;

/* The reports, in order. */
struct hold_report {
    uint64_t thread;
    char name[32], hub[32];
    int os_thread;
    int64_t nanoseconds;
    size_t count;
    char text[16384];
};
static struct hold_report hold_reports[REPORTS_MAX];
static atomic_int reports;

static inline void note(const green_hold *hold, void *context) {
    int index = atomic_load(&reports);
    CHECK(context == hold_reports);
    CHECK(index, <, REPORTS_MAX);
    CHECK(hold->count == 0 || hold->frames[0] != NULL);
    hold_reports[index] = (struct hold_report){
        .thread = hold->thread, .os_thread = hold->os_thread, .nanoseconds = hold->nanoseconds, .count = hold->count};
    snprintf(hold_reports[index].name, sizeof hold_reports[index].name, "%s", hold->name);
    snprintf(hold_reports[index].hub, sizeof hold_reports[index].hub, "%s", hold->hub);
    snprintf(hold_reports[index].text, sizeof hold_reports[index].text, "%s", hold->text);
    atomic_store(&reports, index + 1);
}

/* The last report of a thread with this name, and the number of such reports. */
static inline struct hold_report *last_of(const char *name, int *count) {
    struct hold_report *last = NULL;
    int all = atomic_load(&reports);
    *count = 0;
    for (int i = 0; i < all; i++)
        if (hold_reports[i].thread != 0 && strcmp(hold_reports[i].name, name) == 0) {
            last = &hold_reports[i];
            ++*count;
        }
    return last;
}

static inline int count_of(const char *name) {
    int count;
    last_of(name, &count);
    return count;
}

static inline struct hold_report *report_of(const char *name) {
    int count;
    struct hold_report *last = last_of(name, &count);
    CHECK(last != NULL);
    return last;
}

/* The number of reports of this OS thread, with any name. */
static inline int count_here(void) {
    int count = 0, all = atomic_load(&reports);
    for (int i = 0; i < all; i++)
        count += hold_reports[i].os_thread == gettid();
    return count;
}

static inline void start_monitor(void) {
    green_monitor_options options = {.limit = LIMIT, .report = note, .context = hold_reports};
    CHECK(green_monitor_start(&options), ==, 0);
}

/* Holds the hub until there are *count reports of the caller's name. Tests search for
 * the name of this function in a backtrace. */
__attribute__((noinline, unused)) static int hold_until_reported(void *count) {
    const char *name = green_thread_name(green_current());
    for (int seen = count_here(); count_of(name) < *(int *)count;)
        if (count_here() != seen && count_of(name) < *(int *)count) { /* without the name */
            CHECK(green_yield(), ==, 0);
            seen = count_here();
        }
    return 0;
}

/* A thread function: holds the hub until there is any report of its OS thread. */
static inline int hold_until_here(void *unused) {
    (void)unused;
    while (count_here() == 0)
        ;
    return 0;
}

static inline void hold(const char *name, int count) {
    CHECK(finish(start_named(name, hold_until_reported, &count)), ==, 0);
    CHECK(count_of(name), ==, count);
}

/* Holds a hub of another OS thread until there is one more report of it. By then the
 * monitor has checked all other hubs as often as that one. */
static inline void *hold_elsewhere(void *count) {
    CHECK(green_hub_open(&(green_hub_options){.name = "other"}), ==, 0);
    hold("elsewhere", *(int *)count);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static inline void await_checks(void) {
    pthread_t thread;
    int count = count_of("elsewhere") + 1;
    CHECK(pthread_create(&thread, NULL, hold_elsewhere, &count), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(report_of("elsewhere")->os_thread, !=, gettid());
}

#endif
