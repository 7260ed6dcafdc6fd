#include "guard.h"

#include "../base/descriptor.h"
#include "../base/feature.h"
#include "../base/libc.h"
#include "../base/own_fd.h"
#include "sanitizer.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1 /* Linux 5.11 */
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13) /* Linux 6.4 */
#endif

enum {
    FILL_BATCH = 32,      /* guards filled at a time: a quarter of a millisecond */
    SHARE_MAX = 256,      /* stacks with one guard */
    MAPS_DEFAULT = 65530, /* vm.max_map_count of most systems */
};

/* Not an errno: try the next kind. */
enum { NEXT_KIND = 1 };

typedef int guard_maker(green_guards *guards, green_guard_area *area, char *guard);

static const char *const names[] = {"guard_install", "userfaultfd", "mprotect", "shared"};

const char *green__guard_name(green_guard_kind kind) {
    return names[kind];
}

/* Selects the next kind. Logs the reason, once in a process for each kind. */
static int give_up(green_guards *guards, const char *what, int error) {
    static atomic_bool logged[GREEN_GUARD_SHARED];
    if (!atomic_exchange(&logged[guards->kind], true))
        green__debug("no stack guards by %s: %s%s%s", names[guards->kind], what, error ? ": " : "",
                     error ? green__error_text(-error) : "");
    guards->kind++;
    guards->proven = false;
    return NEXT_KIND;
}

static const char by_environment[] = "disabled by GREEN_DISABLE";

/* MADV_GUARD_INSTALL --------------------------------------------------------- */

/* Emulators ignore unknown advice and report success. The pages of a working guard
 * cannot be populated. This does not read the pages, because Valgrind treats them as
 * ordinary memory and would crash. */
static bool cannot_be_populated(char *guard) {
    return madvise(guard, (size_t)sysconf(_SC_PAGESIZE), MADV_POPULATE_READ) < 0 && errno == EFAULT;
}

/* Needs no guard: Linux checks the advice before the length. */
static bool knows_guard_install(void) {
    enum { UNKNOWN, KNOWN, REFUSED }; /* two OS threads may both find out */
    static atomic_int advice = UNKNOWN;
    int known = atomic_load_explicit(&advice, memory_order_relaxed);
    if (known == UNKNOWN) {
        known = madvise(NULL, 0, MADV_GUARD_INSTALL) == 0 ? KNOWN : REFUSED;
        atomic_store_explicit(&advice, known, memory_order_relaxed);
    }
    return known == KNOWN;
}

static int install(green_guards *guards, green_guard_area *area, char *guard) {
    int error;
    do
        error = madvise(guard, GREEN_GUARD_SIZE, MADV_GUARD_INSTALL) < 0 ? -errno : 0;
    while (error == -EINTR);
    if (error == -EINVAL) /* as for memory that mlockall(2) locks */
        return give_up(guards, "MADV_GUARD_INSTALL is refused", EINVAL);
    if (error < 0)
        return error;
    if (!guards->proven && !cannot_be_populated(guard))
        return give_up(guards, "MADV_GUARD_INSTALL has no effect", 0);
    guards->proven = true;
    area->lowest = guard;
    return 0;
}

/* userfaultfd ---------------------------------------------------------------- */

static bool takes_features(int fd, uint64_t features) {
    struct uffdio_api api = {.api = UFFD_API, .features = features};
    return ioctl(fd, UFFDIO_API, &api) == 0;
}

/* Returns NULL, or what failed, with errno. */
static const char *open_userfaultfd(green_guards *guards) {
    errno = 0;
    if (green__feature_is_disabled(GREEN_FEATURE_USERFAULTFD))
        return by_environment;
    if (green__is_under_valgrind())
        return "Valgrind does not implement userfaultfd";
    const uint64_t needed = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_PAGEFAULT_FLAG_WP;
    int fd = green__own_fd((int)green__libc.syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY));
    if (fd < 0)
        return "userfaultfd() is refused";
    guards->fills = green__feature_is_disabled(GREEN_FEATURE_WP_UNPOPULATED) ||
                    !takes_features(fd, needed | UFFD_FEATURE_WP_UNPOPULATED);
    if (guards->fills && !takes_features(fd, needed)) {
        int error = errno;
        green__own_fd_close(fd);
        errno = error;
        return "userfaultfd has no write protection";
    }
    guards->fd = fd;
    return NULL;
}

static struct uffdio_range range_of(const char *begin, size_t size) {
    return (struct uffdio_range){.start = (uintptr_t)begin, .len = size};
}

static int enlist(int fd, struct uffdio_range range, uint64_t mode) {
    struct uffdio_register request = {.range = range, .mode = mode};
    return ioctl(fd, UFFDIO_REGISTER, &request);
}

static void read_pages(const char *guard) {
    for (size_t i = 0, page = (size_t)sysconf(_SC_PAGESIZE); i < GREEN_GUARD_SIZE; i += page)
        (void)*(const volatile char *)(guard + i);
}

/* Maps the zero page into the guards of slots that are not in use yet. */
static int fill(int fd, const green_guard_area *area, size_t first, size_t count) {
    char *begin = area->base + first * area->slot;
    struct uffdio_range range = range_of(begin, count * area->slot);
    /* Batches become one mapping only if the kernel's records of pages (anon_vma) are one,
     * which they are if the first page comes before the first batch. It is a stack's. */
    if (first == 0)
        *(volatile char *)(begin + area->slot - 1) = 0;
    if (enlist(fd, range, UFFDIO_REGISTER_MODE_MISSING) < 0)
        return -1;
    size_t filled = 0;
    for (; filled < count; filled++) {
        struct uffdio_zeropage request = {.range = range_of(begin + filled * area->slot, GREEN_GUARD_SIZE)};
        if (ioctl(fd, UFFDIO_ZEROPAGE, &request) < 0)
            break;
    }
    if (ioctl(fd, UFFDIO_UNREGISTER, &range) < 0)
        return -1;
    for (; filled < count; filled++) /* as under mlockall(2), where pages are present */
        read_pages(begin + filled * area->slot);
    return 0;
}

/* Makes the next slots of an area ready for write protection, from this guard on. Those
 * before them may be in use, with guards of the kind before. */
static int prepare(const green_guards *guards, green_guard_area *area, const char *guard) {
    size_t first = (size_t)(guard - area->base) / area->slot, count = area->count - first;
    if (guards->fills && count > FILL_BATCH)
        count = FILL_BATCH;
    if (guards->fills && fill(guards->fd, area, first, count) < 0)
        return -1;
    if (enlist(guards->fd, range_of(area->base + first * area->slot, count * area->slot), UFFDIO_REGISTER_MODE_WP) < 0)
        return -1;
    area->registered = first + count;
    return 0;
}

/* The system call writes to the guard. The C library's function would write in user mode. */
static bool is_write_protected(char *guard) {
    return green__libc.syscall(SYS_clock_gettime, CLOCK_MONOTONIC, guard) < 0 && errno == EFAULT;
}

/* The first guard of a hub did not work. */
static int close_and_give_up(green_guards *guards, const char *what) {
    int error = errno;
    green__own_fd_close(guards->fd);
    guards->fd = -1;
    return give_up(guards, what, error);
}

static int write_protect(green_guards *guards, green_guard_area *area, char *guard) {
    const char *failed = guards->fd < 0 ? open_userfaultfd(guards) : NULL;
    if (failed)
        return give_up(guards, failed, errno);
    struct uffdio_writeprotect request = {.range = range_of(guard, GREEN_GUARD_SIZE),
                                          .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    if (guard >= area->base + area->registered * area->slot && prepare(guards, area, guard) < 0)
        failed = "registering memory with userfaultfd fails";
    else if (ioctl(guards->fd, UFFDIO_WRITEPROTECT, &request) < 0)
        failed = "write protection by userfaultfd fails";
    else if (!guards->proven && !is_write_protected(guard))
        failed = "write protection by userfaultfd has no effect", errno = 0;
    if (failed && errno == ENOMEM)
        return -ENOMEM;
    if (failed && guards->proven) { /* the program has closed the descriptor; the number may be in use again */
        guards->fd = -1;
        area->lowest = NULL; /* the guards made so far are gone */
        return give_up(guards, failed, errno);
    }
    if (failed)
        return close_and_give_up(guards, failed);
    guards->proven = true;
    area->lowest = guard;
    return 0;
}

/* mprotect ------------------------------------------------------------------- */

static atomic_size_t protected_count; /* in the process */
static size_t protected_max;

static void read_limit(void) {
    /* Each is two mappings. */
    protected_max = green__read_number("/proc/sys/vm/max_map_count", MAPS_DEFAULT) / 8 * 3;
}

/* Leaves mappings for shared guards and for the program. */
static bool is_within_limit(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_limit);
    return atomic_load_explicit(&protected_count, memory_order_relaxed) < protected_max;
}

static int protect_always(green_guards *guards, green_guard_area *area, char *guard) {
    if (mprotect(guard, GREEN_GUARD_SIZE, PROT_NONE) < 0)
        return -errno;
    guards->proven = true;
    area->lowest = guard;
    area->mprotected++;
    atomic_fetch_add_explicit(&protected_count, 1, memory_order_relaxed);
    return 0;
}

static int protect(green_guards *guards, green_guard_area *area, char *guard) {
    if (green__feature_is_disabled(GREEN_FEATURE_MPROTECT_GUARD))
        return give_up(guards, by_environment, 0);
    if (!is_within_limit())
        return give_up(guards, "vm.max_map_count allows no more mprotect guards", 0);
    int error = protect_always(guards, area, guard);
    return error == -ENOMEM ? give_up(guards, "mprotect fails", ENOMEM) : error;
}

/* Shared --------------------------------------------------------------------- */

static int share(green_guards *guards, green_guard_area *area, char *guard) {
    if (area->lowest && (size_t)(guard - area->lowest) < SHARE_MAX * area->slot)
        return 0;
    int error = protect_always(guards, area, guard);
    return area->lowest ? 0 : error; /* a guard that is farther away is better than none */
}

/* ---------------------------------------------------------------------------- */

static guard_maker *const makers[] = {install, write_protect, protect, share};

void green__guards_init(green_guards *guards) {
    *guards = (green_guards){.fd = -1};
}

void green__guards_open(green_guards *guards) {
    if (green__feature_is_disabled(GREEN_FEATURE_GUARD_INSTALL))
        give_up(guards, by_environment, 0);
    else if (!knows_guard_install())
        give_up(guards, "MADV_GUARD_INSTALL is unknown before Linux 6.13", 0);
    else
        return;
    const char *failed = open_userfaultfd(guards);
    if (failed)
        give_up(guards, failed, errno);
}

void green__guards_close(green_guards *guards) {
    if (guards->fd >= 0)
        green__own_fd_close(guards->fd);
    guards->fd = -1;
}

int green__guard_make(green_guards *guards, green_guard_area *area, size_t index) {
    int result;
    do
        result = makers[guards->kind](guards, area, area->base + index * area->slot);
    while (result == NEXT_KIND);
    return result;
}

void green__guard_area_close(const green_guard_area *area) {
    atomic_fetch_sub_explicit(&protected_count, area->mprotected, memory_order_relaxed);
}

void green__guards_abandon(green_guards *guards, char *guard) {
    if (guards->fd < 0)
        return;
    green__guards_close(guards);
    if (guard)
        mprotect(guard, GREEN_GUARD_SIZE, PROT_NONE);
}
