/* sigaltstack(). The kernel has one signal stack for each OS thread. All green threads of an OS thread
 * use that of its own context; otherwise it would be that of the green thread that has set one
 * last, which frees it when it ends. So a green thread only gets its own answers. The OS thread's own
 * context does not see the signal stack of its hub, which reports stack overflows. */
#include "../may_park.h"

#include "pthread.h"

static const int AUTODISARM = (int)(1u << 31); /* SS_AUTODISARM */

static int refuse(int error) {
    errno = error;
    return -1;
}

static bool disables(const stack_t *stack) {
    return stack && (stack->ss_flags & ~AUTODISARM) == SS_DISABLE;
}

static int use_record(green_pthread *pthread, const stack_t *stack, stack_t *former) {
    int flags = stack ? stack->ss_flags & ~AUTODISARM : 0;
    if (flags != 0 && flags != SS_DISABLE && flags != SS_ONSTACK)
        return refuse(EINVAL);
    if (stack && flags != SS_DISABLE && stack->ss_size < (size_t)MINSIGSTKSZ)
        return refuse(ENOMEM);
    stack_t before = pthread->signal_stack;
    if (stack)
        pthread->signal_stack = disables(stack) ? (stack_t){0} : *stack;
    if (former)
        *former = before.ss_sp ? before : (stack_t){.ss_flags = SS_DISABLE};
    return 0;
}

static int use_kernel(const green_hub *hub, const stack_t *stack, stack_t *former) {
    const stack_t own = {.ss_sp = hub->signal_stack, .ss_size = GREEN_SIGNAL_STACK_SIZE};
    int result = green__real.sigaltstack(disables(stack) ? &own : stack, former);
    if (result == 0 && former && former->ss_sp == own.ss_sp)
        *former = (stack_t){.ss_flags = SS_DISABLE | (former->ss_flags & SS_ONSTACK)};
    return result;
}

int green__green_sigaltstack(const stack_t *stack, stack_t *former) {
    const green_hub *hub = green__hub;
    green_pthread *pthread = green__pthread_here();
    if (pthread)
        return use_record(pthread, stack, former);
    return hub && hub->signal_stack ? use_kernel(hub, stack, former) : green__real.sigaltstack(stack, former);
}
