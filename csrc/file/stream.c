/* Reads and writes without offsets: pipes, FIFOs, terminals. */
#include "stream.h"

#include "../base/libc.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>

enum { STREAM_PIECE_MAX = 1 << 30 };

/* A stream without events would block the hub in its read, so a worker of the engine reads
 * if there is one. */
static green_op_kind read_kind(const green_file *file) {
    bool by_worker = !file->pollable && green__engine_supports(file->hub->engine, GREEN_OP_READ_AT);
    return by_worker ? GREEN_OP_READ_AT : GREEN_OP_READ;
}

ssize_t green__file_stream_read(green_file_call *call, void *bytes, size_t size) {
    green_file *file = call->file;
    size = size < STREAM_PIECE_MAX ? size : STREAM_PIECE_MAX;
    if (file->mode == O_WRONLY)
        return -EBADF; /* poll(2) would wait forever */
    if (size == 0)
        return 0;
    int32_t result = green__file_run(call, read_kind(file), bytes, size, (uint64_t)-1);
    file->nowait = call->io.op.nowait;
    return result;
}

/* Without RWF_NOWAIT, a write of at most PIPE_BUF bytes does not block on a descriptor that
 * poll(2) reports as writable. */
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

/* Removes the SIGPIPE of a pipe without a reader, which the kernel sends to this OS thread,
 * unless the program itself blocks SIGPIPE. */
static ssize_t write_without_sigpipe(int fd, const void *bytes, size_t size) {
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    green__libc.pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t count = write_some(fd, bytes, size);
    int error = errno;
    if (count < 0 && error == EPIPE && !sigismember(&before, SIGPIPE))
        green__libc.sigtimedwait(&pipe, NULL, &(struct timespec){0});
    green__libc.pthread_sigmask(SIG_SETMASK, &before, NULL);
    return count < 0 ? -error : count;
}

/* Polls before each write, which lets other green threads run. */
ssize_t green__file_stream_write(green_file_call *call, const void *bytes, size_t size) {
    call->size = size;
    if (call->file->mode == O_RDONLY)
        return -EBADF; /* poll(2) would wait forever */
    while (call->written < size) {
        ssize_t result = green__file_poll(call, POLLOUT);
        if (result >= 0 && call->file->closed)
            result = -EBADF;
        if (result >= 0)
            result = write_without_sigpipe(call->file->descriptor->fd, (const char *)bytes + call->written,
                                           size - call->written);
        if (result >= 0)
            call->written += (size_t)result;
        else if (result != -EAGAIN && result != -EINTR)
            return result;
        if (call->written < size && (result = green__file_continue(call)) < 0)
            return result;
    }
    return (ssize_t)size;
}
