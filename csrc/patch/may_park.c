#include "may_park.h"

#include "../base/libc.h"
#include "../base/lock.h"
#include "../core/schedule.h"
#include "../core/virtual_clock.h"

#include <sys/syscall.h>

bool green__is_vfork_child(const green_hub *hub) {
    return green__libc.syscall(SYS_gettid) != hub->registration.tid;
}

bool green__cannot_park(const green_hub *hub) {
    return green__is_forking() || green__is_vfork_child(hub);
}

green_hub *green__may_park_here(void) {
    green_hub *hub = green__may_park();
    return hub && !green__cannot_park(hub) ? hub : NULL;
}

green_hub *green__may_park_in_process(void) {
    green_hub *hub = green__may_park();
    return hub && !green__is_forking() ? hub : NULL;
}

unsigned green__patched_families;

void green__be_fair(green_hub *hub) {
    const unsigned needed = GREEN_PATCH_THREAD | GREEN_PATCH_SIGNAL;
    unsigned families = __atomic_load_n(&green__patched_families, __ATOMIC_RELAXED);
    if ((families & needed) != needed || hub->signal_handlers > 0 || green__cannot_park(hub))
        return;
    int error_number = errno;
    green__yield(hub);
    errno = error_number;
}

int green__block_briefly(int64_t deadline) {
    if (deadline >= 0 && green_now() >= deadline)
        return -ETIMEDOUT;
    green__libc.syscall(SYS_nanosleep, &(struct timespec){0, GREEN_MILLISECOND}, NULL);
    green__virtual_clock_pass(GREEN_MILLISECOND);
    return 0;
}
