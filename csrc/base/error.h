/* Errors with messages, reports on standard error, and invariants. */
#ifndef GREEN_BASE_ERROR_H
#define GREEN_BASE_ERROR_H

#include <green/base.h>

/* Stores a message for green_explain() and returns error, a negated errno, so that a call
 * can end with `return green__fail(...)`. Appends the system's text for the errno. */
int green__fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Does the same, and appends advice on what to do, unless it is "". */
int green__fail_with_advice(int error, const char *advice, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* Stores the message of a wait that its own timeout, in nanoseconds, has ended, and returns
 * -ETIMEDOUT. The format says what did not happen: "the event was not sent" becomes "the event
 * was not sent within 50 ms (ETIMEDOUT)". With a timeout of 0 the message has no time. */
int green__fail_timed_out(int64_t timeout, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Advice for EMFILE and ENFILE. */
#define GREEN_ADVICE_EMFILE "raise the limit of open files (ulimit -n)"

/* Returns the system's text for a negated errno. That of ETIMEDOUT is about connections, but
 * most waits are not: it is "Timed out" here. */
const char *green__error_text(int error);

/* Reports an error: to the program's handler, or as "green: ...\n" to standard error in one
 * call. See report.h. */
void green__report(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* Reports a warning: Green continues in another way. */
void green__warn(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* Does the same for errors that a peer can cause at any time. Writes nothing if standard
 * error would block or has no reader, so that a peer can neither block the process nor end
 * it by SIGPIPE. */
void green__report_nonblocking(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* Reports why Green does not use its first choice. Standard error gets it only if GREEN_LOG is
 * "debug". */
void green__debug(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* Calls write(2) itself: async-signal-safe, and never the patched write(). Blocks the OS
 * thread. */
ssize_t green__raw_write(int fd, const void *bytes, size_t size);

/* Ends the process with a message that names the invariant. */
_Noreturn void green__invariant_failed(const char *file, int line, const char *what) __attribute__((cold));

/* Checks an invariant, also in release builds. */
#define GREEN_INVARIANT(condition, what)                                                                               \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0))                                                                         \
            green__invariant_failed(__FILE__, __LINE__, what);                                                         \
    } while (0)

#define GREEN_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define GREEN_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* The structure that the pointer's target is a member of. */
#define GREEN_CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
