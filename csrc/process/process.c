/* The handle of a process, and waiting for its exit status. */
#include "process.h"
#include "../base/descriptor.h"
#include "../core/foreign_release.h"
#include "../core/fork.h"
#include "../core/hub.h"
#include "../core/io.h"
#include "../core/virtual_clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct green_process {
    green_hub *hub;
    uint32_t references; /* of the owner, and of threads that wait */
    bool released;
    green_child started; /* pidfd is -1 once there is nothing to wait for */
    bool ended;
    green_process_end end;
    green_wait_list waiters;
    green_foreign_release foreign_release;
};

/* Starting ------------------------------------------------------------------- */

/* How a standard descriptor of the program is made, and what must be closed afterwards. */
struct plan {
    const green_stdio *stdio;
    int theirs, ours; /* -1: none */
    bool owned;       /* theirs belongs to the plan, not to the caller */
};

static int prepare(struct plan *plan, bool is_input) {
    int fds[2];
    switch (plan->stdio->kind) {
    case GREEN_STDIO_NULL:
        plan->theirs = green__open("/dev/null", O_RDWR, 0);
        plan->owned = true;
        return plan->theirs < 0 ? green__fail(-errno, "cannot open '/dev/null'") : 0;
    case GREEN_STDIO_PIPE:
        if (!plan->stdio->pipe)
            return green__fail(-EINVAL, "cannot make a pipe for the program: green_stdio.pipe is NULL");
        if (pipe2(fds, O_CLOEXEC) < 0 || green__both_above_stdio(fds) < 0)
            return green__fail(-errno, "cannot make a pipe");
        plan->theirs = fds[is_input ? 0 : 1];
        plan->ours = fds[is_input ? 1 : 0];
        plan->owned = true;
        return 0;
    case GREEN_STDIO_DESCRIPTOR:
        plan->theirs = plan->stdio->fd;
        return plan->theirs < 0 ? green__fail(-EBADF, "cannot pass descriptor %d to the program", plan->theirs) : 0;
    default:
        return 0;
    }
}

static int adopt(struct plan plans[3]) {
    int error = 0;
    for (int i = 0; i < 3 && error == 0; i++)
        if (plans[i].ours >= 0 && (error = green_file_adopt(plans[i].stdio->pipe, plans[i].ours)) == 0)
            plans[i].ours = -1;
    return error;
}

/* Closes the remaining descriptors, and after a failure also the pipes of the caller. */
static void clean_up(struct plan plans[3], bool failed) {
    for (int i = 0; i < 3; i++) {
        if (plans[i].owned && plans[i].theirs >= 0)
            close(plans[i].theirs);
        if (plans[i].ours >= 0)
            close(plans[i].ours);
        if (failed && plans[i].stdio->kind == GREEN_STDIO_PIPE && plans[i].stdio->pipe) {
            green_file_free(*plans[i].stdio->pipe);
            *plans[i].stdio->pipe = NULL;
        }
    }
}

int green_process_spawn(green_process **made, const char *program, const char *const *arguments,
                        const green_process_options *given) {
    green_process_options options = given ? *given : (green_process_options){0};
    struct plan plans[3] = {{&options.input, -1, -1, 0}, {&options.output, -1, -1, 0}, {&options.error, -1, -1, 0}};
    int error = 0, fds[3];
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    for (int i = 0; i < 3; i++)
        if (plans[i].stdio->kind == GREEN_STDIO_PIPE && plans[i].stdio->pipe)
            *plans[i].stdio->pipe = NULL;
    green_process *process = calloc(1, sizeof *process);
    if (!process)
        return green__fail(-ENOMEM, "cannot make a process");
    *process = (green_process){.hub = hub, .references = 1, .started.pidfd = -1};
    green__wait_list_init(&process->waiters);
    for (int i = 0; i < 3 && error == 0; i++) {
        error = prepare(&plans[i], i == 0);
        fds[i] = plans[i].theirs;
    }
    if (error == 0 && options.error.kind == GREEN_STDIO_OUTPUT)
        fds[2] = fds[1] >= 0 ? fds[1] : STDOUT_FILENO;
    if (error == 0)
        error = adopt(plans);
    if (error == 0)
        error = green__process_start(hub, &process->started, program, arguments, &options, fds);
    clean_up(plans, error < 0);
    if (error < 0) {
        free(process);
        return error;
    }
    hub->sockets++;
    green__outside_work_begin(hub);
    *made = process;
    return 0;
}

/* Waiting --------------------------------------------------------------------- */

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for a process");
}

static const green_wait_kind waiting = {green__io_cancel, describe};

/* Closes the pidfd, or passes it to the reaper if the process still runs. */
static void drop_pidfd(green_process *process) {
    int pidfd = process->started.pidfd;
    if (pidfd < 0)
        return;
    process->started.pidfd = -1;
    process->hub->sockets--;
    if (!process->ended)
        green__outside_work_end(process->hub);
    process->hub->engine->class->forget(process->hub->engine, pidfd, false);
    if (process->ended)
        close(pidfd);
    else
        green__process_reap(pidfd);
}

static void drop_reference(green_process *process) {
    if (--process->references > 0)
        return;
    drop_pidfd(process);
    free(process);
}

/* Waits for an event of the pidfd. Returns 0 if the process may have ended. */
static int wait_event(green_process *process, int64_t timeout) {
    green_hub *hub = process->hub;
    green_io io;
    green__io_init(hub, &io, &waiting, GREEN_OP_POLL, process->started.pidfd);
    io.op.flags = POLLIN;
    green__wait_list_append(&process->waiters, &io.wait);
    int error = green__io_run(hub, &io, timeout);
    green__wait_list_remove(&io.wait);
    return error > 0 || error == -EINTR ? 0 : error;
}

/* Waits until the process has ended, or the wait has. */
static int wait_for_end(green_process *process, int64_t timeout) {
    int64_t deadline = green__deadline_after(timeout);
    int error = 0;
    while (error == 0 && !process->ended) {
        error = green__begin(process->hub, timeout);
        if (error == 0)
            error = wait_event(process, green__time_left(deadline));
        if (error == 0 && process->released)
            error = -EBADF;
        if (error < 0 || process->ended)
            break;
        error = green__process_collect(process->started.pidfd, &process->end);
        if (error == 1 && !process->ended)
            green__outside_work_end(process->hub);
        process->ended = error == 1;
        error = error < 0 ? error : 0;
    }
    return error;
}

int green_process_wait(green_process *process, green_process_end *end, int64_t timeout) {
    green_hub *hub = process->hub;
    if (hub != green__hub)
        return green__fail(-EXDEV, "cannot wait for the process: its handle %s", green__foreign_hub_reason(hub));
    int error = green__check_interrupt(hub);
    if (error < 0)
        return error;
    process->references++;
    if (!process->ended)
        error = wait_for_end(process, timeout);
    if (error == 0 && end)
        *end = process->end;
    else if (error == -ECHILD)
        green__fail(error, "cannot wait for process %d: its exit status was collected elsewhere, or SIGCHLD is ignored",
                    process->started.pid);
    else if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "process %d has not ended", process->started.pid);
    else if (error < 0 && !green__is_explained(error))
        green__fail(error, "cannot wait for process %d", process->started.pid);
    drop_reference(process);
    return error;
}

int green_process_signal(green_process *process, int number) {
    if (process->hub != green__hub)
        return green__fail(-EXDEV, "cannot signal the process: its handle %s", green__foreign_hub_reason(process->hub));
    int error = process->ended ? -ESRCH : green__process_send_signal(process->started.pidfd, number);
    return error < 0 ? green__fail(error, "cannot send signal %d to process %d", number, process->started.pid) : 0;
}

pid_t green_process_id(const green_process *process) {
    return process->started.pid;
}

/* Its hub has ended, or belongs to the process before a fork, which collects the child. */
static void free_after_end(green_process *process) {
    int pidfd = process->started.pidfd;
    if (pidfd >= 0 && (process->ended || green__hub_is_abandoned(process->hub)))
        close(pidfd);
    else if (pidfd >= 0)
        green__process_reap(pidfd);
    free(process);
}

static void foreign_released(green_post *post, int error) {
    green_process *process = GREEN_CONTAINER(post, green_process, foreign_release.post);
    if (error < 0)
        free_after_end(process);
    else
        green_process_free(process);
}

void green_process_free(green_process *process) {
    if (!process)
        return;
    if (GREEN_UNLIKELY(process->hub != green__hub)) {
        if (green__foreign_release(process->hub, &process->foreign_release, foreign_released) > 0)
            free_after_end(process);
        return;
    }
    process->released = true;
    for (green_wait_link *link = process->waiters.next; link != &process->waiters; link = link->next)
        green__wait_end(GREEN_CONTAINER(link, green_wait, link), -EBADF);
    drop_reference(process);
}
