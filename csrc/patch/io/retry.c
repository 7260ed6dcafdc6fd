#include "retry.h"

#include "../signal_wait.h"
#include "descriptor.h"

static int64_t deadline_of(const green_retry *retry) {
    return retry->timeout_option ? green__fd_timeout_deadline(retry->fd, retry->timeout_option) : GREEN_NEVER;
}

bool green__retry_wait(green_retry *retry) {
    if (retry->error < 0)
        return false;
    if (!retry->has_deadline) {
        if (!retry->is_blocking && !green__fd_is_blocking(retry->fd)) {
            retry->error = -EAGAIN;
            return false;
        }
        retry->deadline = deadline_of(retry);
        retry->has_deadline = true;
        green__signals_begin(retry->hub, green__signals_class_of(retry->deadline));
    }
    retry->error = retry->occupies_port
                       ? green__wait_fds_port_again(retry->hub, retry->fd, retry->deadline, &retry->spurious)
                       : green__wait_fds_again(retry->hub, retry->fd, retry->events, retry->deadline, &retry->spurious);
    return retry->error != -EBADF;
}

int green__retry_failed(const green_retry *retry) {
    return green__wait_fds_failed(retry->hub, retry->error, EAGAIN);
}
