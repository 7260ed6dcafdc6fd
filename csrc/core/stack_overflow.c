#include "stack_overflow.h"

#include "../base/libc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sigaction previous_segv, previous_bus;

/* Async-signal-safe: glibc's snprintf() takes no lock and allocates nothing for %zu, %lu and
 * %s. The process ends next. */
static void report(const green_thread *thread, const green_stack *stack) {
    char line[320], label[GREEN_LABEL_MAX];
    int length = snprintf(
        line, sizeof line,
        "green: stack overflow in %s: its stack of %zu KiB is full; raise stack_size in "
        "green_spawn_options, or in green_hub_options for all threads (Swift: stackSize:; green-run: --stack-size)\n",
        green__thread_label(thread, label, sizeof label), green__stack_size(stack) / 1024);
    if (length > 0 && green__raw_write(STDERR_FILENO, line, (size_t)length) < 0)
        return;
}

static struct sigaction *previous_of(int number) {
    return number == SIGSEGV ? &previous_segv : &previous_bus;
}

/* A signal that kill() or raise() has sent: no instruction repeats it. */
static void pass_on(int number, siginfo_t *info, void *context) {
    const struct sigaction *previous = previous_of(number);
    if (previous->sa_flags & SA_SIGINFO) {
        previous->sa_sigaction(number, info, context);
    } else if (previous->sa_handler == SIG_DFL) {
        green__libc.sigaction(number, previous, NULL);
        green__libc.syscall(SYS_rt_tgsigqueueinfo, getpid(), green__libc.gettid(), number, info);
    } else if (previous->sa_handler != SIG_IGN) {
        previous->sa_handler(number);
    }
}

static void on_fault(int number, siginfo_t *info, void *context) {
    if (info->si_code <= 0) {
        pass_on(number, info, context);
        return;
    }
    green_hub *hub = green__hub;
    const green_stack *stack = hub ? hub->current->stack : NULL;
    if (stack && green__stack_is_guarded_at(stack, info->si_addr))
        report(hub->current, stack);
    /* The instruction faults again, and the former handler gets the signal. */
    green__libc.sigaction(number, previous_of(number), NULL);
}

void green__stack_overflow_hide_action(int number, struct sigaction *action) {
    bool is_ours = (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_fault;
    if (is_ours)
        *action = *previous_of(number);
}

void green__stack_overflow_check(const green_thread *thread) {
    const green_stack *stack = thread->stack;
    const char *frame = __builtin_frame_address(0);
    if (!stack || frame >= stack->bottom ||
        frame < stack->guard) /* another stack, such as a coroutine's of the program */
        return;
    report(thread, stack);
    abort();
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    green__libc.sigaction(SIGSEGV, &action, &previous_segv);
    green__libc.sigaction(SIGBUS, &action, &previous_bus);
}

int green__stack_overflow_watch(green_hub *hub) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    void *memory = mmap(NULL, GREEN_SIGNAL_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return green__fail(-ENOMEM, "cannot make a hub: no memory for its signal stack");
    hub->signal_stack = memory;
    sigaltstack(&(stack_t){.ss_sp = memory, .ss_size = GREEN_SIGNAL_STACK_SIZE}, &hub->former_signal_stack);
    pthread_once(&once, install);
    return 0;
}

void green__stack_overflow_unwatch(green_hub *hub) {
    stack_t now, *former = &hub->former_signal_stack;
    if (!hub->signal_stack)
        return;
    /* The program may have set another one, which stays. */
    if (sigaltstack(NULL, &now) == 0 && now.ss_sp == hub->signal_stack) {
        if (!former->ss_sp)
            former->ss_flags = SS_DISABLE;
        sigaltstack(former, NULL);
    }
    munmap(hub->signal_stack, GREEN_SIGNAL_STACK_SIZE);
}
