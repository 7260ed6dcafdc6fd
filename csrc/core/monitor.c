/* The watcher: an OS thread that finds hubs held too long, and passes on the
 * signal that asks all of them for a dump. */
#include "monitor.h"

#include "../base/os_thread.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t LIMIT_DEFAULT = 100 * 1000 * 1000;
static const int64_t LIMIT_MIN = 1000 * 1000;
static const int64_t DUMP_LOOK = 10 * 1000 * 1000;      /* how often a hub that is to dump is looked at */
static const int64_t DUMP_PATIENCE = 100 * 1000 * 1000; /* until it is said who holds it */

enum {
    LOOKS_A_LIMIT = 4,
    LOOKS_MIN = 3,         /* fewer may mean that the whole process was stopped */
    DUMP_LOOKS = 100,      /* attempts to wake a hub for a dump; it may block the signal */
    ANSWER_PAUSES = 50,    /* of a millisecond, until an OS thread is given up that does not answer */
    PAUSES_A_QUESTION = 10 /* and how many of them until it is asked again */
};

/* A signal that Green has taken over. */
typedef struct green_caught {
    int number; /* 0: none */
    struct sigaction previous;
} green_caught;

static struct {
    pthread_mutex_t control;      /* held by whoever switches something on or off */
    green_caught asking, dumping; /* the monitor's signal, and that of the dump */
    green_monitor_options monitor;
    uint32_t monitors; /* so far */
    bool monitoring;

    /* The OS thread. What is above changes only while there is none. */
    pthread_t thread;
    bool runs;
    bool stopping;    /* atomic */
    bool dump_wanted; /* atomic; set by the handler */
    bool dump_pending;
    sem_t wake;
} watcher = {.control = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool is_watcher;

/* What an OS thread is asked, by a signal that carries the address of this, and
 * what its handler answers. There is one question at a time. */
enum { NO_QUESTION, ASKED, ANSWERING, ANSWERED };

static struct {
    int state; /* atomic */
    green_hub *hub;
    green_hub_progress at; /* where it was */
    bool moved;            /* it has gone on since */
    uint64_t thread;
    char name[GREEN_NAME_MAX + 1];
    void *frames[GREEN_FRAMES_MAX];
    size_t count;
} question;

static green_hub_progress position(const green_hub *hub) {
    return (green_hub_progress){green__counter_read(&hub->switches), green__counter_read(&hub->loop_iterations),
                                green__counter_read(&hub->registration.waits)};
}

static bool is_same(green_hub_progress one, green_hub_progress other) {
    return one.switches == other.switches && one.loop_iterations == other.loop_iterations && one.waits == other.waits;
}

/* Handlers ------------------------------------------------------------------- */

static int number_of(const green_caught *caught) {
    return __atomic_load_n(&caught->number, __ATOMIC_RELAXED);
}

static void set_number(green_caught *caught, int number) {
    __atomic_store_n(&caught->number, number, __ATOMIC_RELAXED);
}

/* All of it async-signal-safe. */
static void answer(const void *context) {
    int expected = ASKED;
    if (!__atomic_compare_exchange_n(&question.state, &expected, ANSWERING, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return; /* it came too late, or only to wake this OS thread */
    const green_hub *hub = green__hub;
    if (hub != question.hub) {
        __atomic_store_n(&question.state, ASKED, __ATOMIC_RELEASE);
        return;
    }
    const green_thread *thread = hub->current;
    question.moved = !is_same(question.at, position(hub));
    question.thread = thread->id;
    strncpy(question.name, thread->name ? thread->name : "", GREEN_NAME_MAX);
    question.count = green__frames_interrupted(question.frames, context);
    __atomic_store_n(&question.state, ANSWERED, __ATOMIC_RELEASE);
}

/* One that the program had a handler for before. */
static void pass_on(int number, siginfo_t *info, void *context) {
    if (number != number_of(&watcher.asking))
        return; /* it comes as it is given back */
    const struct sigaction *previous = &watcher.asking.previous;
    if (previous->sa_flags & SA_SIGINFO)
        previous->sa_sigaction(number, info, context);
    else if (previous->sa_handler != SIG_DFL && previous->sa_handler != SIG_IGN)
        previous->sa_handler(number);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    int error_number = errno;
    if (info->si_code == SI_QUEUE && info->si_value.sival_ptr == &question) {
        answer(context);
    } else if (number == number_of(&watcher.dumping)) {
        __atomic_store_n(&watcher.dump_wanted, true, __ATOMIC_RELEASE);
        sem_post(&watcher.wake);
    } else {
        pass_on(number, info, context);
    }
    errno = error_number;
}

static int take_over(green_caught *caught, int number) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &caught->previous) < 0)
        return -errno;
    set_number(caught, number); /* before the first comes */
    if (sigaction(number, &action, NULL) == 0)
        return 0;
    set_number(caught, 0);
    return -errno;
}

/* To ignore it takes back what is still on its way, whose former action may be to
 * end the process. */
static void let_go(green_caught *caught) {
    struct sigaction now, ignore = {.sa_handler = SIG_IGN};
    if (caught->number == 0)
        return;
    if (sigaction(caught->number, NULL, &now) == 0 && now.sa_sigaction == on_signal) {
        sigaction(caught->number, &ignore, NULL);
        sigaction(caught->number, &caught->previous, NULL);
    }
    set_number(caught, 0);
}

/* Looking -------------------------------------------------------------------- */

static void send(const green_hub *hub, int signal) {
    pthread_sigqueue(hub->registration.thread, signal, (union sigval){.sival_ptr = &question});
}

static void pause_for(int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    syscall(SYS_nanosleep, &time, NULL); /* never a nanosleep() that has been made green */
}

/* Asks the OS thread of a hub where it is. False: it does not answer. */
static bool ask(green_hub *hub, int signal) {
    question.hub = hub;
    question.at = hub->registration.seen;
    __atomic_store_n(&question.state, ASKED, __ATOMIC_RELEASE);
    for (int pauses = 0; pauses < ANSWER_PAUSES; pauses++) {
        if (__atomic_load_n(&question.state, __ATOMIC_ACQUIRE) == ANSWERED)
            return true;
        if (pauses % PAUSES_A_QUESTION == 0)
            send(hub, signal);
        pause_for(GREEN_MILLISECOND);
    }
    for (int expected = ASKED; !__atomic_compare_exchange_n(&question.state, &expected, NO_QUESTION, false,
                                                            __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE);
         expected = ASKED) {
        if (expected == ANSWERED)
            return true;
        pause_for(GREEN_MILLISECOND);
    }
    return false;
}

static void write_hold(FILE *file, const green_hold *hold, int signal) {
    if (hold->thread == 0)
        fprintf(file, "a green thread");
    else if (*hold->name)
        fprintf(file, "thread %lu '%s'", (unsigned long)hold->thread, hold->name);
    else
        fprintf(file, "thread %lu", (unsigned long)hold->thread);
    fprintf(file, " has held its hub, of OS thread %d, for %.0f ms", hold->os_thread, (double)hold->nanoseconds / 1e6);
    if (hold->thread == 0)
        fprintf(file, ", which does not say where it is: signal %d is blocked", signal);
    fputs(hold->count > 0 ? ":\n" : "\n", file);
    green__frames_print(file, hold->frames, hold->count);
}

/* Reports one hold, to the program if it wants to know, or to standard error. */
static void report(const green_hold *found, int signal, bool for_dump) {
    char *text = NULL;
    size_t size = 0;
    green_hold hold = *found;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return;
    fputs(for_dump ? "green: a dump has to wait: " : "green: ", file);
    write_hold(file, &hold, signal);
    if (fclose(file) == 0) {
        hold.text = text;
        if (!for_dump && watcher.monitor.report)
            watcher.monitor.report(&hold, watcher.monitor.context);
        else
            green__write_all(STDERR_FILENO, text, size);
    }
    free(text);
}

static void look(green_hub *hub, int64_t now) {
    green_hub_registration *registration = &hub->registration;
    green_hub_progress at = position(hub);
    if (is_same(at, registration->seen) && at.waits % 2 == 0) {
        registration->unchanged_checks++;
        return;
    }
    registration->seen = at;
    registration->since = now;
    registration->unchanged_checks = 0;
    registration->hold_reported = false;
}

static bool has_held(const green_hub_registration *registration, int64_t now, int64_t limit) {
    return registration->unchanged_checks >= LOOKS_MIN && now - registration->since >= limit;
}

/* Whether a hub is to be hold_reported of now, to whom; notes that it was. */
static bool is_due(green_hub *hub, int64_t now, bool for_dump) {
    green_hub_registration *registration = &hub->registration;
    if (for_dump) {
        if (registration->dump_delay_reported || !(green__hub_requests(registration) & GREEN_REQUEST_DUMP) ||
            !has_held(registration, now, DUMP_PATIENCE))
            return false;
        return registration->dump_delay_reported = true;
    }
    if (!watcher.monitoring || registration->hold_reported || green__counter_read(&hub->threads) < 2 ||
        !has_held(registration, now, watcher.monitor.limit))
        return false;
    return registration->hold_reported = true;
}

/* A hub that has gone on as it was asked: who has it now may hold it, too. */
static void forgive(green_hub *hub, int64_t now) {
    look(hub, now);
    hub->registration.dump_delay_reported = false;
}

/* Reports a hub that is due, if there is one. Nobody waits for a report: only for
 * the answer of the OS thread, without which its hub might end. */
static bool report_one(int64_t now, bool for_dump) {
    green_hold hold = {.name = ""};
    bool found = false, held = true;
    int signal = for_dump ? watcher.dumping.number : watcher.asking.number;
    for (green_hub *hub = green__hubs_lock(); hub && !found; hub = hub->registration.next) {
        if (!(found = is_due(hub, now, for_dump)))
            continue;
        hold.os_thread = hub->registration.number;
        hold.nanoseconds = now - hub->registration.since;
        if (ask(hub, signal)) {
            held = !question.moved;
            if (!held)
                forgive(hub, now);
            hold.thread = question.thread;
            hold.name = question.name;
            hold.frames = question.frames;
            hold.count = question.count;
        }
    }
    green__hubs_unlock();
    if (found && held)
        report(&hold, signal, for_dump);
    return found;
}

/* Asks all hubs for a dump. */
static void ask_for_dump(void) {
    for (green_hub *hub = green__hubs_lock(); hub; hub = hub->registration.next) {
        hub->registration.dump_checks = 0;
        hub->registration.dump_delay_reported = false;
        __atomic_fetch_or(&hub->registration.requests, GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
    }
    green__hubs_unlock();
    watcher.dump_pending = true;
}

/* Looks at all hubs. Wakes those that are to dump and wait in the kernel: again
 * and again, since one may be about to wait as the signal comes. */
static void look_at_all(int64_t now) {
    bool pending = false;
    for (green_hub *hub = green__hubs_lock(); hub; hub = hub->registration.next) {
        green_hub_registration *registration = &hub->registration;
        look(hub, now);
        if (!(green__hub_requests(registration) & GREEN_REQUEST_DUMP) || watcher.dumping.number == 0 ||
            registration->dump_delay_reported || ++registration->dump_checks > DUMP_LOOKS)
            continue;
        if (registration->seen.waits % 2 == 1)
            send(hub, watcher.dumping.number);
        pending = true;
    }
    green__hubs_unlock();
    watcher.dump_pending = pending;
}

/* Waits until it is time for the next look, or somebody wants something. */
static void rest(void) {
    int64_t time = watcher.monitoring ? watcher.monitor.limit / LOOKS_A_LIMIT : GREEN_FOREVER;
    if (watcher.dump_pending && (time < 0 || time > DUMP_LOOK))
        time = DUMP_LOOK;
    if (time < 0) {
        sem_wait(&watcher.wake);
        return;
    }
    int64_t until = green_now() + time;
    sem_clockwait(&watcher.wake, CLOCK_MONOTONIC, &(struct timespec){until / 1000000000, until % 1000000000});
}

static void *watch(void *unused) {
    is_watcher = true;
    green__os_thread_set_name("green-watcher");
    while (!__atomic_load_n(&watcher.stopping, __ATOMIC_ACQUIRE)) {
        int64_t now = green_now();
        if (__atomic_exchange_n(&watcher.dump_wanted, false, __ATOMIC_ACQUIRE))
            ask_for_dump();
        look_at_all(now);
        while (report_one(now, false) || report_one(now, true))
            ;
        rest();
    }
    return unused;
}

/* On and off ----------------------------------------------------------------- */

/* Ends the OS thread, so that what it reads can be changed. */
static void halt(void) {
    if (!watcher.runs)
        return;
    __atomic_store_n(&watcher.stopping, true, __ATOMIC_RELEASE);
    sem_post(&watcher.wake);
    green__pthread.join(watcher.thread, NULL);
    watcher.stopping = watcher.runs = false;
}

/* Starts it again if there is anything to watch. */
static int proceed(void) {
    if (watcher.runs || (!watcher.monitoring && watcher.dumping.number == 0))
        return 0;
    int error = green__os_thread_start(&watcher.thread, 0, watch, NULL);
    watcher.runs = error == 0;
    return error;
}

static void prepare(void) {
    sem_init(&watcher.wake, 0, 0);
    green__frames_prepare();
    green__hub_registry_prepare(); /* a fork may come before the first hub */
}

/* Begins to change what is watched. */
static int enter(const char *call) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (is_watcher)
        return green__fail(-EDEADLK, "%s: called by the monitor's report", call);
    pthread_once(&once, prepare);
    green__pthread.mutex_lock(&watcher.control);
    halt();
    return 0;
}

/* Ends it; error is what it came to. */
static int leave(int error) {
    int started = proceed();
    green__pthread.mutex_unlock(&watcher.control);
    return error < 0 ? error : started;
}

static void monitor_off(void) {
    if (!watcher.monitoring)
        return;
    watcher.monitoring = false;
    green__hubs_set_timing(0);
    let_go(&watcher.asking);
}

static int options_check(const green_monitor_options *given, green_monitor_options *options) {
    *options = given ? *given : (green_monitor_options){0};
    if (options->limit == 0)
        options->limit = LIMIT_DEFAULT;
    if (options->signal == 0)
        options->signal = SIGURG;
    if (options->limit < LIMIT_MIN)
        return green__fail(-EINVAL, "green_monitor_start: a limit of %ld ns; the least is a millisecond",
                           (long)options->limit);
    return 0;
}

int green_monitor_start(const green_monitor_options *given) {
    green_monitor_options options;
    int error = options_check(given, &options);
    if (error < 0 || (error = enter("green_monitor_start")) < 0)
        return error;
    if (watcher.monitoring)
        return leave(green__fail(-EALREADY, "green_monitor_start: the monitor is on"));
    if (options.signal == watcher.dumping.number)
        return leave(green__fail(-EBUSY, "green_monitor_start: signal %d asks for dumps", options.signal));
    error = take_over(&watcher.asking, options.signal);
    if (error < 0)
        return leave(green__fail(error, "green_monitor_start: catching signal %d", options.signal));
    watcher.monitor = options;
    watcher.monitoring = true;
    green__hubs_set_timing(++watcher.monitors);
    error = proceed();
    if (error < 0) {
        green__fail(error, "green_monitor_start: starting an OS thread");
        monitor_off();
    }
    return leave(error);
}

int green_monitor_stop(void) {
    int error = enter("green_monitor_stop");
    if (error < 0)
        return error;
    green_monitor_options options = watcher.monitor;
    bool was_on = watcher.monitoring;
    monitor_off();
    error = leave(0);
    if (was_on && options.discard)
        options.discard(options.context); /* which may switch it on again */
    return error;
}

int green_dump_on_signal(int signal) {
    int error = enter("green_dump_on_signal");
    if (error < 0)
        return error;
    if (signal == watcher.dumping.number)
        return leave(0);
    if (signal != 0 && signal == watcher.asking.number)
        return leave(green__fail(-EBUSY, "green_dump_on_signal: signal %d is the monitor's", signal));
    green_caught former = watcher.dumping;
    set_number(&watcher.dumping, 0);
    if (signal != 0)
        error = take_over(&watcher.dumping, signal);
    if (error == 0)
        error = proceed();
    if (error == 0) {
        let_go(&former);
        return leave(0);
    }
    green__fail(error, "green_dump_on_signal: signal %d", signal);
    let_go(&watcher.dumping);
    watcher.dumping = former;
    return leave(error);
}

void green__monitor_from_environment(void) {
    const char *text = getenv("GREEN_MONITOR");
    if (!text || !*text)
        return;
    char *end;
    double milliseconds = strtod(text, &end);
    int error = -EINVAL;
    if (*end == 0 && milliseconds >= 1 && milliseconds < 1e9)
        error = green_monitor_start(&(green_monitor_options){.limit = (int64_t)(milliseconds * 1e6)});
    if (error < 0 && error != -EALREADY)
        green__report("GREEN_MONITOR=%s is to be a number of milliseconds, 1 at least, and the monitor is off: %s",
                      text, green__error_text(error));
}

void green__monitor_forked(void) {
    watcher.control = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    watcher.runs = watcher.stopping = watcher.monitoring = watcher.dump_wanted = watcher.dump_pending = false;
    question.state = NO_QUESTION;
    is_watcher = false; /* if its report has forked */
    let_go(&watcher.asking);
    let_go(&watcher.dumping);
}
