#include "attempts.h"

#include "../../core/virtual_clock.h"
#include "../clock.h"

static ssize_t run(green_hub *hub, green_attempts *attempts) {
    int error_number = errno, ended = 0;
    int64_t interval = GREEN_POLL_FIRST;
    green__signals_begin(hub, attempts->signals);
    for (;;) {
        ssize_t result = attempts->attempt(attempts);
        if (result != -1) {
            errno = error_number;
            return result;
        }
        if (errno != attempts->would_block)
            return -1;
        if (ended < 0)
            return green__wait_fds_failed(hub, ended, attempts->timed_out);
        attempts->waited = true;
        green__outside_work_begin(hub);
        ended = green__wait_fds_poll(hub, attempts->fd, &interval, attempts->deadline);
        green__outside_work_end(hub);
        if (ended == -EBADF)
            return green__wait_fds_failed(hub, ended, 0);
    }
}

ssize_t green__attempts_run(green_hub *hub, green_attempts *attempts) {
    return green__cancellation_point_passed(hub, run(hub, attempts));
}
