#include "pipe.h"

#include "own_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_pipe(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

static bool open_splice_pipe(green_splice_pipe *splice_pipe) {
    int ends[2];
    if (splice_pipe->read_end > 0)
        return true;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    ends[0] = green__own_fd(ends[0]);
    ends[1] = green__own_fd(ends[1]);
    if (ends[0] < 0 || ends[1] < 0) {
        for (int i = 0; i < 2; i++)
            if (ends[i] >= 0)
                green__own_fd_close(ends[i]);
        return false;
    }
    *splice_pipe = (green_splice_pipe){ends[0], ends[1]};
    fcntl(splice_pipe->write_end, F_SETPIPE_SZ, 1); /* one buffer, which is a page */
    return true;
}

void green__splice_pipe_close(green_splice_pipe *splice_pipe) {
    if (splice_pipe->read_end > 0) {
        green__own_fd_close(splice_pipe->read_end);
        green__own_fd_close(splice_pipe->write_end);
    }
    *splice_pipe = (green_splice_pipe){0};
}

/* Moves the contents of one buffer of the pipe. */
static ssize_t move(green_splice_pipe *splice_pipe, int fd, char *bytes, size_t size) {
    ssize_t moved = splice(fd, NULL, splice_pipe->write_end, NULL, size, SPLICE_F_NONBLOCK), result;
    if (moved < 0 && errno != EAGAIN && errno != EINTR)
        errno = EINVAL;
    if (moved <= 0)
        return moved;
    do
        result = read(splice_pipe->read_end, bytes, (size_t)moved);
    while (result < 0 && errno == EINTR);
    if (result < moved) { /* for example EFAULT: the next read must not return the rest */
        int error = errno;
        green__splice_pipe_close(splice_pipe);
        errno = error;
    }
    return result;
}

/* A buffer that is not full may be a packet, which ends a read(2): see O_DIRECT in pipe2(2).
 * The read end of the pipe does not show that flag. */
ssize_t green__read_pipe(green_splice_pipe *splice_pipe, int fd, void *bytes, size_t size) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && flags & O_NONBLOCK)
        return read(fd, bytes, size);
    if (!is_pipe(fd) || !open_splice_pipe(splice_pipe)) {
        errno = EINVAL;
        return -1;
    }
    ssize_t count = move(splice_pipe, fd, bytes, size), all = count, full = sysconf(_SC_PAGESIZE);
    while (count == full && (size_t)all < size && splice_pipe->read_end > 0) {
        count = move(splice_pipe, fd, (char *)bytes + all, size - (size_t)all);
        all += count > 0 ? count : 0;
    }
    return all;
}
