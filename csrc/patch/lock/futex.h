/* futex(2) by syscall(), which std::future, std::atomic and std::latch of libstdc++ use. */
#ifndef GREEN_PATCH_LOCK_FUTEX_H
#define GREEN_PATCH_LOCK_FUTEX_H

#include "../may_park.h"

/* The arguments of syscall(SYS_futex, ...), as far as an operation has them. */
typedef struct green_futex_call {
    uint32_t *address;
    int operation;
    uint32_t value;
    const struct timespec *timeout;
} green_futex_call;

/* Whether this is a wait for which green threads can park. */
bool green__futex_is_wait(const green_futex_call *call);

/* Parks until a wake-up, until the value has changed, or until the timeout. Returns 0 or -1 with
 * errno, as the system call does. A wake-up may be spurious. */
long green__futex_wait(green_hub *hub, const green_futex_call *call);

/* Wakes green threads, after the system call has woken some OS threads. Returns the number of
 * all. */
long green__futex_wake(const green_futex_call *call, long woken);

#endif
