#include "descriptor.h"

#include "libc.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

int green__move_above_stdio(int fd) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), error = errno;
    close(fd);
    errno = error;
    return moved < 0 ? -error : moved;
}

int green__both_above_stdio(int fds[2]) {
    fds[0] = green__above_stdio(fds[0]);
    fds[1] = green__above_stdio(fds[1]);
    int error = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : 0;
    if (error == 0)
        return 0;
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    errno = -error;
    return error;
}

int green__move_fd_high(int fd) {
    enum { HIGH = 960 }; /* of 1024, the usual limit */
    struct rlimit limit = {.rlim_cur = 2 * HIGH};
    getrlimit(RLIMIT_NOFILE, &limit);
    int half = limit.rlim_cur < HIGH ? (int)limit.rlim_cur / 2 : HIGH / 2;
    int moved = limit.rlim_cur > HIGH ? fcntl(fd, F_DUPFD_CLOEXEC, HIGH) : -1;
    if (moved < 0)
        moved = fcntl(fd, F_DUPFD_CLOEXEC, half);
    if (moved < 0)
        return green__above_stdio(fd);
    close(fd);
    return moved;
}

int green__open(const char *path, int flags, mode_t mode) {
    return green__above_stdio(open(path, flags | O_CLOEXEC, mode));
}

int green__open_pidfd(pid_t pid) {
    int fd = green__above_stdio((int)green__libc.syscall(SYS_pidfd_open, pid, 0));
    return fd < 0 ? -errno : fd;
}

FILE *green__open_stream(const char *path) {
    int fd = green__open(path, O_RDONLY, 0);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
    if (fd >= 0 && !stream) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return stream;
}

unsigned long green__read_number(const char *path, unsigned long otherwise) {
    unsigned long number = otherwise;
    FILE *file = green__open_stream(path);
    if (file && fscanf(file, "%lu", &number) != 1)
        number = otherwise;
    if (file)
        fclose(file);
    return number;
}
