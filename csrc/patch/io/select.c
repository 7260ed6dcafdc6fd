/* select() and pselect(), also for descriptors beyond FD_SETSIZE. */
#include "poll.h"

#include "../clock.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SETS = 3, WORD_BITS = sizeof(long) * CHAR_BIT };

/* The three sets of the caller, which the kernel overwrites, and copies of them. */
struct selecting {
    green_poll_loop loop;
    int count;
    size_t words;
    long *sets[SETS], *given[SETS];
    const sigset_t *mask;
};

static int attempt_select(green_poll_loop *loop) {
    struct selecting *selecting = GREEN_CONTAINER(loop, struct selecting, loop);
    for (int i = 0; i < SETS; i++)
        if (selecting->sets[i])
            memcpy(selecting->sets[i], selecting->given[i], selecting->words * sizeof(long));
    return green__real.pselect(selecting->count, (fd_set *)selecting->sets[0], (fd_set *)selecting->sets[1],
                               (fd_set *)selecting->sets[2], &(struct timespec){0, 0}, selecting->mask);
}

static bool is_in(const long *set, int fd) {
    return set && ((unsigned long)set[fd / WORD_BITS] >> (fd % WORD_BITS) & 1);
}

static short events_of(const struct selecting *selecting, int fd) {
    static const short events[SETS] = {POLLIN, POLLOUT, POLLPRI};
    short all = 0;
    for (int i = 0; i < SETS; i++)
        if (is_in(selecting->given[i], fd))
            all |= events[i];
    return all;
}

static size_t list_sets(const green_poll_loop *loop, green_waited_fd *fds) {
    const struct selecting *selecting = GREEN_CONTAINER(loop, const struct selecting, loop);
    size_t count = 0;
    for (int fd = 0; fd < selecting->count; fd++) {
        short events = events_of(selecting, fd);
        if (events && fds)
            fds[count] = (green_waited_fd){.fd = fd, .events = events};
        count += events != 0;
    }
    return count;
}

static int select_parking(green_hub *hub, int count, fd_set *const sets[SETS], int64_t deadline, const sigset_t *mask) {
    long few[SETS * FD_SETSIZE / WORD_BITS], *memory = few;
    struct selecting selecting = {
        .loop = {.attempt = attempt_select, .list = list_sets, .deadline = deadline, .has_mask = mask != NULL},
        .count = count,
        .mask = mask,
    };
    selecting.words = ((size_t)count + WORD_BITS - 1) / WORD_BITS;
    if (count > FD_SETSIZE && !(memory = malloc(SETS * selecting.words * sizeof *memory))) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < SETS; i++)
        if (sets[i]) {
            selecting.sets[i] = (long *)sets[i];
            selecting.given[i] = memory + i * selecting.words;
            memcpy(selecting.given[i], sets[i], selecting.words * sizeof(long));
        }
    int result = green__poll_loop_run(hub, &selecting.loop);
    if (memory != few)
        free(memory);
    return result;
}

/* Whether the kernel accepts the number, and so does not read beyond the caller's sets. */
static bool is_valid_count(int count) {
    struct rlimit limit;
    return count >= 0 &&
           (count <= FD_SETSIZE || (getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)count <= limit.rlim_cur));
}

/* The time left, which Linux stores in the caller's timeout. */
static struct timeval time_left(int64_t deadline) {
    int64_t left = green__time_left(deadline);
    return (struct timeval){.tv_sec = left / GREEN_SECOND, .tv_usec = left % GREEN_SECOND / 1000};
}

int green__green_select(int count, fd_set *restrict readable, fd_set *restrict writable, fd_set *restrict exceptional,
                        struct timeval *restrict timeout) {
    green_hub *hub = green__may_park_fairly();
    if (!hub || !is_valid_count(count) ||
        (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0 || (timeout->tv_sec | timeout->tv_usec) == 0))) {
        if (hub)
            green__let_ready_threads_run(hub);
        return green__real.select(count, readable, writable, exceptional, timeout);
    }
    enum { MICROSECONDS = 1000 * 1000 }; /* per second; tv_usec may exceed this */
    int64_t deadline = GREEN_NEVER;
    if (timeout && timeout->tv_sec < INT64_MAX / GREEN_SECOND / 2 &&
        timeout->tv_usec / MICROSECONDS < INT64_MAX / GREEN_SECOND / 2)
        deadline = green__deadline_after(timeout->tv_sec * GREEN_SECOND + timeout->tv_usec * GREEN_MICROSECOND);
    int result = (int)green__cancellation_point_passed(
        hub, select_parking(hub, count, (fd_set *[]){readable, writable, exceptional}, deadline, NULL));
    if (deadline >= 0)
        *timeout = time_left(deadline);
    return result;
}

int green__green_pselect(int count, fd_set *restrict readable, fd_set *restrict writable, fd_set *restrict exceptional,
                         const struct timespec *restrict timeout, const sigset_t *restrict mask) {
    green_hub *hub = green__may_park_fairly();
    bool valid;
    int64_t deadline = green__timespec_deadline(timeout, &valid);
    if (!hub || !valid || !is_valid_count(count))
        return green__real.pselect(count, readable, writable, exceptional, timeout, mask);
    return (int)green__cancellation_point_passed(
        hub, select_parking(hub, count, (fd_set *[]){readable, writable, exceptional}, deadline, mask));
}
