#include "signal_mask.h"

#include "../core/exit_observer.h"
#include "may_park.h"

#include <stdlib.h>

/* Of a thread with a mask of its own, until it ends. */
struct green_signal_mask {
    green_exit_observer exit_observer;
    sigset_t set;
    struct green_signal_mask *next;
};

static const sigset_t *set_of(const green_hub *hub, const green_thread *thread) {
    return thread->signal_mask ? &thread->signal_mask->set : &hub->base_signal_mask;
}

/* For a number of threads, with the OS thread's own context. */
static int apply(green_hub *hub, size_t threads) {
    size_t count = 0;
    sigset_t all;
    sigfillset(&all);
    for (const green_signal_mask *mask = hub->signal_masks; mask; mask = mask->next, count++)
        sigandset(&all, &all, &mask->set);
    if (count < threads)
        sigandset(&all, &all, &hub->base_signal_mask);
    return green__real.pthread_sigmask(SIG_SETMASK, &all, NULL);
}

/* Whether a set blocks whatever another one does. */
static bool includes(const sigset_t *set, const sigset_t *other) {
    sigset_t common;
    sigandset(&common, set, other);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&common, number) != sigismember(other, number))
            return false;
    return true;
}

static void has_ended(green_exit_observer *exit_observer, green_thread *thread) {
    green_signal_mask *mask = GREEN_CONTAINER(exit_observer, green_signal_mask, exit_observer);
    green_hub *hub = thread->hub;
    green_signal_mask **place = &hub->signal_masks;
    while (*place != mask)
        place = &(*place)->next;
    *place = mask->next;
    thread->signal_mask = NULL;
    /* Otherwise the OS thread's own context accepts what the thread has accepted. */
    if (!includes(&mask->set, set_of(hub, &hub->root)))
        (void)apply(hub, hub->threads - 1); /* it still counts */
    free(mask);
}

void green__signal_mask_give(green_signal_mask *mask, green_thread *thread) {
    green_hub *hub = thread->hub;
    mask->next = hub->signal_masks;
    hub->signal_masks = thread->signal_mask = mask;
    if (thread == &hub->root)
        return; /* it ends with the hub */
    mask->exit_observer.exited = has_ended;
    green__exit_observer_add(thread, &mask->exit_observer);
}

green_signal_mask *green__signal_mask_copy(const green_thread *thread) {
    green_signal_mask *mask = calloc(1, sizeof *mask);
    if (mask)
        mask->set = *set_of(thread->hub, thread);
    return mask;
}

static int combine(int how, sigset_t *set, const sigset_t *change) {
    sigset_t all;
    switch (how) {
    case SIG_BLOCK:
        sigorset(set, set, change);
        break;
    case SIG_UNBLOCK:
        sigfillset(&all);
        for (int number = 1; number < NSIG; number++)
            if (sigismember(change, number) == 1)
                sigdelset(&all, number);
        sigandset(set, set, &all);
        break;
    case SIG_SETMASK:
        *set = *change;
        break;
    default:
        return EINVAL;
    }
    sigdelset(set, SIGKILL);
    sigdelset(set, SIGSTOP);
    return 0;
}

static int change_mask(green_hub *hub, const sigset_t *set) {
    green_thread *thread = hub->current;
    if (!thread->signal_mask && !hub->signal_masks && hub->threads == 1) {
        hub->base_signal_mask = *set;
        return green__real.pthread_sigmask(SIG_SETMASK, set, NULL);
    }
    if (!thread->signal_mask) {
        green_signal_mask *mask = green__signal_mask_copy(thread);
        if (!mask)
            return ENOMEM;
        green__signal_mask_give(mask, thread);
    }
    thread->signal_mask->set = *set;
    return apply(hub, hub->threads);
}

int green__green_pthread_sigmask(int how, const sigset_t *restrict change, sigset_t *restrict former) {
    green_hub *hub = green__hub;
    if (!hub || hub->in_event_loop || green__is_vfork_child(hub))
        return green__real.pthread_sigmask(how, change, former);
    if (!hub->signal_masks) /* an object that is not patched may have changed it */
        green__real.pthread_sigmask(SIG_SETMASK, NULL, &hub->base_signal_mask);
    sigset_t set = *set_of(hub, hub->current);
    const sigset_t before = set;
    int error = change ? combine(how, &set, change) : 0;
    if (error == 0 && change)
        error = change_mask(hub, &set);
    if (error == 0 && former)
        *former = before;
    return error;
}

int green__green_sigprocmask(int how, const sigset_t *restrict change, sigset_t *restrict former) {
    int error = green__green_pthread_sigmask(how, change, former);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}
