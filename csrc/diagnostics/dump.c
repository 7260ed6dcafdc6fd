#include "dump.h"

#include <green/hub.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512, WAIT_MAX_BYTES = 256 };

struct dump {
    green_hub *hub;
    int fd;
    int64_t now;
};

void green__write_all(int fd, const char *text, size_t length) {
    while (length > 0) {
        ssize_t written = green__raw_write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

static void describe(const green_thread *thread, int64_t now, char *text, size_t size) {
    char what[WAIT_MAX_BYTES] = "something";
    switch (thread->state) {
    case GREEN_RUNNING:
        snprintf(text, size, "running");
        break;
    case GREEN_READY:
        snprintf(text, size, green__timer_pending(&thread->start) ? "begins after a delay" : "ready");
        break;
    default:
        thread->wait->kind->describe(thread->wait, what, sizeof what);
        snprintf(text, size, "parked, %s for %.3f s", what, (double)(now - thread->wait->since) / 1e9);
    }
}

static void dump_thread(green_thread *thread, void *context) {
    struct dump *dump = context;
    char line[LINE_MAX_BYTES], label[GREEN_LABEL_MAX], state[WAIT_MAX_BYTES + 64], stack[64] = "";
    describe(thread, dump->now, state, sizeof state);
    if (thread->stack)
        snprintf(stack, sizeof stack, "; stack %zu of %zu KiB", green__stack_used(thread->stack) / 1024,
                 green__stack_size(thread->stack) / 1024);
    int length =
        snprintf(line, sizeof line, "  %s: %s%s\n", green__thread_label(thread, label, sizeof label), state, stack);
    green__write_all(dump->fd, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
}

void green__hub_dump(green_hub *hub, int fd) {
    struct dump dump = {hub, fd, green_now()};
    char line[LINE_MAX_BYTES];
    int length = snprintf(line, sizeof line, "green: %" PRIu64 " green threads of OS thread %d, engine %s\n",
                          hub->threads, hub->registration.tid, hub->engine->class->name);
    green__write_all(fd, line, (size_t)length);
    green__hub_each_thread(hub, dump_thread, &dump);
}

int green_dump(int fd) {
    if (!green__hub)
        return green__fail(-ENOENT, "green_dump: this OS thread has no hub");
    green__hub_dump(green__hub, fd);
    return 0;
}
