/* What has no offsets: pipes, FIFOs, terminals. */
#include "stream.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>

enum { STREAM_PIECE_MAX = 1 << 30 };

/* The hub's OS thread would wait in the read of a stream that has no events. */
static green_op_kind read_kind(const green_file *file) {
    bool by_worker = !file->pollable && green__engine_supports(file->hub->engine, GREEN_OP_READ_AT);
    return by_worker ? GREEN_OP_READ_AT : GREEN_OP_READ;
}

ssize_t green__file_stream_read(green_file_call *call, void *bytes, size_t size) {
    green_file *file = call->file;
    size = size < STREAM_PIECE_MAX ? size : STREAM_PIECE_MAX;
    if (file->mode == O_WRONLY)
        return -EBADF; /* it would never be ready for that */
    if (size == 0)
        return 0;
    int32_t result = green__file_run(call, read_kind(file), bytes, size, (uint64_t)-1);
    file->nowait = call->io.op.nowait;
    return result;
}

/* A descriptor that can be written takes this much at once, and where the system
 * cannot be told not to wait, no more is tried. */
static ssize_t write_some(int fd, const void *bytes, size_t size) {
    struct iovec piece = {(void *)bytes, size};
    ssize_t count = pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
    if (count >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
        return count;
    struct pollfd state = {.fd = fd, .events = POLLOUT};
    if (poll(&state, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(fd, bytes, size < PIPE_BUF ? size : PIPE_BUF);
}

/* Without the SIGPIPE of a pipe that nobody reads, which is for this OS thread.
 * One that the program has blocked is its own affair. */
static ssize_t write_quietly(int fd, const void *bytes, size_t size) {
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t count = write_some(fd, bytes, size);
    int error = errno;
    if (count < 0 && error == EPIPE && !sigismember(&before, SIGPIPE))
        sigtimedwait(&pipe, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return count < 0 ? -error : count;
}

/* Waits first, each time: that is where the others have their turn. */
ssize_t green__file_stream_write(green_file_call *call, const void *bytes, size_t size) {
    call->size = size;
    if (call->file->mode == O_RDONLY)
        return -EBADF; /* it would never be ready for that */
    while (call->written < size) {
        ssize_t result = green__file_poll(call, POLLOUT);
        if (result >= 0 && call->file->closed)
            result = -EBADF;
        if (result >= 0)
            result =
                write_quietly(call->file->descriptor->fd, (const char *)bytes + call->written, size - call->written);
        if (result >= 0)
            call->written += (size_t)result;
        else if (result != -EAGAIN && result != -EINTR)
            return result;
        if (call->written < size && (result = green__file_continue(call)) < 0)
            return result;
    }
    return (ssize_t)size;
}
