/* POSIX message queues, whose descriptors can be polled. */
#include "../clock.h"
#include "../signal_wait.h"
#include "../wait_fds.h"

struct queue_call {
    mqd_t queue;
    char *bytes;
    size_t size;
    unsigned *priority_place, priority;
    const struct timespec *limit;
};

/* A time limit that has passed: the call then fails with ETIMEDOUT where it would wait, and with
 * EAGAIN if the queue is non-blocking. In memory that qemu, which writes it back, can write to. */
#define PAST (&(struct timespec){0, 0})

static ssize_t attempt_receive(const struct queue_call *call) {
    return green__real.mq_timedreceive(call->queue, call->bytes, call->size, call->priority_place, PAST);
}

static ssize_t attempt_send(const struct queue_call *call) {
    return green__real.mq_timedsend(call->queue, call->bytes, call->size, call->priority, PAST);
}

/* The clock of a limit may be set meanwhile, so the wait is in parts. */
static int wait_part(green_hub *hub, const struct queue_call *call, short events,
                     const green_clock_deadline *deadline) {
    int ended = green__wait_fds_one(hub, call->queue, events, green__clock_deadline_next_check(deadline));
    return ended == -ETIMEDOUT && !green__clock_deadline_passed(deadline) ? 0 : ended;
}

static ssize_t run(green_hub *hub, const struct queue_call *call, short events,
                   ssize_t (*attempt)(const struct queue_call *)) {
    int error_number = errno;
    green_clock_deadline time, *deadline = NULL;
    green__cancellation_point(hub);
    if (call->limit) {
        time = green__clock_deadline_of(CLOCK_REALTIME, call->limit);
        deadline = &time;
    }
    green__signals_begin(hub, GREEN_SIGNALS_RESTART);
    for (int ended = 0;;) {
        ssize_t result = attempt(call);
        if (result >= 0) {
            errno = error_number;
            return result;
        }
        if (errno != ETIMEDOUT)
            return -1;
        if (ended == 0)
            ended = wait_part(hub, call, events, deadline);
        else
            return green__wait_fds_end_failed(hub, ended, ETIMEDOUT);
        if (ended == -EBADF)
            return green__wait_fds_failed(hub, ended, 0);
    }
}

static green_hub *may_park(const struct timespec *limit) {
    return limit && (!green__timespec_is_valid(limit) || limit->tv_sec < 0) ? NULL : green__may_park_here();
}

static ssize_t receive(green_hub *hub, mqd_t queue, char *bytes, size_t size, unsigned *priority,
                       const struct timespec *limit) {
    struct queue_call call = {.queue = queue, .bytes = bytes, .size = size, .priority_place = priority, .limit = limit};
    return run(hub, &call, POLLIN, attempt_receive);
}

ssize_t green__green_mq_receive(mqd_t queue, char *bytes, size_t size, unsigned *priority) {
    green_hub *hub = may_park(NULL);
    return hub ? receive(hub, queue, bytes, size, priority, NULL)
               : green__real.mq_receive(queue, bytes, size, priority);
}

ssize_t green__green_mq_timedreceive(mqd_t queue, char *restrict bytes, size_t size, unsigned *restrict priority,
                                     const struct timespec *restrict limit) {
    green_hub *hub = may_park(limit);
    return hub ? receive(hub, queue, bytes, size, priority, limit)
               : green__real.mq_timedreceive(queue, bytes, size, priority, limit);
}

static int send_message(green_hub *hub, mqd_t queue, const char *bytes, size_t size, unsigned priority,
                        const struct timespec *limit) {
    struct queue_call call = {
        .queue = queue, .bytes = (char *)bytes, .size = size, .priority = priority, .limit = limit};
    return (int)run(hub, &call, POLLOUT, attempt_send);
}

int green__green_mq_send(mqd_t queue, const char *bytes, size_t size, unsigned priority) {
    green_hub *hub = may_park(NULL);
    return hub ? send_message(hub, queue, bytes, size, priority, NULL)
               : green__real.mq_send(queue, bytes, size, priority);
}

int green__green_mq_timedsend(mqd_t queue, const char *bytes, size_t size, unsigned priority,
                              const struct timespec *limit) {
    green_hub *hub = may_park(limit);
    return hub ? send_message(hub, queue, bytes, size, priority, limit)
               : green__real.mq_timedsend(queue, bytes, size, priority, limit);
}
