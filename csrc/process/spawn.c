/* Starting a program, on an OS thread, because posix_spawn(3) blocks until the kernel has read
 * the first page of the program. */
#include "../base/descriptor.h"
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static green_offload_pool starters = GREEN_OFFLOAD_POOL(starters, "green-spawn", 4);

/* Which was first: the OS thread with the started process, or the caller, which gave up. */
enum { UNDECIDED, STARTED, ABANDONED };

/* Contains copies of all arguments, because it may outlive the call that waits for it. */
struct start {
    green_job job;
    int fds[3];
    const char *program, *directory;
    char **arguments, **environment; /* environment is NULL: the one of this process */
    int error;
    green_child started;
    int first;
    char *memory[]; /* both lists, followed by the strings */
};

static void kill_and_collect(pid_t pid) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* The program starts with no signal blocked or ignored, whatever this OS thread blocks. */
static int set_up(const struct start *start, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
    sigset_t none, all;
    int error = 0;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    for (int i = 0; i < 3 && error == 0; i++)
        if (start->fds[i] >= 0)
            error = posix_spawn_file_actions_adddup2(actions, start->fds[i], i);
    if (error == 0 && start->directory)
        error = posix_spawn_file_actions_addchdir_np(actions, start->directory);
    return error;
}

static int start_now(struct start *start) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = set_up(start, &actions, &attributes);
    if (error == 0)
        error = posix_spawnp(&pid, start->program, &actions, &attributes, start->arguments,
                             start->environment ? start->environment : environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        return -error;
    int pidfd = green__open_pidfd(pid);
    if (pidfd < 0) {
        kill_and_collect(pid);
        return pidfd;
    }
    start->started = (green_child){pid, pidfd};
    return 0;
}

static void run(green_job *job) {
    struct start *start = GREEN_CONTAINER(job, struct start, job);
    start->error = start_now(start);
    bool is_late = __atomic_exchange_n(&start->first, STARTED, __ATOMIC_ACQ_REL) == ABANDONED;
    if (is_late && start->error == 0) {
        kill_and_collect(start->started.pid);
        close(start->started.pidfd);
    }
}

static void release(green_job *job) {
    struct start *start = GREEN_CONTAINER(job, struct start, job);
    for (int i = 0; i < 3; i++)
        if (start->fds[i] >= 0)
            close(start->fds[i]);
    free(start);
}

/* Copying -------------------------------------------------------------------- */

static size_t count_list(const char *const *list, size_t *bytes) {
    size_t count = 0;
    for (; list && list[count]; count++)
        *bytes += strlen(list[count]) + 1;
    return count;
}

static char *copy(char **place, const char *text) {
    char *start = *place;
    *place += strlen(strcpy(start, text)) + 1;
    return start;
}

static char **copy_list(char **list, char **place, const char *const *texts, size_t count) {
    for (size_t i = 0; i < count; i++)
        list[i] = copy(place, texts[i]);
    list[count] = NULL;
    return list;
}

/* NULL: no memory. */
static struct start *make(const char *program, const char *const *arguments, const green_process_options *options) {
    const char *const alone[] = {program, NULL};
    arguments = arguments ? arguments : alone;
    size_t bytes = strlen(program) + 1 + (options->directory ? strlen(options->directory) + 1 : 0);
    size_t given = count_list(arguments, &bytes), variables = count_list(options->environment, &bytes);
    struct start *start = malloc(sizeof *start + (given + variables + 2) * sizeof(char *) + bytes);
    if (!start)
        return NULL;
    char *place = (char *)(start->memory + given + variables + 2);
    *start = (struct start){
        .job = {.run = run, .release = release, .owners = 1},
        .fds = {-1, -1, -1},
        .program = copy(&place, program),
        .directory = options->directory ? copy(&place, options->directory) : NULL,
        .arguments = copy_list(start->memory, &place, arguments, given),
        .environment =
            options->environment ? copy_list(start->memory + given + 1, &place, options->environment, variables) : NULL,
    };
    return start;
}

/* Copies the descriptors to numbers above 2, so that setting one standard descriptor does not
 * overwrite another. */
static int copy_descriptors(struct start *start, const int fds[3]) {
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0 && (start->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3)) < 0)
            return -errno;
    return 0;
}

static int fail(const struct start *start, int error) {
    const char *reason = error == -ENOENT && !strchr(start->program, '/') ? ", which was looked up in PATH" : "";
    if (start->directory)
        return green__fail(error, "cannot start '%s'%s, in the directory '%s'", start->program, reason,
                           start->directory);
    return green__fail(error, "cannot start '%s'%s", start->program, reason);
}

int green__process_start(green_hub *hub, green_child *started, const char *program, const char *const *arguments,
                         const green_process_options *options, const int fds[3]) {
    struct start *start = make(program, arguments, options);
    if (!start)
        return green__fail(-ENOMEM, "cannot start '%s'", program);
    int error = copy_descriptors(start, fds);
    if (error < 0) {
        fail(start, error);
    } else if ((error = green__job_run(hub, &starters, &start->job, GREEN_FOREVER)) < 0) {
        bool is_late = __atomic_exchange_n(&start->first, ABANDONED, __ATOMIC_ACQ_REL) == STARTED;
        if (is_late && start->error == 0) {
            green__process_send_signal(start->started.pidfd, SIGKILL);
            green__process_reap(start->started.pidfd);
        }
    } else if ((error = start->error) < 0) {
        fail(start, error);
    } else {
        *started = start->started;
    }
    green__job_release(&start->job);
    return error;
}
