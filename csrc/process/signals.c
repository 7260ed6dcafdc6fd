/* Signals, read from a signalfd(2) like any other descriptor. */
#include "../base/descriptor.h"
#include "../base/libc.h"
#include "../core/foreign_release.h"
#include "../core/hub.h"
#include "../core/io.h"

#include <green/signals.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct green_signals {
    int fd;
    sigset_t collected;
    uint64_t os_thread; /* the id of its collectors */
    green_hub *hub;
    green_foreign_release foreign_release;
};

/* The number of green_signals of this OS thread that collect each signal, and the signals
 * that were blocked before the first one did. */
static _Thread_local struct {
    uint64_t id; /* of the OS thread; 0: it has not collected any */
    unsigned counts[NSIG];
    sigset_t blocked;
} collectors;

static uint64_t collectors_id(void) {
    static uint64_t last;
    if (collectors.id == 0)
        collectors.id = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    return collectors.id;
}

static void begin_collecting(const sigset_t *numbers) {
    sigset_t before;
    green__libc.pthread_sigmask(SIG_BLOCK, numbers, &before);
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(numbers, number) != 1 || collectors.counts[number]++ > 0)
            continue;
        if (sigismember(&before, number) == 1)
            sigaddset(&collectors.blocked, number);
        else
            sigdelset(&collectors.blocked, number);
    }
}

static void end_collecting(const sigset_t *numbers) {
    sigset_t free_again;
    sigemptyset(&free_again);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(numbers, number) == 1 && --collectors.counts[number] == 0 &&
            sigismember(&collectors.blocked, number) != 1)
            sigaddset(&free_again, number);
    green__libc.pthread_sigmask(SIG_UNBLOCK, &free_again, NULL);
}

int green_signals_open(green_signals **made, const int *numbers, size_t count) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    green_signals *signals = calloc(1, sizeof *signals);
    if (!signals)
        return green__fail(-ENOMEM, "cannot collect signals");
    signals->hub = hub;
    signals->os_thread = collectors_id();
    sigemptyset(&signals->collected);
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == SIGKILL || numbers[i] == SIGSTOP || sigaddset(&signals->collected, numbers[i]) < 0) {
            free(signals);
            return green__fail(-EINVAL, "cannot collect signal %d: it cannot be caught", numbers[i]);
        }
    signals->fd = green__above_stdio(signalfd(-1, &signals->collected, SFD_CLOEXEC | SFD_NONBLOCK));
    if (signals->fd < 0) {
        error = -errno;
        free(signals);
        return green__fail(error, "cannot collect signals");
    }
    begin_collecting(&signals->collected);
    *made = signals;
    return 0;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for a signal");
}

static const green_wait_kind waiting = {green__io_cancel, describe};

int green_signals_next(green_signals *signals, int64_t timeout) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub || (error = green__begin(hub, timeout)) < 0)
        return error;
    struct signalfd_siginfo info;
    green_io io;
    green__io_init(hub, &io, &waiting, GREEN_OP_READ, signals->fd);
    io.op.address = &info;
    io.op.length = sizeof info;
    error = green__io_run(hub, &io, timeout);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "no signal arrived");
    else if (error < 0 && !green__is_explained(error))
        green__fail(error, "cannot wait for a signal");
    return error < 0 ? error : (int)info.ssi_signo;
}

static void close_and_free(green_signals *signals) {
    close(signals->fd);
    free(signals);
}

static void foreign_released(green_post *post, int error) {
    green_signals *signals = GREEN_CONTAINER(post, green_signals, foreign_release.post);
    if (error == 0 && signals->os_thread == collectors.id)
        green_signals_free(signals);
    else
        close_and_free(signals);
}

/* A signal that has arrived but was not received takes its action now. Signals that others
 * block or collect stay blocked. After the hub, another OS thread cannot unblock them for the
 * one that has collected them. */
void green_signals_free(green_signals *signals) {
    if (!signals)
        return;
    if (signals->os_thread != collectors.id) {
        if (green__foreign_release(signals->hub, &signals->foreign_release, foreign_released) > 0)
            close_and_free(signals);
        return;
    }
    close(signals->fd);
    end_collecting(&signals->collected);
    free(signals);
}
