#include "attempts.h"

#include "../../core/virtual_clock.h"
#include "../clock.h"

static const int64_t INTERVAL_FIRST = 1000 * 1000, INTERVAL_MAX = 50 * 1000 * 1000;

ssize_t green__attempts_run(green_hub *hub, green_attempts *attempts) {
    int error_number = errno, ended = 0;
    int64_t interval = INTERVAL_FIRST;
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
        ended = green__wait_fds_pause(hub, attempts->fd, interval, attempts->deadline);
        green__outside_work_end(hub);
        if (ended == -EBADF)
            return green__wait_fds_failed(hub, ended, 0);
        interval = green__next_poll_interval(interval, INTERVAL_MAX);
    }
}
