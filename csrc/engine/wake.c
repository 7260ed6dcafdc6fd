/* Wakes an engine from other OS threads.
 *
 * A ring is woken by a message, a completion that the kernel adds to it. The message is sent by
 * a call of its own, which needs no ring (IORING_REGISTER_SEND_MSG_RING, Linux 6.13). So any OS
 * thread can send one, also in a signal handler, and the call returns whether it was sent. An
 * entry of the sender's ring would have to be submitted at once as well, because the sender may
 * compute for long before it enters the kernel again.
 *
 * An epoll engine, a ring of an older kernel, and a ring that has no room are woken by an
 * eventfd. Each engine watches its eventfd edge-triggered: a write causes an event although the
 * counter was not 0, so the engine never has to read it. The counter is the number of calls. */
#include "../base/libc.h"
#include "engine.h"

#include "../base/error.h"
#include "../base/kernel_order.h"
#include "../base/own_fd.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

int green__engine_open_wake_fd(green_engine *engine) {
    engine->ring_fd = -1;
    engine->wake_fd = green__own_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return engine->wake_fd < 0 ? green__fail(engine->wake_fd, "cannot make the eventfd of a hub") : 0;
}

/* After the message or the write, the hub may close the engine. */
void green__engine_wake(const green_engine *engine) {
    int error_number = errno, ring_fd = engine->ring_fd, wake_fd = engine->wake_fd;
    green__kernel_order_before(engine);
    if (ring_fd < 0 || green__uring_send_wake(ring_fd) < 0) {
        ssize_t written = green__raw_write(wake_fd, &(uint64_t){1}, sizeof(uint64_t));
        GREEN_INVARIANT(written == sizeof(uint64_t), "an eventfd can be written");
    }
    errno = error_number;
}

uint64_t green__engine_await_wakes(green_engine *engine, uint64_t calls) {
    uint64_t written = 0, count;
    for (;;) {
        if (green__libc.syscall(SYS_read, engine->wake_fd, &count, sizeof count) ==
            sizeof count) /* never the patched read() */
            written += count;
        if (written + engine->messages >= calls) {
            green__kernel_order_after(engine);
            return written + engine->messages;
        }
        engine->class->poll(engine, -1);
    }
}
