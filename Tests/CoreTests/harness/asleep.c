#include "asleep.h"

#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/* A task that has ended counts as asleep. */
static bool sleeps(const char *task) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", task);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        return true;
    text[length] = 0;
    const char *name_end = strrchr(text, ')'); /* "ID (name) state …" */
    return name_end && name_end[1] == ' ' && strchr("SZX", name_end[2]);
}

static bool others_sleep(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        return true;
    bool all = true;
    for (struct dirent *entry; all && (entry = readdir(tasks));)
        all = entry->d_name[0] == '.' || atoi(entry->d_name) == gettid() || sleeps(entry->d_name);
    closedir(tasks);
    return all;
}

/* With system calls of its own: a patched program would run other green threads here. */
static void pause_briefly(void) {
    syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = 500000}, NULL);
}

/* Asks twice: an OS thread also sleeps for a moment in the allocator's locks. */
void wait_until_others_sleep(void) {
    for (int tries = 0, quiet = 0; tries < 2000 && quiet < 2; tries++) {
        quiet = others_sleep() ? quiet + 1 : 0;
        pause_briefly();
    }
}
