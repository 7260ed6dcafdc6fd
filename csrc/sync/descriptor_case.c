/* The readiness of a descriptor as a case of a select: a poll of the engine. */
#include "descriptor_case.h"

#include "../core/io.h"
#include "../core/virtual_peers.h"

#include <green/select.h>

#include <poll.h>
#include <stdio.h>

/* The wait, with its operation. */
struct descriptor_wait {
    green_wait wait;
    green_op op;
    bool pending, stopped;
    int events;
};

int green__descriptor_case_poll(int fd, int events) {
    struct pollfd polled = {.fd = fd, .events = (short)events};
    int error_number = errno, count = poll(&polled, 1, 0);
    errno = error_number;
    if (count <= 0)
        return 0;
    return polled.revents & POLLNVAL ? -EBADF : polled.revents;
}

static int explain(int error, int fd) {
    return green__fail(error, "cannot wait for descriptor %d", fd);
}

static bool attempt(green_case *c, green_hub *hub) {
    (void)hub;
    int fd = (int)c->argument, events = green__descriptor_case_poll(fd, (int)(c->argument >> 32));
    c->error = events < 0 ? explain(events, fd) : 0;
    c->result = events > 0 ? events : 0;
    return events != 0;
}

static void complete(green_op *op, int32_t result) {
    struct descriptor_wait *own = GREEN_CONTAINER(op, struct descriptor_wait, op);
    green_selection *select = own->wait.select;
    own->pending = false;
    own->events = result > 0 ? result : 0;
    if (!own->stopped)
        green__select_serve(&own->wait, result == -ECANCELED ? -EBADF : result < 0 ? result : 0);
    if (--select->operations == 0 && select->drains)
        green__ready(select->wait.thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "descriptor %d", GREEN_CONTAINER(wait, const struct descriptor_wait, wait)->op.fd);
}

static const green_wait_kind polling = {NULL, describe};

void green__descriptor_case_enter(green_case_wait *wait, const green_wait_kind *kind, int fd, int events) {
    green_hub *hub = wait->wait.thread->hub;
    struct descriptor_wait *own = GREEN_CASE_WAIT(wait, struct descriptor_wait);
    own->wait.kind = kind;
    own->stopped = false;
    own->pending = true;
    own->op = (green_op){.complete = complete,
                         .kind = GREEN_OP_POLL,
                         .fd = fd,
                         .flags = (unsigned short)events,
                         .exact = events & POLLOUT,
                         .no_file_ref = !(events & POLLOUT) && green__io_keeps_address(fd)};
    own->wait.select->operations++;
    if (hub->has_virtual_clock && green__descriptor_is_from_outside(fd))
        own->wait.select->from_outside = true;
    hub->engine->class->submit(hub->engine, &own->op);
}

void green__descriptor_case_leave(green_case_wait *wait, green_hub *hub) {
    struct descriptor_wait *own = GREEN_CASE_WAIT(wait, struct descriptor_wait);
    own->stopped = true;
    if (own->pending)
        hub->engine->class->cancel(hub->engine, &own->op);
}

int green__descriptor_case_events(const green_case_wait *wait) {
    return GREEN_CASE_WAIT(wait, const struct descriptor_wait)->events;
}

static void enter(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green__descriptor_case_enter(wait, &polling, (int)wait->of->argument, (int)(wait->of->argument >> 32));
}

static void finish(green_case_wait *wait) {
    green_case *c = wait->of;
    c->error = wait->wait.cause < 0 ? explain(wait->wait.cause, (int)c->argument) : 0;
    c->result = green__descriptor_case_events(wait);
}

static const green_case_kind descriptor_case = {
    .attempt = attempt, .enter = enter, .leave = green__descriptor_case_leave, .finish = finish};

green_case green_case_fd(int fd, short events) {
    return (green_case){.kind = fd >= 0 ? &descriptor_case : NULL, .argument = (int64_t)events << 32 | (uint32_t)fd};
}
