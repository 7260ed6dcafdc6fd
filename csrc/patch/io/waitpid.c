/* Waiting for child processes. */
#include "../../base/descriptor.h"
#include "../../offload/job.h"
#include "../clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static const int64_t LOOK_FIRST = 1000 * 1000, LOOK_LAST = 50 * 1000 * 1000;

/* A descriptor that tells of the end of the one child in question. -1: there is
 * none, since it may be any child, or one that only stops. */
static int open_child(pid_t pid, int options) {
    if (pid <= 0 || (options & (WUNTRACED | WCONTINUED)))
        return -1;
    return green__above_stdio((int)syscall(SYS_pidfd_open, pid, 0));
}

/* No descriptor tells of any one of several children: these are asked for, less
 * and less often. */
static int wait_for_child(green_hub *hub, int child, int64_t *pause) {
    if (child >= 0)
        return green__wait_fds_one(hub, child, POLLIN, GREEN_NEVER);
    int ended = green__wait_fds(hub, NULL, 0, green__deadline_after(*pause));
    *pause = green__next_poll_interval(*pause, LOOK_LAST);
    return ended == -ETIMEDOUT ? 0 : ended;
}

static pid_t wait_parking(green_hub *hub, pid_t pid, int *status, int options, struct rusage *usage) {
    int error_number = errno, child = -1, ended = 0;
    int64_t pause = LOOK_FIRST;
    pid_t found = green__real.wait4(pid, status, options | WNOHANG, usage);
    if (found == 0)
        child = open_child(pid, options);
    while (found == 0) {
        ended = wait_for_child(hub, child, &pause);
        found = green__real.wait4(pid, status, options | WNOHANG, usage);
        if (ended < 0 && found == 0)
            found = green__wait_fds_failed(hub, ended, 0);
    }
    if (child >= 0) {
        int error = errno;
        green__real.close(child);
        errno = error;
    }
    if (found > 0)
        errno = error_number;
    return found;
}

pid_t green__green_wait4(pid_t pid, int *status, int options, struct rusage *usage) {
    green_hub *hub = options & WNOHANG ? NULL : green__may_park();
    return hub ? wait_parking(hub, pid, status, options, usage) : green__real.wait4(pid, status, options, usage);
}

pid_t green__green_waitpid(pid_t pid, int *status, int options) {
    green_hub *hub = options & WNOHANG ? NULL : green__may_park();
    return hub ? wait_parking(hub, pid, status, options, NULL) : green__real.waitpid(pid, status, options);
}

pid_t green__green_wait(int *status) {
    green_hub *hub = green__may_park();
    return hub ? wait_parking(hub, -1, status, 0, NULL) : green__real.wait(status);
}

/* A native thread waits for the shell: the C library does it in one call. */
static green_offload_pool shells = GREEN_OFFLOAD_POOL(shells, "green-system", 16);

struct command {
    int result, error;
    char text[];
};

static int run_command(void *argument) {
    struct command *command = argument;
    command->result = green__real.system(command->text);
    command->error = errno;
    return 0;
}

int green__green_system(const char *text) {
    green_hub *hub = text ? green__may_park() : NULL;
    if (!hub)
        return green__real.system(text);
    struct command *command = malloc(sizeof *command + strlen(text) + 1);
    if (!command) {
        errno = ENOMEM;
        return -1;
    }
    strcpy(command->text, text);
    int error_number = errno;
    int error = green_offload(&shells, run_command, command, free, NULL, GREEN_FOREVER);
    if (error < 0)
        return green__wait_fds_failed(hub, error, ETIMEDOUT);
    int result = command->result;
    errno = result < 0 ? command->error : error_number;
    free(command);
    return result;
}
