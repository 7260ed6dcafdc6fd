/* tcdrain(). */
#include "attempts.h"

#include <sys/ioctl.h>

/* The rest, in the buffers of the device, takes a moment. */
static ssize_t attempt_drain(green_attempts *attempts) {
    int left = 0;
    if (ioctl(attempts->fd, TIOCOUTQ, &left) == 0 && left > 0) {
        errno = EAGAIN;
        return -1;
    }
    return green__real.tcdrain(attempts->fd);
}

int green__green_tcdrain(int fd) {
    green_hub *hub = green__may_park_here();
    if (!hub)
        return green__real.tcdrain(fd);
    green__cancellation_point(hub);
    green_attempts attempts = {.attempt = attempt_drain,
                               .would_block = EAGAIN,
                               .fd = fd,
                               .deadline = GREEN_NEVER,
                               .signals = GREEN_SIGNALS_RESTART};
    return (int)green__attempts_run(hub, &attempts);
}
