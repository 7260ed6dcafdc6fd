/* sigaction() and signal(). The kernel gets a handler of Green's, which calls
 * that of the program and then ends the wait of the green thread that receives the signal. */
#include "action.h"

#include "../../base/lock.h"
#include "../../core/stack_overflow.h"
#include "../may_park.h"
#include "handler.h"

typedef void handler(int number, siginfo_t *info, void *context);

/* The program's actions for the signals whose kernel action is on_signal(). */
static struct sigaction actions[NSIG];
static green_lock lock = GREEN_LOCK_INITIALIZER(NULL);

int green__signal_actions_register_lock(void) {
    return green__lock_register(&lock);
}

/* A handler without SA_SIGINFO gets two arguments that it does not read. */
static handler *handler_of(const struct sigaction *action) {
    return __atomic_load_n(&action->sa_sigaction, __ATOMIC_RELAXED);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    const struct sigaction *action = &actions[number];
    handler *function = handler_of(action);
    bool restarts = __atomic_load_n(&action->sa_flags, __ATOMIC_RELAXED) & SA_RESTART;
    green_hub *hub = green__hub;
    if (!hub) {
        function(number, info, context);
        return;
    }
    hub->signal_handlers++;
    function(number, info, context);
    hub->signal_handlers--;
    if (green__hub == hub) /* false in a forked child */
        green__signal_handled(hub, restarts);
}

static bool is_green(const struct sigaction *action) {
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_signal;
}

static bool has_handler(const struct sigaction *action) {
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* Signal handlers may call sigaction(), so none may run while the lock is held. */
static void lock_actions(sigset_t *mask) {
    sigset_t all;
    sigfillset(&all);
    green__real.pthread_sigmask(SIG_SETMASK, &all, mask);
    green__lock(&lock);
}

static void unlock_actions(const sigset_t *mask) {
    green__unlock(&lock);
    green__real.pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/* Records the program's action first: a signal that arrives in between finds it. */
static int change(int number, const struct sigaction *action, struct sigaction *former) {
    struct sigaction before = actions[number], kernel_former, chosen = *action;
    if (has_handler(action) && !is_green(action)) {
        __atomic_store_n(&actions[number].sa_flags, action->sa_flags, __ATOMIC_RELAXED);
        __atomic_store_n(&actions[number].sa_sigaction, action->sa_sigaction, __ATOMIC_RELAXED);
        actions[number].sa_mask = action->sa_mask;
        chosen.sa_sigaction = on_signal;
        chosen.sa_flags |= SA_SIGINFO;
    }
    int result = green__real.sigaction(number, &chosen, &kernel_former);
    if (result < 0)
        actions[number] = before;
    else if (former)
        *former = is_green(&kernel_former) ? before : kernel_former;
    return result;
}

int green__green_sigaction(int number, const struct sigaction *action, struct sigaction *former) {
    if (number < 1 || number >= NSIG)
        return green__real.sigaction(number, action, former);
    sigset_t mask;
    int result;
    (void)green__may_park_counted(); /* a program may set handlers in a loop */
    lock_actions(&mask);
    if (action) {
        struct sigaction copy = *action; /* it may be *former */
        result = change(number, &copy, former);
    } else {
        result = green__real.sigaction(number, NULL, former);
        if (result == 0 && former && is_green(former))
            *former = actions[number];
    }
    if (result == 0 && former)
        green__stack_overflow_hide_action(number, former);
    int error = errno;
    unlock_actions(&mask);
    errno = error;
    return result;
}

static sighandler_t set_handler(int number, sighandler_t function, int flags) {
    struct sigaction action = {.sa_flags = flags}, former;
    action.sa_handler = function;
    sigemptyset(&action.sa_mask);
    if (!(flags & SA_NODEFER))
        sigaddset(&action.sa_mask, number);
    return green__green_sigaction(number, &action, &former) < 0 ? SIG_ERR : former.sa_handler;
}

sighandler_t green__green_signal(int number, sighandler_t function) {
    if (number < 1 || number >= NSIG || function == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    return set_handler(number, function, SA_RESTART);
}

sighandler_t green__green___sysv_signal(int number, sighandler_t function) {
    if (number < 1 || number >= NSIG || function == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    return set_handler(number, function, (int)SA_RESETHAND | SA_NODEFER);
}

void green__signal_actions_restore(void) {
    sigset_t mask;
    lock_actions(&mask);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (green__real.sigaction(number, NULL, &action) == 0 && is_green(&action))
            (void)green__real.sigaction(number, &actions[number], NULL);
    }
    unlock_actions(&mask);
}
