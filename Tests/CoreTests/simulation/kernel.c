/* The clock, and what the simulated kernel records. */
#include "kernel.h"

#include "harness.h"
#include "request.h"

enum { DESCRIPTORS = 1024 };

static int64_t clock_now;
static bool resets[DESCRIPTORS];

/* The hub reads this clock. It advances with every call, so that two deadlines are never
 * equal by chance alone. */
int64_t __wrap_green_now(void);
int64_t __wrap_green_now(void) {
    kernel_interrupt();
    return clock_now += 10;
}

int64_t __wrap_green__os_clock(void);
int64_t __wrap_green__os_clock(void) {
    return __wrap_green_now();
}

int64_t kernel_now(void) {
    return clock_now;
}

void kernel_pass(int64_t nanoseconds) {
    clock_now += nanoseconds;
}

void note_reset(int fd) {
    CHECK(fd, <, DESCRIPTORS);
    resets[fd] = true;
}

bool kernel_has_reset(int fd) {
    return resets[fd];
}

void kernel_forget(int fd) {
    resets[fd] = false;
}

uint64_t kernel_faults(void) {
    return fault_count;
}
