#include "notifier.h"

#include "../../base/pthread.h"
#include "../../offload/eventfd.h"

#include <stdlib.h>

struct green_notifier {
    green_hub *hub;
    int fd;
    uint64_t count;
    green_op op;                    /* reads the descriptor while there are listeners */
    bool attending;                 /* it is under way */
    size_t listeners;               /* those of this OS thread who are in the lot */
    green_parking_lot_waiter *rung; /* for these, the last one first; atomic */
    green_exit_observer exit_observer;
    green_notifier *next, **place; /* among those of the process */
};

/* Left open in a fork, like the lot's, which sees to it in the child. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static green_notifier *bells;
static _Thread_local green_notifier *here;

/* They are the parent's, and so is the memory, on which its hub may still write. */
void green__notifiers_forked(void) {
    for (green_notifier *bell = bells; bell; bell = bell->next)
        green__real.close(bell->fd);
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    bells = NULL;
    here = NULL;
}

static void attend(green_notifier *bell) {
    bell->attending = true;
    bell->op.fd = bell->fd;
    bell->op.kind = GREEN_OP_READ;
    bell->op.address = &bell->count;
    bell->op.length = sizeof bell->count;
    bell->op.nowait = true; /* an eventfd does, since Linux 5.8 */
    bell->hub->engine->class->submit(bell->hub->engine, &bell->op);
}

/* First rung, first woken. */
static void wake_all(green_parking_lot_waiter *last_first) {
    green_parking_lot_waiter *first = NULL;
    for (green_parking_lot_waiter *next; last_first; last_first = next) {
        next = last_first->next;
        last_first->next = first;
        first = last_first;
    }
    for (; first; first = first->next)
        green__ready(first->wait.thread);
}

static void heard(green_op *op, int32_t result) {
    green_notifier *bell = GREEN_CONTAINER(op, green_notifier, op);
    (void)result;
    bell->attending = false;
    wake_all(__atomic_exchange_n(&bell->rung, NULL, __ATOMIC_ACQUIRE));
    if (bell->listeners > 0)
        attend(bell);
}

/* When the hub closes nobody is left who listens. */
static void hub_ends(green_exit_observer *exit_observer, green_thread *thread) {
    green_notifier *bell = GREEN_CONTAINER(exit_observer, green_notifier, exit_observer);
    (void)thread;
    here = NULL;
    green__pthread.mutex_lock(&lock);
    *bell->place = bell->next;
    if (bell->next)
        bell->next->place = bell->place;
    green__pthread.mutex_unlock(&lock);
    green__real.close(bell->fd);
    free(bell);
}

static green_notifier *make(green_hub *hub) {
    green_notifier *bell = calloc(1, sizeof *bell);
    if (!bell)
        return NULL;
    bell->fd = green__eventfd_take(hub);
    if (bell->fd < 0) {
        free(bell);
        return NULL;
    }
    bell->hub = hub;
    bell->op.complete = heard;
    bell->exit_observer.ended = hub_ends;
    green__exit_observer_add(&hub->root, &bell->exit_observer);
    green__pthread.mutex_lock(&lock);
    bell->next = bells;
    bell->place = &bells;
    if (bell->next)
        bell->next->place = &bell->next;
    __atomic_store_n(&bells, bell, __ATOMIC_RELEASE); /* a fork may come at any moment */
    green__pthread.mutex_unlock(&lock);
    return bell;
}

green_notifier *green__notifier_subscribe(green_hub *hub) {
    if (GREEN_UNLIKELY(!here))
        here = make(hub);
    if (here && here->listeners++ == 0 && !here->attending)
        attend(here);
    return here;
}

void green__notifier_unsubscribe(green_notifier *bell) {
    if (--bell->listeners == 0)
        bell->hub->engine->class->cancel(bell->hub->engine, &bell->op);
}

void green__notifier_wake_by_eventfd(green_notifier *bell, green_parking_lot_waiter *sleeper) {
    green_parking_lot_waiter *before = __atomic_load_n(&bell->rung, __ATOMIC_RELAXED);
    do
        sleeper->next = before; /* its own OS thread's, once it is in */
    while (!__atomic_compare_exchange_n(&bell->rung, &before, sleeper, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (!before)
        (void)green__raw_write(bell->fd, &(uint64_t){1}, sizeof(uint64_t));
}

void green__notifier_wake(green_notifier *bell, green_parking_lot_waiter *sleeper) {
    if (bell->hub == green__hub)
        green__ready(sleeper->wait.thread);
    else
        green__notifier_wake_by_eventfd(bell, sleeper);
}
