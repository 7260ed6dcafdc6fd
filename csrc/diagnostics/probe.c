#include "probe.h"

#include "../base/libc.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    PAUSES_MAX = 50,       /* of a millisecond, until an OS thread is given up */
    PAUSES_PER_SIGNAL = 10 /* until the signal is sent again */
};

enum { IDLE, SENT, ANSWERING, ANSWERED };

static struct {
    int state; /* atomic */
    green_hub *hub;
    green_probe_answer answer;
} probe;

green_hub_progress green__hub_progress(const green_hub *hub) {
    return (green_hub_progress){green__counter_read(&hub->switches), green__counter_read(&hub->loop_iterations),
                                green__counter_read(&hub->registration.waits)};
}

bool green__hub_progress_is_equal(green_hub_progress one, green_hub_progress other) {
    return one.switches == other.switches && one.loop_iterations == other.loop_iterations && one.waits == other.waits;
}

/* Async-signal-safe. */
static void answer(const void *context) {
    int expected = SENT;
    if (!__atomic_compare_exchange_n(&probe.state, &expected, ANSWERING, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return; /* too late */
    const green_hub *hub = green__hub;
    if (hub != probe.hub) {
        __atomic_store_n(&probe.state, SENT, __ATOMIC_RELEASE);
        return;
    }
    const green_thread *thread = hub->current;
    green_probe_answer *given = &probe.answer;
    given->progressed = !green__hub_progress_is_equal(hub->diagnostics.progress, green__hub_progress(hub));
    given->thread = thread->id;
    strncpy(given->name, thread->name ? thread->name : "", GREEN_NAME_MAX);
    given->count = green__backtrace_interrupted(given->frames, context);
    __atomic_store_n(&probe.state, ANSWERED, __ATOMIC_RELEASE);
}

bool green__probe_handle(const siginfo_t *info, const void *context) {
    if (info->si_code != SI_QUEUE || info->si_value.sival_ptr != &probe)
        return false;
    answer(context);
    return true;
}

static void pause_for_millisecond(void) {
    struct timespec time = {0, GREEN_MILLISECOND};
    green__libc.syscall(SYS_nanosleep, &time, NULL); /* not nanosleep(), which may be patched */
}

const green_probe_answer *green__probe(green_hub *hub, int signal) {
    probe.hub = hub;
    __atomic_store_n(&probe.state, SENT, __ATOMIC_RELEASE);
    for (int pauses = 0; pauses < PAUSES_MAX; pauses++) {
        if (__atomic_load_n(&probe.state, __ATOMIC_ACQUIRE) == ANSWERED)
            return &probe.answer;
        if (pauses % PAUSES_PER_SIGNAL == 0)
            pthread_sigqueue(hub->registration.thread, signal, (union sigval){.sival_ptr = &probe});
        pause_for_millisecond();
    }
    for (int expected = SENT;
         !__atomic_compare_exchange_n(&probe.state, &expected, IDLE, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE);
         expected = SENT) {
        if (expected == ANSWERED)
            return &probe.answer;
        pause_for_millisecond();
    }
    return NULL;
}

void green__probe_forked(void) {
    probe.state = IDLE;
}
