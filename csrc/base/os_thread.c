#include "os_thread.h"

#include "descriptor.h"
#include "libc.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void green__os_thread_set_name(const char *name) {
    prctl(PR_SET_NAME, name);
}

int green__os_thread_start(pthread_t *thread, size_t stack_size, void *(*function)(void *), void *argument) {
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t started;
    pthread_attr_init(&attributes);
    if (!thread)
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (stack_size > 0)
        pthread_attr_setstacksize(&attributes, stack_size);
    sigfillset(&all);
    green__libc.pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = green__pthread.create(&started, &attributes, function, argument);
    green__libc.pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        return -error;
    if (thread)
        *thread = started;
    return 0;
}

static int at_rest; /* atomic */

void green__os_thread_rest_begin(void) {
    __atomic_fetch_add(&at_rest, 1, __ATOMIC_RELEASE);
}

void green__os_thread_rest_end(void) {
    __atomic_fetch_sub(&at_rest, 1, __ATOMIC_RELEASE);
}

/* Whether an OS thread is a worker of a ring, by its name. */
static bool is_of_ring(int tasks, const char *tid) {
    char path[64], name[16] = "";
    snprintf(path, sizeof path, "%.20s/comm", tid);
    int fd = green__above_stdio(openat(tasks, path, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return false;
    ssize_t length = read(fd, name, sizeof name);
    close(fd);
    return length >= 4 && memcmp(name, "iou-", 4) == 0;
}

/* Whether there are more than this. True if the list cannot be read. */
static bool has_more_os_threads(int limit) {
    int count = 0, fd = green__above_stdio(open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
    if (!tasks) {
        if (fd >= 0)
            close(fd);
        return true;
    }
    for (const struct dirent *entry; count <= limit && (entry = readdir(tasks));)
        count += *entry->d_name != '.' && !is_of_ring(fd, entry->d_name);
    closedir(tasks);
    return count > limit;
}

bool green__os_threads_may_run_program(void) {
    return has_more_os_threads(1 + __atomic_load_n(&at_rest, __ATOMIC_ACQUIRE));
}
