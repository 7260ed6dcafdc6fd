#include "dump.h"

#include "../base/pthread.h"
#include "../base/report.h"
#include "../core/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512, WAIT_MAX_BYTES = 256 };

struct dump {
    green_dump_writer *write;
    void *context;
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
    dump->write(dump->context, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
}

void green__hub_describe(green_hub *hub, green_dump_writer *write, void *context) {
    struct dump dump = {write, context, green_now()};
    char line[LINE_MAX_BYTES], name[GREEN_NAME_MAX + 16] = "";
    if (*hub->name)
        snprintf(name, sizeof name, " hub '%s',", hub->name);
    int length = snprintf(line, sizeof line,
                          "green: %" PRIu64 " green threads of OS thread %d,%s engine %s; inbox: %" PRIu64
                          " posts run, %" PRIu64 " wake-ups\n",
                          hub->threads, hub->registration.tid, name, hub->engine->class->name, hub->inbox.posts,
                          hub->inbox.wakes);
    write(context, line, (size_t)length);
    green__hub_each_thread(hub, dump_thread, &dump);
}

static void write_to_descriptor(void *fd, const char *text, size_t length) {
    green__write_all(*(int *)fd, text, length);
}

void green__hub_dump(green_hub *hub, int fd) {
    green__hub_describe(hub, write_to_descriptor, &fd);
}

static void write_to_file(void *file, const char *text, size_t length) {
    fwrite(text, 1, length, file);
}

/* As a report, which has neither the prefix nor the last newline. */
static void send_to_handler(green_hub *hub) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return;
    green__hub_describe(hub, write_to_file, file);
    if (fclose(file) == 0 && size > 0) {
        text[size - 1] = 0;
        green_report_send(&(green_report){.level = GREEN_REPORT_ERROR, .text = text + strlen("green: ")});
    }
    free(text);
}

void green__hub_report_dump(green_hub *hub, int fd) {
    if (green__report_is_handled())
        send_to_handler(hub);
    else
        green__hub_dump(hub, fd);
}

int green_dump(int fd) {
    if (!green__hub)
        return green__fail(-ENOENT, "green_dump: this OS thread has no hub");
    green__hub_dump(green__hub, fd);
    return 0;
}

/* Requests ------------------------------------------------------------------- */

static int run_request(void *request) {
    green_hub *hub = green__hub;
    hub->diagnostics.dumps--;
    ((green_dump_request *)request)->write(request, hub->is_lost ? NULL : hub);
    return 0;
}

/* In a thread of its own, because the thread that runs the event loop may have too little
 * stack left. */
static void deliver(green_post *post, int error) {
    green_dump_request *request = GREEN_CONTAINER(post, green_dump_request, post);
    if (error < 0) {
        request->write(request, NULL);
        return;
    }
    green__hub->diagnostics.dumps++;
    green__run_in_own_thread(green__hub, "dump", run_request, request);
}

int green__dump_post(green_hub *hub, green_dump_request *request) {
    request->post.deliver = deliver;
    return green__inbox_post(hub, &request->post);
}

static pthread_mutex_t standard_error = PTHREAD_MUTEX_INITIALIZER; /* one hub at a time writes its dump */

static void write_to_standard_error(green_dump_request *request, green_hub *hub) {
    if (!hub)
        return;
    GREEN_INVARIANT(request == &hub->diagnostics.dump, "a hub writes its own dump");
    __atomic_store_n(&hub->diagnostics.is_dump_requested, false, __ATOMIC_RELEASE);
    green__pthread.mutex_lock(&standard_error);
    green__hub_dump(hub, STDERR_FILENO);
    green__pthread.mutex_unlock(&standard_error);
}

void green__dump_request(green_hub *hub) {
    green_hub_diagnostics *own = &hub->diagnostics;
    if (__atomic_exchange_n(&own->is_dump_requested, true, __ATOMIC_ACQUIRE))
        return;
    own->dump.write = write_to_standard_error;
    if (green__dump_post(hub, &own->dump) < 0)
        __atomic_store_n(&own->is_dump_requested, false, __ATOMIC_RELAXED);
}

bool green__dump_is_pending(const green_hub *hub) {
    return __atomic_load_n(&hub->diagnostics.is_dump_requested, __ATOMIC_RELAXED);
}

void green__dumps_forked(void) {
    standard_error = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}
