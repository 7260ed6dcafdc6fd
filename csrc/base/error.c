#include "error.h"

#include "libc.h"
#include "message.h"

#include <green/serve.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TEXT(x) #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *green_version(void) {
    return VERSION(GREEN_VERSION_MAJOR, GREEN_VERSION_MINOR, GREEN_VERSION_PATCH);
}

const char *green__error_text(int error) {
    if (error == GREEN_STOP_SERVE)
        return "Asked to stop serving";
    if (error == -ETIMEDOUT)
        return "Timed out";
    const char *text = strerrordesc_np(-error);
    return text ? text : "Unknown error";
}

static void explain(int error, const char *advice, const char *format, va_list arguments) {
    char text[GREEN_MESSAGE_MAX];
    const char *name = strerrorname_np(-error);
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length >= 0 && (size_t)length < sizeof text)
        snprintf(text + length, sizeof text - (size_t)length, ": %s (%s)%s%s", green__error_text(error),
                 name ? name : "?", *advice ? "; " : "", advice);
    green__message_store(error, text);
}

int green__fail(int error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    explain(error, "", format, arguments);
    va_end(arguments);
    return error;
}

int green__fail_with_advice(int error, const char *advice, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    explain(error, advice, format, arguments);
    va_end(arguments);
    return error;
}

/* Prints a time in its largest unit: "50 ms", "1.5 s". */
static void print_duration(int64_t time, char *text, size_t size) {
    static const struct {
        int64_t length;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    size_t unit = 0;
    while (units[unit].length > time && units[unit].length > 1)
        unit++;
    double value = (double)time / (double)units[unit].length;
    snprintf(text, size, value < 999.5 ? "%.3g %s" : "%.0f %s", value, units[unit].name);
}

int green__fail_timed_out(int64_t timeout, const char *format, ...) {
    char text[GREEN_MESSAGE_MAX], duration[32];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_duration(timeout, duration, sizeof duration);
    if (length >= 0 && (size_t)length < sizeof text)
        snprintf(text + length, sizeof text - (size_t)length, "%s%s (ETIMEDOUT)", timeout > 0 ? " within " : "",
                 timeout > 0 ? duration : "");
    green__message_store(-ETIMEDOUT, text);
    return -ETIMEDOUT;
}

const char *green_explain(int error) {
    if (error >= 0)
        return "Success";
    const char *text = green__message_find(error);
    return text ? text : green__error_text(error);
}

ssize_t green__raw_write(int fd, const void *bytes, size_t size) {
    return green__libc.syscall(SYS_write, fd, bytes, size);
}
