/* The clock, and what the kernel holds. */
#include "kernel.h"

#include "harness.h"
#include "request.h"

enum { DESCRIPTORS = 1024 };

static int64_t clock_now;
static bool resets[DESCRIPTORS];

/* Green's own look at the clock. It never stands still, so that no two deadlines
 * are the same by chance alone. */
int64_t __wrap_green_now(void);
int64_t __wrap_green_now(void) {
    kernel_interrupt();
    return clock_now += 10;
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
    return faults_told;
}
