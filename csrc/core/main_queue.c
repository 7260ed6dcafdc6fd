#include "main_queue.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/libc.h"
#include "../base/os_thread.h"
#include "fork.h"
#include "thread.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libdispatch's, for CFRunLoop. */
extern int _dispatch_get_main_queue_handle_4CF(void) __attribute__((weak));
extern void _dispatch_main_queue_callback_4CF(void *unused) __attribute__((weak));

static const int64_t PAUSE_MIN = 10 * GREEN_MILLISECOND, PAUSE_MAX = 5 * GREEN_SECOND,
                     LATENESS_MAX = 100 * GREEN_MILLISECOND;

/* There is one main OS thread. */
static struct {
    green_hub *hub; /* that serves the queue */
    int fd;         /* the eventfd, which belongs to libdispatch */
    green_op poll;
    bool polls;           /* the operation is in progress */
    green_hub *due;       /* a thread of this hub for the queue has not begun; NULL: none */
    green_thread *caller; /* the thread that calls the queue */
    int64_t next_check;   /* until then, there are OS threads that may add to the queue */
    int64_t pause;        /* to the check after it */
} queue;

static void arm(void);

/* The queue may have Tasks, which must not block if their state is not known. */
static void call_queue(green_thread *self) {
    self->must_not_block = green__task_state_is_known() ? GREEN_MAY_BLOCK : GREEN_IN_UNKNOWN_TASK;
    queue.caller = self;
    queue.pause = PAUSE_MIN;
    _dispatch_main_queue_callback_4CF(NULL);
    queue.caller = NULL;
}

static int call(void *argument) {
    green_hub *hub = argument;
    uint64_t wakes;
    queue.due = NULL;
    if (queue.hub != hub)
        return 0;
    green__thread_set_name(hub->current, "main queue");
    green__libc.syscall(SYS_read, queue.fd, &wakes,
                        sizeof wakes); /* first: an addition to the empty queue wakes again */
    call_queue(hub->current);
    if (queue.hub == hub && green__hub == hub) /* not in a child that was forked by the queue */
        arm();
    return 0;
}

static void complete(green_op *op, int32_t result) {
    (void)op;
    green_hub *hub = queue.hub;
    queue.polls = false;
    if (!hub || result == -ECANCELED)
        return;
    if (result < 0) {
        green__report("the main queue is no longer called: cannot wait for descriptor %d of libdispatch: %s", queue.fd,
                      green__error_text(result));
        queue.hub = NULL;
        return;
    }
    if (green__spawn_own(hub, call, hub) == 0)
        queue.due = hub;
    else
        arm(); /* no memory: try again after an iteration of the event loop */
}

static void arm(void) {
    queue.poll = (green_op){.complete = complete, .kind = GREEN_OP_POLL, .fd = queue.fd, .flags = POLLIN};
    queue.polls = true;
    queue.hub->engine->class->submit(queue.hub->engine, &queue.poll);
}

/* Whether this OS thread was found to be another than the main one, or the program to have no main queue. */
static _Thread_local bool is_other;

bool green__main_queue_needs_hub(void) {
    if (is_other)
        return false;
    is_other = !_dispatch_get_main_queue_handle_4CF || !_dispatch_main_queue_callback_4CF ||
               !green_swift_task_runtime || green__generation != 0 || green__libc.syscall(SYS_gettid) != getpid();
    return !is_other && !queue.caller;
}

void green__main_queue_start(green_hub *hub) {
    if (!green__main_queue_needs_hub())
        return;
    queue.hub = hub;
    queue.fd = _dispatch_get_main_queue_handle_4CF();
    queue.next_check = 0;
    queue.pause = PAUSE_MIN;
    arm();
}

void green__main_queue_stop(green_hub *hub) {
    if (queue.hub != hub)
        return;
    queue.hub = NULL;
    hub->engine->class->cancel(hub->engine, &queue.poll);
}

bool green__main_queue_has_thread(const green_hub *hub) {
    return queue.due == hub;
}

uint64_t green__main_queue_operations(const green_hub *hub) {
    return queue.hub == hub && queue.polls;
}

static bool is_empty(void) {
    struct pollfd readable = {.fd = queue.fd, .events = POLLIN};
    return green__libc.syscall(SYS_ppoll, &readable, 1, &(struct timespec){0, 0}, NULL, 0) == 0;
}

/* An OS thread may add to the queue, and end, just before it is counted, so the eventfd is
 * polled afterwards. */
static bool may_run(int64_t now) {
    int error_number = errno;
    bool others = green__os_threads_may_run_program(), empty = is_empty();
    errno = error_number;
    if (others) {
        queue.next_check = green__time_add(now, queue.pause);
        queue.pause *= 2;
    }
    return others || !empty;
}

int64_t green__main_queue_time(const green_hub *hub) {
    if (queue.hub != hub || queue.caller)
        return 0;
    int64_t now = green__os_clock(); /* other OS threads live in real time */
    if (now - queue.next_check > LATENESS_MAX)
        queue.pause = PAUSE_MIN; /* the hub has run since */
    if (now < queue.next_check)
        return queue.next_check - now;
    if (queue.pause > PAUSE_MAX)
        return GREEN_FOREVER;
    if (!may_run(now))
        return 0;
    return queue.next_check > now ? queue.next_check - now : PAUSE_MIN;
}
