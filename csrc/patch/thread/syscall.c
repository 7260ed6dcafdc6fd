/* syscall(), for the system calls that concern threads, and gettid(). */
#include "../lock/futex.h"

#include <stdarg.h>
#include <sys/syscall.h>

/* Larger than any id that the kernel gives: see PID_MAX_LIMIT in proc(5). */
enum { GREEN_TID_FIRST = 1 << 30 };

static bool threads_are_green(void) {
    return __atomic_load_n(&green__patched_families, __ATOMIC_RELAXED) & GREEN_PATCH_THREAD;
}

/* The ids of green threads differ. The OS thread's own context has that of the OS thread. */
pid_t green__green_gettid(void) {
    const green_thread *thread = green__patch_current_thread();
    return thread ? GREEN_TID_FIRST + (pid_t)(thread->id % GREEN_TID_FIRST) : green__real.gettid();
}

static long call_futex(const long *arguments) {
    const green_futex_call call = {.address = (uint32_t *)arguments[0],
                                   .operation = (int)arguments[1],
                                   .value = (uint32_t)arguments[2],
                                   .timeout = (const struct timespec *)arguments[3]};
    green_hub *hub = green__futex_is_wait(&call) ? green__may_park_here() : NULL;
    if (hub)
        return green__futex_wait(hub, &call);
    long result = green__real.syscall(SYS_futex, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                                      arguments[5]);
    return green__futex_wake(&call, result);
}

/* Like the C library's, it reads six arguments, whether the caller has passed them or not. */
long green__green_syscall(long number, ...) {
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_futex)
        return call_futex(arguments);
    if (number == SYS_close_range)
        return green__green_close_range((unsigned)arguments[0], (unsigned)arguments[1], (int)arguments[2]);
    if (number == SYS_gettid && threads_are_green())
        return green__green_gettid();
    return green__real.syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                               arguments[5]);
}
