#include "notifier.h"

#include "../../base/pthread.h"
#include "../../core/exit_observer.h"
#include "../../core/schedule.h"
#include "../../offload/eventfd.h"

#include <stdlib.h>

struct green_notifier {
    green_hub *hub;
    int fd;
    uint64_t count;
    green_op op; /* reads the eventfd while there are subscribers */
    bool reading;
    size_t subscribers;          /* waiters of this OS thread in the parking lot */
    green_notifier_entry *woken; /* the last one first; atomic */
    green_exit_observer exit_observer;
    green_notifier *next, **place; /* in the list of the process */
};

/* Not held at a fork. The child's copy is made anew by green__notifiers_forked(). */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static green_notifier *notifiers;
static _Thread_local green_notifier *here;

/* Leaves the memory to the abandoned hub, which may still write to it. */
void green__notifiers_forked(void) {
    for (green_notifier *notifier = notifiers; notifier; notifier = notifier->next)
        green__real.close(notifier->fd);
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    notifiers = NULL;
    here = NULL;
}

static void start_reading(green_notifier *notifier) {
    notifier->reading = true;
    notifier->op.fd = notifier->fd;
    notifier->op.kind = GREEN_OP_READ;
    notifier->op.address = &notifier->count;
    notifier->op.length = sizeof notifier->count;
    notifier->op.nowait = true; /* eventfds support this since Linux 5.8 */
    notifier->hub->engine->class->submit(notifier->hub->engine, &notifier->op);
}

/* Wakes in the order of the wake-ups. */
static void wake_all(green_notifier_entry *last_first) {
    green_notifier_entry *first = NULL;
    for (green_notifier_entry *next; last_first; last_first = next) {
        next = last_first->next;
        last_first->next = first;
        first = last_first;
    }
    for (; first; first = first->next)
        green__ready(first->thread);
}

static void complete(green_op *op, int32_t result) {
    green_notifier *notifier = GREEN_CONTAINER(op, green_notifier, op);
    (void)result;
    notifier->reading = false;
    wake_all(__atomic_exchange_n(&notifier->woken, NULL, __ATOMIC_ACQUIRE));
    if (notifier->subscribers > 0)
        start_reading(notifier);
}

/* When the hub closes there are no subscribers. */
static void hub_ends(green_exit_observer *exit_observer, green_thread *thread) {
    green_notifier *notifier = GREEN_CONTAINER(exit_observer, green_notifier, exit_observer);
    (void)thread;
    here = NULL;
    green__pthread.mutex_lock(&lock);
    *notifier->place = notifier->next;
    if (notifier->next)
        notifier->next->place = notifier->place;
    green__pthread.mutex_unlock(&lock);
    green__real.close(notifier->fd);
    free(notifier);
}

static green_notifier *make(green_hub *hub) {
    green_notifier *notifier = calloc(1, sizeof *notifier);
    if (!notifier)
        return NULL;
    notifier->fd = green__eventfd_take(hub);
    if (notifier->fd < 0) {
        free(notifier);
        return NULL;
    }
    notifier->hub = hub;
    notifier->op.complete = complete;
    notifier->exit_observer.exited = hub_ends;
    green__exit_observer_add(&hub->root, &notifier->exit_observer);
    green__pthread.mutex_lock(&lock);
    notifier->next = notifiers;
    notifier->place = &notifiers;
    if (notifier->next)
        notifier->next->place = &notifier->next;
    __atomic_store_n(&notifiers, notifier, __ATOMIC_RELEASE); /* a fork may happen at any time */
    green__pthread.mutex_unlock(&lock);
    return notifier;
}

green_notifier *green__notifier_subscribe(green_hub *hub) {
    if (GREEN_UNLIKELY(!here))
        here = make(hub);
    if (here && here->subscribers++ == 0 && !here->reading)
        start_reading(here);
    return here;
}

void green__notifier_unsubscribe(green_notifier *notifier) {
    if (--notifier->subscribers == 0)
        notifier->hub->engine->class->cancel(notifier->hub->engine, &notifier->op);
}

void green__notifier_wake_by_eventfd(green_notifier *notifier, green_notifier_entry *entry) {
    green_notifier_entry *before = __atomic_load_n(&notifier->woken, __ATOMIC_RELAXED);
    do
        entry->next = before; /* its OS thread may use it once it is in the list */
    while (!__atomic_compare_exchange_n(&notifier->woken, &before, entry, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (!before)
        (void)green__raw_write(notifier->fd, &(uint64_t){1}, sizeof(uint64_t));
}

void green__notifier_wake(green_notifier *notifier, green_notifier_entry *entry) {
    if (notifier->hub == green__hub)
        green__ready(entry->thread);
    else
        green__notifier_wake_by_eventfd(notifier, entry);
}
