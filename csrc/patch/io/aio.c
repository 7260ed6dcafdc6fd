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
    bool valid;
    int64_t deadline = green__timespec_deadline(timeout, &valid);
    green_hub *hub = valid ? green__may_park_here() : NULL;
    if (!hub)
        return green__real.aio_suspend(operations, count, timeout);
    green__cancellation_point(hub);
    struct suspension suspension = {.attempts = {.attempt = attempt_suspend,
                                                 .would_block = EAGAIN,
                                                 .timed_out = EAGAIN,
                                                 .fd = -1,
                                                 .deadline = deadline,
                                                 .signals = GREEN_SIGNALS_INTERRUPT},
                                    .operations = operations,
                                    .count = count};
    return (int)green__attempts_run(hub, &suspension.attempts);
}
