/* pthread_once() and call_once(). The routine runs in the C library's call, so that the control
 * has the same states for patched and other objects. Green threads of the OS thread on which a
 * routine is parked wait in the parking lot instead of the C library. */
#include "../hub_table.h"
#include "../may_park.h"
#include "parking_lot.h"

#include <stdlib.h>
#include <threads.h>

/* glibc's states of a control. In between, a routine is in progress. ThreadSanitizer has other
 * states, except for INITIAL, so DONE is only a short cut. */
enum { INITIAL = PTHREAD_ONCE_INIT, DONE = 2 };

/* A routine that a green thread of this OS thread runs. If it ends by an exception, its record stays
 * until the control is used again. */
struct running {
    green_hub_table_entry entry;
    const pthread_once_t *control;
};

static _Thread_local green_hub_table running;

static int state_of(const pthread_once_t *control) {
    return __atomic_load_n(control, __ATOMIC_ACQUIRE);
}

static green_hub_table_entry **bucket(const green_hub *hub, const pthread_once_t *control) {
    return green__hub_table_bucket(&running, hub, (uintptr_t)control >> 2);
}

static struct running *find(const green_hub *hub, const pthread_once_t *control) {
    for (green_hub_table_entry *entry = *bucket(hub, control); entry; entry = entry->next) {
        struct running *found = GREEN_CONTAINER(entry, struct running, entry);
        if (found->control == control)
            return found;
    }
    return NULL;
}

static void forget(struct running *record) {
    green__hub_table_remove(&record->entry);
    free(record);
}

/* std::call_once() of libstdc++ passes what to call in two thread-local variables, which other
 * green threads overwrite while one waits. */
struct callable {
    void **variables[2];
    void *values[2];
};

static void save(struct callable *callable) {
    static const char *const names[] = {"_ZSt15__once_callable", "_ZSt11__once_call"};
    for (size_t i = 0; i < 2; i++) {
        callable->variables[i] = dlsym(RTLD_DEFAULT, names[i]);
        callable->values[i] = callable->variables[i] ? *callable->variables[i] : NULL;
    }
}

static void restore(const struct callable *callable) {
    for (size_t i = 0; i < 2; i++)
        if (callable->variables[i])
            *callable->variables[i] = callable->values[i];
}

/* Whether a green thread of this OS thread is in the routine. */
static bool is_running(const green_hub *hub, const pthread_once_t *control) {
    int state = state_of(control);
    return state != INITIAL && state != DONE && find(hub, control);
}

/* Waits until the routine has ended, in either way. */
static void wait_for_routine(green_hub *hub, const pthread_once_t *control) {
    struct callable callable;
    green_parking_lot_waiter waiter;
    save(&callable);
    green__parking_lot_enter(hub, &waiter, control, "the routine of a pthread_once()");
    while (is_running(hub, control))
        (void)green__parking_lot_sleep(hub, &waiter, green__deadline_after(50 * GREEN_MILLISECOND),
                                       GREEN_PARK_UNINTERRUPTIBLE);
    (void)green__parking_lot_leave(&waiter);
    restore(&callable);
}

static int run(green_hub *hub, pthread_once_t *control, void (*routine)(void)) {
    struct running *record = calloc(1, sizeof *record);
    if (record) { /* without memory: waiters block the OS thread */
        record->control = control;
        green__hub_table_add(bucket(hub, control), &record->entry);
    }
    int error = green__real.pthread_once(control, routine);
    record = green__hub == hub ? find(hub, control) : NULL; /* the routine may have forked */
    if (record)
        forget(record);
    green__parking_lot_wake(control, true);
    return error;
}

int green__green_pthread_once(pthread_once_t *control, void (*routine)(void)) {
    if (state_of(control) == DONE)
        return 0;
    green_hub *hub = green__may_park_here();
    if (!hub)
        return green__real.pthread_once(control, routine);
    while (is_running(hub, control))
        wait_for_routine(hub, control);
    struct running *record = find(hub, control);
    if (record)
        forget(record); /* the routine has ended by an exception */
    return run(hub, control, routine);
}

void green__green_call_once(once_flag *flag, void (*routine)(void)) {
    (void)green__green_pthread_once((pthread_once_t *)flag, routine);
}
