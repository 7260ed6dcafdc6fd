/* splice(), tee() and vmsplice(). */
#include "file.h"
#include "nonblocking.h"
#include "retry.h"

#include <fcntl.h>

/* A call that moves bytes from one descriptor to another. At least one is a pipe, for which
 * SPLICE_F_NONBLOCK suffices. */
struct pipe_call {
    int in, out;        /* -1: the caller's memory */
    int without_flag;   /* a socket or a terminal, which the flag does not reach; -1: none */
    off64_t *in_offset; /* of splice() */
    off64_t *out_offset;
    const struct iovec *iovecs; /* of vmsplice() */
    size_t size;
    unsigned flags;
    ssize_t (*call)(const struct pipe_call *call);
};

static ssize_t attempt(const struct pipe_call *call) {
    if (call->without_flag < 0)
        return call->call(call);
    int flags = green__nonblocking_begin(call->without_flag);
    ssize_t result = call->call(call);
    (void)green__nonblocking_end(call->without_flag, flags);
    return result;
}

static bool is_ready(int fd, short events) {
    struct pollfd state = {.fd = fd, .events = events};
    return fd < 0 || green__real.poll(&state, 1, 0) != 0;
}

static ssize_t run(green_hub *hub, const struct pipe_call *call) {
    int error_number = errno;
    green_retry in = {.hub = hub, .fd = call->in, .events = POLLIN, .timeout_option = SO_RCVTIMEO};
    green_retry out = {.hub = hub, .fd = call->out, .events = POLLOUT, .timeout_option = SO_SNDTIMEO};
    for (;;) {
        ssize_t result = attempt(call);
        if (result >= 0) {
            errno = error_number;
            return result;
        }
        if (errno != EAGAIN)
            return -1;
        green_retry *retry = call->out < 0 || !is_ready(call->in, POLLIN) ? &in : &out;
        if (!green__retry_wait(retry))
            return green__cancellation_point_passed(hub, green__retry_failed(retry));
    }
}

static int without_flag(int fd) {
    mode_t mode = green__fd_mode(fd);
    return S_ISSOCK(mode) || S_ISCHR(mode) ? fd : -1;
}

static ssize_t call_splice(const struct pipe_call *call) {
    return green__real.splice(call->in, call->in_offset, call->out, call->out_offset, call->size,
                              call->flags | SPLICE_F_NONBLOCK);
}

ssize_t green__green_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size, unsigned flags) {
    green_hub *hub = flags & SPLICE_F_NONBLOCK ? NULL : green__may_park_fairly();
    if (!hub || size == 0)
        return green__real.splice(in, in_offset, out, out_offset, size, flags);
    struct pipe_call call = {.in = in,
                             .out = out,
                             .without_flag = without_flag(in),
                             .in_offset = in_offset,
                             .out_offset = out_offset,
                             .size = size,
                             .flags = flags,
                             .call = call_splice};
    if (call.without_flag < 0)
        call.without_flag = without_flag(out);
    return run(hub, &call);
}

static ssize_t call_tee(const struct pipe_call *call) {
    return green__real.tee(call->in, call->out, call->size, call->flags | SPLICE_F_NONBLOCK);
}

ssize_t green__green_tee(int in, int out, size_t size, unsigned flags) {
    green_hub *hub = flags & SPLICE_F_NONBLOCK ? NULL : green__may_park_fairly();
    if (!hub || size == 0)
        return green__real.tee(in, out, size, flags);
    struct pipe_call call = {.in = in, .out = out, .without_flag = -1, .size = size, .flags = flags, .call = call_tee};
    return run(hub, &call);
}

static ssize_t call_vmsplice(const struct pipe_call *call) {
    int fd = call->in >= 0 ? call->in : call->out;
    return green__real.vmsplice(fd, call->iovecs, call->size, call->flags | SPLICE_F_NONBLOCK);
}

ssize_t green__green_vmsplice(int fd, const struct iovec *iovecs, size_t count, unsigned flags) {
    green_hub *hub = flags & SPLICE_F_NONBLOCK ? NULL : green__may_park_fairly();
    int mode = hub ? fcntl(fd, F_GETFL) : -1;
    if (mode < 0)
        return green__real.vmsplice(fd, iovecs, count, flags);
    bool reads = (mode & O_ACCMODE) == O_RDONLY;
    struct pipe_call call = {.in = reads ? fd : -1,
                             .out = reads ? -1 : fd,
                             .without_flag = -1,
                             .iovecs = iovecs,
                             .size = count,
                             .flags = flags,
                             .call = call_vmsplice};
    return run(hub, &call);
}
