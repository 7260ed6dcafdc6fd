/* recvmmsg() and sendmmsg(). */
#include "../clock.h"
#include "retry.h"

enum { MESSAGES_MAX = 1024 }; /* of the kernel, for one sendmmsg() */

/* The kernel, too, looks at the timeout only after it has received something. */
static bool has_expired(int64_t deadline) {
    return deadline >= 0 && green_now() >= deadline;
}

/* After some messages, an error or an interrupt is left for the next call. */
static int receive_messages(green_hub *hub, int fd, struct mmsghdr *messages, unsigned count, int flags,
                            int64_t deadline) {
    green_retry retry = {.hub = hub, .fd = fd, .events = POLLIN, .timeout_option = SO_RCVTIMEO, .occupies_port = true};
    int now = (flags & ~MSG_WAITFORONE) | MSG_DONTWAIT;
    for (unsigned received = 0;;) {
        int result = green__real.recvmmsg(fd, messages + received, count - received, now, NULL);
        if (result > 0) {
            received += (unsigned)result;
            retry.spurious = 0;
        }
        bool is_empty = result < 0 && errno == EAGAIN, is_enough = received > 0 && flags & MSG_WAITFORONE;
        if (received == count || is_enough || (result < 0 && !is_empty) || (result > 0 && has_expired(deadline)))
            return received > 0 ? (int)received : -1;
        if (is_empty && !green__retry_wait(&retry))
            return received > 0 ? (int)received : green__retry_failed(&retry);
    }
}

int green__green_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout) {
    green_hub *hub = green__may_park_fairly();
    bool never_waits = flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE) || count == 0;
    if (!hub || never_waits)
        return green__real.recvmmsg(fd, messages, count, flags, timeout);
    int error_number = errno;
    bool valid;
    int64_t deadline = green__timespec_deadline(timeout, &valid);
    if (!valid) {
        errno = EINVAL;
        return -1;
    }
    int received = receive_messages(hub, fd, messages, count, flags, deadline);
    if (received < 0)
        return (int)green__cancellation_point_passed(hub, received);
    if (timeout && deadline >= 0) {
        int64_t left = deadline - green_now();
        *timeout = green__timespec_of(left < 0 ? 0 : left);
    }
    errno = error_number;
    return received;
}

/* A message to a stream may be sent in parts, which sendmsg() does. */
static int send_to_stream(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    for (unsigned sent = 0; sent < count; sent++) {
        ssize_t result = green__green_sendmsg(fd, &messages[sent].msg_hdr, flags);
        if (result < 0)
            return sent > 0 ? (int)sent : -1;
        messages[sent].msg_len = (unsigned)result;
    }
    return (int)count;
}

static int send_messages(green_hub *hub, int fd, struct mmsghdr *messages, unsigned count, int flags) {
    green_retry retry = {.hub = hub, .fd = fd, .events = POLLOUT, .timeout_option = SO_SNDTIMEO};
    for (unsigned sent = 0;;) {
        int result = green__real.sendmmsg(fd, messages + sent, count - sent, flags | MSG_DONTWAIT);
        if (result > 0) {
            sent += (unsigned)result;
            retry.spurious = 0;
        }
        bool is_full = result < 0 && errno == EAGAIN;
        if (sent == count || (result < 0 && !is_full))
            return sent > 0 ? (int)sent : -1;
        if (is_full && !green__retry_wait(&retry))
            return sent > 0 ? (int)sent : green__retry_failed(&retry);
    }
}

static bool is_stream(int fd) {
    int type = 0;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type}) == 0 && type == SOCK_STREAM;
}

int green__green_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    green_hub *hub = green__may_park_fairly();
    if (!hub || count == 0 || flags & MSG_DONTWAIT)
        return green__real.sendmmsg(fd, messages, count, flags);
    int error_number = errno;
    unsigned limited = count < MESSAGES_MAX ? count : MESSAGES_MAX;
    int sent =
        is_stream(fd) ? send_to_stream(fd, messages, limited, flags) : send_messages(hub, fd, messages, limited, flags);
    if (sent < 0)
        return (int)green__cancellation_point_passed(hub, sent);
    errno = error_number;
    return sent;
}
