/* Barriers. Green threads take part in the algorithm of the C library, on the data of the C library,
 * so that they share a barrier with OS threads, objects that are not patched and other processes.
 * They differ only in how they wait: as for a futex, in the parking lot. */
#include "../../base/kernel_order.h"
#include "../may_park.h"
#include "futex.h"
#include "parking_lot.h"

#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

/* As in glibc since 2.25. Threads are counted as they enter; a round has ended when `round`, the
 * number of those let through, has passed a thread's own number. The last of all threads that the
 * counter can count resets it, when all have left. */
struct barrier {
    uint32_t in;
    uint32_t round;
    uint32_t count; /* of the threads of a round */
    int32_t shared; /* 0: private to this process */
    uint32_t out;
};

enum { LIMIT = INT_MAX };

/* ThreadSanitizer takes each pthread_barrier_wait() of an OS thread for a plain read of the barrier,
 * so it must not see the writes here. It learns the order of threads in wait_parking(). */
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define UNSEEN __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef UNSEEN
#define UNSEEN __attribute__((no_sanitize("thread")))
#endif

static struct barrier *data_of(pthread_barrier_t *barrier) {
    return (struct barrier *)(void *)barrier;
}

/* Another C library, or a later version, may have another algorithm, and then it has to wait itself. */
static bool has_known_layout(void) {
    static int known; /* atomic; 0: not yet checked, 1: yes, -1: no */
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer != 0)
        return answer > 0;
    pthread_barrier_t sample;
    struct barrier expected = {.count = 3}, found = {.count = 0};
    memset(&sample, 0xff, sizeof sample);
    if (pthread_barrier_init(&sample, NULL, expected.count) == 0) {
        memcpy(&found, &sample, sizeof found);
        green__real.pthread_barrier_destroy(&sample);
    }
    answer = memcmp(&found, &expected, sizeof found) == 0 ? 1 : -1;
    __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    return answer > 0;
}

static green_hub *hub_for_wait(void) {
    green_hub *hub = green__may_park_here();
    return hub && has_known_layout() ? hub : NULL;
}

static uint32_t last_before_reset(uint32_t count) {
    return LIMIT - LIMIT % count;
}

static void sleep_while(green_hub *hub, uint32_t *word, uint32_t value) {
    int error_number = errno;
    (void)green__futex_wait(hub, &(green_futex_call){.address = word, .operation = FUTEX_WAIT, .value = value});
    errno = error_number;
}

static void wake_all(uint32_t *word, bool is_shared) {
    int error_number = errno;
    green__real.syscall(SYS_futex, word, is_shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    green__parking_lot_wake(word, true);
    errno = error_number; /* the barrier may exist no more */
}

/* Returns the number of the calling thread. */
UNSEEN static uint32_t enter(green_hub *hub, struct barrier *barrier, uint32_t last) {
    for (;;) {
        uint32_t number = __atomic_add_fetch(&barrier->in, 1, __ATOMIC_ACQ_REL);
        if (number <= last)
            return number;
        while (number > last) {
            sleep_while(hub, &barrier->in, number);
            number = __atomic_load_n(&barrier->in, __ATOMIC_RELAXED);
        }
    }
}

/* Ends the rounds for which enough threads have entered, then waits for the end of the thread's own. */
UNSEEN static void pass(green_hub *hub, struct barrier *barrier, uint32_t number, uint32_t count) {
    uint32_t ended = number - number % count, round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
    while (round < ended)
        if (__atomic_compare_exchange_n(&barrier->round, &round, ended, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            wake_all(&barrier->round, barrier->shared);
            round = ended;
        }
    while (round < number) {
        sleep_while(hub, &barrier->round, round);
        round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
    }
}

/* Once all threads have left, the barrier may exist no more. */
UNSEEN static void leave(struct barrier *barrier, uint32_t last) {
    bool is_shared = barrier->shared;
    if (__atomic_add_fetch(&barrier->out, 1, __ATOMIC_ACQ_REL) == last) {
        __atomic_store_n(&barrier->round, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier->out, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier->in, 0, __ATOMIC_RELEASE);
        wake_all(&barrier->in, is_shared);
    }
    green__parking_lot_wake(&barrier->out, true);
}

static int wait_in_c_library(pthread_barrier_t *barrier) {
    struct barrier *data = data_of(barrier); /* for its addresses */
    int result = green__real.pthread_barrier_wait(barrier);
    green__parking_lot_wake(&data->round, true);
    green__parking_lot_wake(&data->in, true);
    green__parking_lot_wake(&data->out, true);
    return result;
}

static int wait_parking(green_hub *hub, pthread_barrier_t *barrier) {
    struct barrier *data = data_of(barrier);
    uint32_t count = data->count, last = last_before_reset(count);
    green__kernel_order_before(barrier);
    uint32_t number = enter(hub, data, last);
    pass(hub, data, number, count);
    green__kernel_order_after(barrier);
    green__kernel_order_before(barrier); /* for pthread_barrier_destroy() */
    leave(data, last);
    return number % count == 0 ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

int green__green_pthread_barrier_wait(pthread_barrier_t *barrier) {
    green_hub *hub = hub_for_wait();
    return hub ? wait_parking(hub, barrier) : wait_in_c_library(barrier);
}

/* The C library waits until all threads have left. Green threads of this OS thread have to run for
 * that. */
UNSEEN static void wait_for_leavers(green_hub *hub, struct barrier *barrier) {
    for (uint32_t out;
         (out = __atomic_load_n(&barrier->out, __ATOMIC_ACQUIRE)) != __atomic_load_n(&barrier->in, __ATOMIC_ACQUIRE);)
        sleep_while(hub, &barrier->out, out);
}

int green__green_pthread_barrier_destroy(pthread_barrier_t *barrier) {
    green_hub *hub = hub_for_wait();
    if (hub)
        wait_for_leavers(hub, data_of(barrier));
    green__kernel_order_after(barrier);
    return green__real.pthread_barrier_destroy(barrier);
}
