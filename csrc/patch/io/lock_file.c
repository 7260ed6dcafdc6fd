/* flock(), lockf(), and fcntl() with F_SETLKW or F_OFD_SETLKW.
 *
 * The kernel detects deadlocks of processes that wait by F_SETLKW. It sees no wait of a patched
 * call, so such a call does not fail with EDEADLK. */
#include "attempts.h"

#include <stdarg.h>

struct file_lock {
    green_attempts attempts;
    int operation; /* that does not wait */
    void *argument;
    off_t length;
};

static ssize_t lock_parking(green_hub *hub, struct file_lock *lock, ssize_t (*attempt)(green_attempts *), int fd) {
    lock->attempts = (green_attempts){
        .attempt = attempt, .would_block = EAGAIN, .fd = fd, .deadline = GREEN_NEVER, .signals = GREEN_SIGNALS_RESTART};
    return green__attempts_run(hub, &lock->attempts);
}

static ssize_t attempt_flock(green_attempts *attempts) {
    const struct file_lock *lock = GREEN_CONTAINER(attempts, const struct file_lock, attempts);
    return green__real.flock(attempts->fd, lock->operation);
}

int green__green_flock(int fd, int operation) {
    green_hub *hub = operation & (LOCK_NB | LOCK_UN) ? NULL : green__may_park_here();
    if (!hub)
        return green__real.flock(fd, operation);
    struct file_lock lock = {.operation = operation | LOCK_NB};
    return (int)lock_parking(hub, &lock, attempt_flock, fd);
}

/* POSIX lets a system call fail with either error. */
static int with_eagain(int result) {
    if (result < 0 && errno == EACCES)
        errno = EAGAIN;
    return result;
}

static ssize_t attempt_lockf(green_attempts *attempts) {
    const struct file_lock *lock = GREEN_CONTAINER(attempts, const struct file_lock, attempts);
    return with_eagain(green__real.lockf(attempts->fd, F_TLOCK, lock->length));
}

int green__green_lockf(int fd, int command, off_t length) {
    green_hub *hub = command == F_LOCK ? green__may_park_here() : NULL;
    if (!hub)
        return green__real.lockf(fd, command, length);
    green__cancellation_point(hub);
    struct file_lock lock = {.length = length};
    return (int)lock_parking(hub, &lock, attempt_lockf, fd);
}

static ssize_t attempt_fcntl(green_attempts *attempts) {
    const struct file_lock *lock = GREEN_CONTAINER(attempts, const struct file_lock, attempts);
    return with_eagain(green__real.fcntl(attempts->fd, lock->operation, lock->argument));
}

/* The C library, too, reads the third argument without knowing its type. */
int green__green_fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
    green_hub *hub = waits && argument ? green__may_park_here() : NULL;
    if (!hub)
        return green__real.fcntl(fd, command, argument);
    green__cancellation_point(hub);
    struct file_lock lock = {.operation = command == F_SETLKW ? F_SETLK : F_OFD_SETLK, .argument = argument};
    return (int)lock_parking(hub, &lock, attempt_fcntl, fd);
}
