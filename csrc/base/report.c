#include "report.h"

#include "error.h"
#include "libc.h"
#include "lock.h"
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The program's handler. The last user frees it: the OS threads that call it, and `installed`. */
typedef struct handler {
    green_report_handler *function;
    void *context;
    void (*discard)(void *context);
    unsigned users; /* under the lock */
} handler;

static green_lock lock = GREEN_LOCK_INITIALIZER(NULL);
static handler *installed; /* changes under the lock */
static _Thread_local bool in_handler;
static const green_report_core *core; /* atomic */

void green__report_set_core(const green_report_core *given) {
    __atomic_store_n(&core, given, __ATOMIC_RELEASE);
}

/* The handler ---------------------------------------------------------------- */

static void leave(handler *used) {
    green__lock(&lock);
    unsigned users = --used->users;
    green__unlock(&lock);
    if (users > 0)
        return;
    if (used->discard)
        used->discard(used->context);
    free(used);
}

/* Returns the handler, as its user, or NULL. While this OS thread forks, it has the lock. */
static handler *enter(void) {
    if (GREEN_LIKELY(!green__report_is_handled()) || in_handler || green__is_forking())
        return NULL;
    green__lock(&lock);
    handler *used = installed;
    if (used)
        used->users++;
    green__unlock(&lock);
    return used;
}

bool green__report_is_handled(void) {
    return __atomic_load_n(&installed, __ATOMIC_RELAXED) != NULL;
}

static int make_handler(handler **made, green_report_handler *function, void *context, void (*discard)(void *)) {
    *made = NULL;
    if (!function)
        return 0;
    int error = green__lock_register(&lock);
    if (error < 0)
        return error;
    *made = malloc(sizeof **made);
    if (!*made)
        return green__fail(-ENOMEM, "green_report_set_handler");
    **made = (handler){function, context, discard, 1};
    return 0;
}

int green_report_set_handler(green_report_handler *function, void *context, void (*discard)(void *)) {
    handler *made;
    if (in_handler)
        return green__fail(-EDEADLK, "green_report_set_handler: called by the handler");
    int error = make_handler(&made, function, context, discard);
    if (error < 0)
        return error;
    green__lock(&lock);
    handler *former = installed;
    __atomic_store_n(&installed, made, __ATOMIC_RELAXED);
    green__unlock(&lock);
    if (former)
        leave(former);
    return 0;
}

/* Calls the handler. Returns whether there is one. */
static bool handle(const green_report *report) {
    const green_report_core *hooks = __atomic_load_n(&core, __ATOMIC_ACQUIRE);
    handler *used = enter();
    if (!used)
        return false;
    in_handler = true;
    int before = hooks ? hooks->forbid_blocking() : 0;
    used->function(report, used->context);
    if (hooks)
        hooks->allow_blocking(before);
    in_handler = false;
    leave(used);
    return true;
}

/* Standard error --------------------------------------------------------------- */

static bool is_writable(int fd) {
    struct pollfd state = {.fd = fd, .events = POLLOUT};
    return poll(&state, 1, 0) == 1 && state.revents == POLLOUT;
}

static void skip(struct iovec *parts, int count, size_t size) {
    for (int i = 0; i < count; i++) {
        size_t skipped = size < parts[i].iov_len ? size : parts[i].iov_len;
        parts[i].iov_base = (char *)parts[i].iov_base + skipped;
        parts[i].iov_len -= skipped;
        size -= skipped;
    }
}

/* In one call, so that the lines of several threads and processes do not mix. Never the patched
 * call. Without standard error, nothing can be reported. */
static void write_line(const char *text) {
    struct iovec parts[] = {{"green: ", strlen("green: ")}, {(char *)text, strlen(text)}, {"\n", 1}};
    size_t left = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
    while (left > 0) {
        ssize_t written = green__libc.syscall(SYS_writev, STDERR_FILENO, parts, 3);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        left -= (size_t)written;
        skip(parts, 3, (size_t)written);
    }
}

static bool wants_debug(void) {
    const char *level = getenv("GREEN_LOG");
    return level && strcmp(level, "debug") == 0;
}

/* Reports ---------------------------------------------------------------------- */

void green_report_locate(green_report *report) {
    const green_report_core *hooks = __atomic_load_n(&core, __ATOMIC_ACQUIRE);
    report->thread = 0;
    report->name = report->hub = "";
    if (hooks)
        hooks->locate(report);
}

void green_report_send(const green_report *given) {
    int error_number = errno;
    green_report report = *given;
    if (report.thread == 0)
        green_report_locate(&report);
    report.name = report.name ? report.name : "";
    report.hub = report.hub ? report.hub : "";
    if (!handle(&report) && (report.level > GREEN_REPORT_DEBUG || wants_debug()) &&
        (!report.if_room || is_writable(STDERR_FILENO)))
        write_line(report.text);
    errno = error_number;
}

static void send_format(green_report report, const char *format, va_list arguments) {
    char text[GREEN_MESSAGE_MAX + 16];
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        return;
    report.text = text;
    green_report_send(&report);
}

void green__report_about(green_report report, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    send_format(report, format, arguments);
    va_end(arguments);
}

void green__report(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    send_format((green_report){.level = GREEN_REPORT_ERROR}, format, arguments);
    va_end(arguments);
}

void green__warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    send_format((green_report){.level = GREEN_REPORT_WARNING}, format, arguments);
    va_end(arguments);
}

void green__report_nonblocking(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    send_format((green_report){.level = GREEN_REPORT_WARNING, .if_room = true}, format, arguments);
    va_end(arguments);
}

void green__debug(const char *format, ...) {
    va_list arguments;
    if (!green__report_is_handled() && !wants_debug())
        return;
    va_start(arguments, format);
    send_format((green_report){.level = GREEN_REPORT_DEBUG}, format, arguments);
    va_end(arguments);
}

void green__invariant_failed(const char *file, int line, const char *what) {
    char text[GREEN_MESSAGE_MAX];
    snprintf(text, sizeof text, "broken invariant: %s (%s:%d). This is a bug in Green; please report it.", what, file,
             line);
    write_line(text);
    abort();
}
