/* The watcher: an OS thread that finds blocked hubs, and requests dumps when a signal
 * comes. It runs while the monitor or the dumps on a signal are on. */
#include "monitor.h"

#include "../base/libc.h"
#include "../base/os_thread.h"
#include "../base/timespec.h"
#include "../core/fork.h"
#include "dump.h"
#include "probe.h"
#include "timing.h"

#include <green/monitor.h>
#include <green/report.h>

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t LIMIT_DEFAULT = 100 * 1000 * 1000;
static const int64_t LIMIT_MIN = 1000 * 1000;
static const int64_t DUMP_CHECK = 10 * 1000 * 1000;  /* between checks while a dump is pending */
static const int64_t DUMP_DELAY = 100 * 1000 * 1000; /* until the hold that delays a dump is reported */

enum {
    CHECKS_PER_LIMIT = 4,
    CHECKS_MIN = 3, /* fewer may mean that the whole process was stopped */
};

/* A signal with Green's handler. */
typedef struct caught_signal {
    int number; /* 0: none */
    struct sigaction previous;
} caught_signal;

static struct {
    pthread_mutex_t control; /* held while the monitor or the dumps are switched */
    caught_signal probe_signal, dump_signal;
    green_monitor_options monitor;
    uint32_t monitors; /* started so far */
    bool is_monitoring;

    /* The OS thread. The fields above change only while it does not run. */
    pthread_t thread;
    bool runs;
    bool must_stop;      /* atomic */
    bool dump_requested; /* atomic; set by the handler */
    bool dump_pending;
    sem_t wake;
} watcher = {.control = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool is_watcher;

/* Signals -------------------------------------------------------------------- */

static int number_of(const caught_signal *caught) {
    return __atomic_load_n(&caught->number, __ATOMIC_RELAXED);
}

static void set_number(caught_signal *caught, int number) {
    __atomic_store_n(&caught->number, number, __ATOMIC_RELAXED);
}

/* Calls the handler that the program had set before. */
static void call_previous(int number, siginfo_t *info, void *context) {
    if (number != number_of(&watcher.probe_signal))
        return; /* the former action is being restored */
    const struct sigaction *previous = &watcher.probe_signal.previous;
    if (previous->sa_flags & SA_SIGINFO)
        previous->sa_sigaction(number, info, context);
    else if (previous->sa_handler != SIG_DFL && previous->sa_handler != SIG_IGN)
        previous->sa_handler(number);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    int error_number = errno;
    bool is_probe = green__probe_handle(info, context);
    if (!is_probe && number == number_of(&watcher.dump_signal)) {
        __atomic_store_n(&watcher.dump_requested, true, __ATOMIC_RELEASE);
        sem_post(&watcher.wake);
    } else if (!is_probe) {
        call_previous(number, info, context);
    }
    errno = error_number;
}

static int catch_signal(caught_signal *caught, int number) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (green__libc.sigaction(number, NULL, &caught->previous) < 0)
        return -errno;
    set_number(caught, number); /* before the first signal */
    if (green__libc.sigaction(number, &action, NULL) == 0)
        return 0;
    set_number(caught, 0);
    return -errno;
}

/* Ignoring the signal first discards pending ones, whose former action may be to end the
 * process. */
static void restore_signal(caught_signal *caught) {
    struct sigaction now, ignore = {.sa_handler = SIG_IGN};
    if (caught->number == 0)
        return;
    if (green__libc.sigaction(caught->number, NULL, &now) == 0 && now.sa_sigaction == on_signal) {
        green__libc.sigaction(caught->number, &ignore, NULL);
        green__libc.sigaction(caught->number, &caught->previous, NULL);
    }
    set_number(caught, 0);
}

/* Reports -------------------------------------------------------------------- */

static void write_hold(FILE *file, const green_hold *hold, int signal) {
    if (hold->thread == 0)
        fprintf(file, "a green thread");
    else if (*hold->name)
        fprintf(file, "thread %lu '%s'", (unsigned long)hold->thread, hold->name);
    else
        fprintf(file, "thread %lu", (unsigned long)hold->thread);
    fprintf(file, " has blocked its hub");
    if (*hold->hub)
        fprintf(file, " '%s'", hold->hub);
    fprintf(file, ", of OS thread %d, for %.0f ms", hold->os_thread, (double)hold->nanoseconds / 1e6);
    if (hold->thread == 0)
        fprintf(file, " (no backtrace: signal %d is blocked)", signal);
    fputs(hold->count > 0 ? ":\n" : "\n", file);
    green__backtrace_print(file, hold->frames, hold->count);
}

#define PREFIX "green: "

/* Sends the text of a hold as a report, which has neither the prefix nor the last newline. */
static void send_report(const green_hold *hold, char *text, size_t size) {
    text[size - 1] = 0;
    green_report_send(&(green_report){.level = GREEN_REPORT_WARNING,
                                      .text = text + strlen(PREFIX),
                                      .thread = hold->thread,
                                      .name = hold->name,
                                      .hub = hold->hub});
}

/* Passes a hold to the monitor's function, or reports it. */
static void report(const green_hold *found, int signal, bool delays_dump) {
    char *text = NULL;
    size_t size = 0;
    green_hold hold = *found;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return;
    fputs(delays_dump ? "green: a dump is delayed: " : PREFIX, file);
    write_hold(file, &hold, signal);
    if (fclose(file) == 0) {
        hold.text = text;
        if (delays_dump)
            green__write_all(STDERR_FILENO, text, size); /* where the dump goes */
        else if (watcher.monitor.report)
            watcher.monitor.report(&hold, watcher.monitor.context);
        else
            send_report(&hold, text, size);
    }
    free(text);
}

static void check_progress(green_hub *hub, int64_t now) {
    green_hub_diagnostics *own = &hub->diagnostics;
    green_hub_progress progress = green__hub_progress(hub);
    if (green__hub_progress_is_equal(progress, own->progress) && progress.waits % 2 == 0) {
        own->unchanged_checks++;
        own->last_seen = now;
        return;
    }
    if (own->end_is_awaited)
        own->ended = own->last_seen - own->since;
    own->end_is_awaited = false;
    own->progress = progress;
    own->since = now;
    own->unchanged_checks = 0;
    own->hold_reported = false;
}

static bool is_held(const green_hub_diagnostics *own, int64_t now, int64_t limit) {
    return own->unchanged_checks >= CHECKS_MIN && now - own->since >= limit;
}

/* Whether to report the hold of a hub now. Records that it was reported. */
static bool is_due(green_hub *hub, int64_t now, bool delays_dump) {
    green_hub_diagnostics *own = &hub->diagnostics;
    if (delays_dump) {
        if (watcher.dump_signal.number == 0 || own->dump_delay_reported || !green__dump_is_pending(hub) ||
            !is_held(own, now, DUMP_DELAY))
            return false;
        return own->dump_delay_reported = true;
    }
    if (!watcher.is_monitoring || own->hold_reported || green__counter_read(&hub->threads) < 2 ||
        !is_held(own, now, watcher.monitor.limit))
        return false;
    return own->hold_reported = true;
}

/* Fills in which thread blocks a hub, and its backtrace. False: the hub has progressed in the
 * meantime, and is not blocked. */
static bool fill_hold(green_hold *hold, green_hub *hub, int64_t now, int signal) {
    hold->os_thread = hub->registration.tid;
    hold->nanoseconds = now - hub->diagnostics.since;
    const green_probe_answer *answer = green__probe(hub, signal);
    if (!answer)
        return true;
    hold->thread = answer->thread;
    hold->name = answer->name;
    hold->frames = answer->frames;
    hold->count = answer->count;
    if (!answer->progressed)
        return true;
    check_progress(hub, now); /* the thread that runs now may hold the hub, too */
    hub->diagnostics.dump_delay_reported = false;
    return false;
}

/* Reports one hub that is due. Returns whether there was one. The registry is locked only
 * for the answer of the OS thread, so that its hub stays, and not for the report. */
static bool report_one(int64_t now, bool delays_dump) {
    char hub_name[GREEN_NAME_MAX + 1] = "";
    green_hold hold = {.name = "", .hub = hub_name};
    bool found = false, held = true;
    int signal = delays_dump ? watcher.dump_signal.number : watcher.probe_signal.number;
    for (green_hub_registration *hub = green__hubs_lock(); hub && !found; hub = hub->next) {
        found = is_due(hub->hub, now, delays_dump);
        if (!found)
            continue;
        memcpy(hub_name, hub->hub->name, sizeof hub_name);
        held = fill_hold(&hold, hub->hub, now, signal);
        if (held && !delays_dump)
            hub->hub->diagnostics.end_is_awaited = watcher.monitor.ended != NULL;
    }
    green__hubs_unlock();
    if (found && held)
        report(&hold, signal, delays_dump);
    return found;
}

/* Passes the end of one hold to the monitor's function. Returns whether there was one. */
static bool report_end(void) {
    char hub_name[GREEN_NAME_MAX + 1] = "";
    green_hold hold = {.name = "", .text = "", .hub = hub_name};
    for (green_hub_registration *hub = green__hubs_lock(); hub && hold.nanoseconds == 0; hub = hub->next) {
        memcpy(hub_name, hub->hub->name, sizeof hub_name);
        hold.os_thread = hub->tid;
        hold.nanoseconds = hub->hub->diagnostics.ended;
        hub->hub->diagnostics.ended = 0;
    }
    green__hubs_unlock();
    if (hold.nanoseconds == 0)
        return false;
    if (watcher.is_monitoring && watcher.monitor.ended)
        watcher.monitor.ended(&hold, watcher.monitor.context);
    return true;
}

/* The OS thread -------------------------------------------------------------- */

static void request_dumps(void) {
    for (green_hub_registration *hub = green__hubs_lock(); hub; hub = hub->next) {
        hub->hub->diagnostics.dump_delay_reported = false;
        green__dump_request(hub->hub);
    }
    green__hubs_unlock();
    watcher.dump_pending = true;
}

static void check_all(int64_t now) {
    bool pending = false;
    for (green_hub_registration *hub = green__hubs_lock(); hub; hub = hub->next) {
        check_progress(hub->hub, now);
        pending |= green__dump_is_pending(hub->hub) && !hub->hub->diagnostics.dump_delay_reported;
    }
    green__hubs_unlock();
    watcher.dump_pending = pending && watcher.dump_signal.number != 0;
}

/* Sleeps until the next check, or until the semaphore is posted. */
static void wait_for_check(void) {
    int64_t time = watcher.is_monitoring ? watcher.monitor.limit / CHECKS_PER_LIMIT : GREEN_FOREVER;
    if (watcher.dump_pending && (time < 0 || time > DUMP_CHECK))
        time = DUMP_CHECK;
    if (time < 0) {
        sem_wait(&watcher.wake);
        return;
    }
    struct timespec until = green__timespec_of(green_now() + time);
    sem_clockwait(&watcher.wake, CLOCK_MONOTONIC, &until);
}

static void *watch(void *unused) {
    is_watcher = true;
    green__os_thread_set_name("green-watcher");
    green__os_thread_rest_begin();
    while (!__atomic_load_n(&watcher.must_stop, __ATOMIC_ACQUIRE)) {
        int64_t now = green_now();
        if (__atomic_exchange_n(&watcher.dump_requested, false, __ATOMIC_ACQUIRE))
            request_dumps();
        check_all(now);
        while (report_end())
            ;
        while (report_one(now, false) || report_one(now, true))
            ;
        wait_for_check();
    }
    green__os_thread_rest_end();
    return unused;
}

/* Switching ------------------------------------------------------------------ */

/* Ends the OS thread, so that the fields that it reads can be changed. */
static void stop(void) {
    if (!watcher.runs)
        return;
    __atomic_store_n(&watcher.must_stop, true, __ATOMIC_RELEASE);
    sem_post(&watcher.wake);
    green__pthread.join(watcher.thread, NULL);
    watcher.must_stop = watcher.runs = false;
}

/* Starts the OS thread unless everything is off. */
static int start(void) {
    if (watcher.runs || (!watcher.is_monitoring && watcher.dump_signal.number == 0))
        return 0;
    int error = green__os_thread_start(&watcher.thread, 0, watch, NULL);
    watcher.runs = error == 0;
    return error;
}

static void prepare(void) {
    sem_init(&watcher.wake, 0, 0);
    green__backtrace_prepare();
    green__fork_watch(); /* a fork may come before the first hub */
}

/* Locks the watcher and stops it. */
static int begin_change(const char *call) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (is_watcher)
        return green__fail(-EDEADLK, "%s: called by the monitor's report", call);
    pthread_once(&once, prepare);
    green__pthread.mutex_lock(&watcher.control);
    stop();
    return 0;
}

/* Starts and unlocks it. Returns the error of the change, or of the start. */
static int end_change(int error) {
    int started = start();
    green__pthread.mutex_unlock(&watcher.control);
    return error < 0 ? error : started;
}

static void monitor_off(void) {
    if (!watcher.is_monitoring)
        return;
    watcher.is_monitoring = false;
    green__timing_set(0);
    restore_signal(&watcher.probe_signal);
}

static int options_check(const green_monitor_options *given, green_monitor_options *options) {
    *options = given ? *given : (green_monitor_options){0};
    if (options->limit == 0)
        options->limit = LIMIT_DEFAULT;
    if (options->signal == 0)
        options->signal = SIGURG;
    if (options->limit < LIMIT_MIN)
        return green__fail(-EINVAL, "green_monitor_start: limit is %ld ns and must be at least 1 ms",
                           (long)options->limit);
    return 0;
}

int green_monitor_start(const green_monitor_options *given) {
    green_monitor_options options;
    int error = options_check(given, &options);
    if (error < 0 || (error = begin_change("green_monitor_start")) < 0)
        return error;
    if (watcher.is_monitoring)
        return end_change(green__fail(-EALREADY, "green_monitor_start: the monitor is on"));
    if (options.signal == watcher.dump_signal.number)
        return end_change(green__fail(-EBUSY, "green_monitor_start: signal %d requests dumps", options.signal));
    error = catch_signal(&watcher.probe_signal, options.signal);
    if (error < 0)
        return end_change(green__fail(error, "green_monitor_start: cannot catch signal %d", options.signal));
    watcher.monitor = options;
    watcher.is_monitoring = true;
    green__timing_set(++watcher.monitors);
    error = start();
    if (error < 0) {
        green__fail(error, "green_monitor_start: cannot start an OS thread");
        monitor_off();
    }
    return end_change(error);
}

int green_monitor_stop(void) {
    int error = begin_change("green_monitor_stop");
    if (error < 0)
        return error;
    green_monitor_options options = watcher.monitor;
    bool was_on = watcher.is_monitoring;
    monitor_off();
    error = end_change(0);
    if (was_on && options.discard)
        options.discard(options.context); /* which may start it again */
    return error;
}

int green_dump_on_signal(int signal) {
    int error = begin_change("green_dump_on_signal");
    if (error < 0)
        return error;
    if (signal == watcher.dump_signal.number)
        return end_change(0);
    if (signal != 0 && signal == watcher.probe_signal.number)
        return end_change(green__fail(-EBUSY, "green_dump_on_signal: the monitor uses signal %d", signal));
    caught_signal former = watcher.dump_signal;
    set_number(&watcher.dump_signal, 0);
    if (signal != 0)
        error = catch_signal(&watcher.dump_signal, signal);
    if (error == 0)
        error = start();
    if (error == 0) {
        restore_signal(&former);
        return end_change(0);
    }
    green__fail(error, "green_dump_on_signal: cannot request dumps by signal %d", signal);
    restore_signal(&watcher.dump_signal);
    watcher.dump_signal = former;
    return end_change(error);
}

void green__monitor_forked(void) {
    watcher.control = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    watcher.runs = watcher.must_stop = watcher.is_monitoring = watcher.dump_requested = watcher.dump_pending = false;
    green__probe_forked();
    is_watcher = false; /* its report may have forked */
    restore_signal(&watcher.probe_signal);
    restore_signal(&watcher.dump_signal);
}
