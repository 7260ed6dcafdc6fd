/* Wakes an engine from other OS threads, by an eventfd.
 *
 * Each engine watches its eventfd edge-triggered: a write causes an event although the
 * counter was not 0, so the engine never has to read it. The counter is the number of
 * calls. */
#include "engine.h"

#include "../base/descriptor.h"
#include "../base/error.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>

/* ThreadSanitizer does not know that a read of an eventfd follows the writes, because the calls
 * are not those of the C library. */
#if defined(__SANITIZE_THREAD__)
#define GREEN_WAKE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GREEN_WAKE_TSAN 1
#endif
#endif
#ifdef GREEN_WAKE_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#else
#define __tsan_acquire(address) ((void)0)
#define __tsan_release(address) ((void)0)
#endif

int green__engine_open_wake_fd(green_engine *engine) {
    int fd = eventfd(0, EFD_CLOEXEC);
    engine->wake_fd = fd < 0 ? -errno : green__move_fd_high(fd);
    return engine->wake_fd < 0 ? green__fail(engine->wake_fd, "cannot make the eventfd of a hub") : 0;
}

/* A write of 1 does not block unless the counter is near 2^64. */
void green__engine_wake(const green_engine *engine) {
    int error_number = errno, fd = engine->wake_fd;
    __tsan_release((void *)engine); /* the engine may be freed once the write has been read */
    ssize_t written = green__raw_write(fd, &(uint64_t){1}, sizeof(uint64_t));
    GREEN_INVARIANT(written == sizeof(uint64_t), "an eventfd can be written");
    errno = error_number;
}

uint64_t green__engine_await_wakes(const green_engine *engine, uint64_t calls) {
    uint64_t total = 0, count;
    while (total < calls)
        if (syscall(SYS_read, engine->wake_fd, &count, sizeof count) == sizeof count) /* never the patched read() */
            total += count;
    __tsan_acquire((void *)engine);
    return total;
}
