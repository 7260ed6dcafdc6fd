/* aio_suspend(). The operations run on OS threads of the C library. */
#include "../clock.h"
#include "attempts.h"

struct suspension {
    green_attempts attempts;
    const struct aiocb *const *operations;
    int count;
};

static ssize_t attempt_suspend(green_attempts *attempts) {
    const struct suspension *suspension = GREEN_CONTAINER(attempts, const struct suspension, attempts);
    return green__real.aio_suspend(suspension->operations, suspension->count, &(struct timespec){0, 0});
}

int green__green_aio_suspend(const struct aiocb *const operations[], int count, const struct timespec *timeout) {
    green_hub *hub = timeout && !green__timespec_is_duration(timeout) ? NULL : green__may_park_here();
    if (!hub)
        return green__real.aio_suspend(operations, count, timeout);
    green__cancellation_point(hub);
    int64_t left = timeout ? green__timespec_nanoseconds(timeout) : -1;
    struct suspension suspension = {.attempts = {.attempt = attempt_suspend,
                                                 .would_block = EAGAIN,
                                                 .timed_out = EAGAIN,
                                                 .fd = -1,
                                                 .deadline = green__deadline_after(left),
                                                 .signals = GREEN_SIGNALS_INTERRUPT},
                                    .operations = operations,
                                    .count = count};
    return (int)green__cancellation_point_passed(hub, green__attempts_run(hub, &suspension.attempts));
}
