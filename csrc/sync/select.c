/* The wait for the first of several cases: see core/select.h. */
#include "queue_case.h"

#include "../core/hub.h"
#include "../core/interrupt.h"
#include "../core/virtual_clock.h"

#include <green/select.h>

#include <stdio.h>
#include <stdlib.h>

enum { ON_STACK = 8, GROUP = 64 };

/* A select with the waits of its cases. */
struct waiting {
    green_selection select;
    green_case_wait cases[];
};

/* Cases that are ready ----------------------------------------------------- */

/* A linear congruential generator; the low bits are not random. */
static uint32_t random_number(green_hub *hub) {
    hub->select_order = hub->select_order * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(hub->select_order >> 32);
}

/* Below limit, which is at most 2^32. */
static size_t random_below(green_hub *hub, size_t limit) {
    return (size_t)((uint64_t)random_number(hub) * limit >> 32);
}

/* The index of one of the bits that are set, at random. */
static unsigned choose(green_hub *hub, uint64_t bits) {
    if (GREEN_UNLIKELY(bits & (bits - 1)))
        for (size_t skip = random_below(hub, (size_t)__builtin_popcountll(bits)); skip > 0; skip--)
            bits &= bits - 1;
    return (unsigned)__builtin_ctzll(bits);
}

static inline bool may_be_ready(const green_case *c, const green_hub *hub) {
    return c->kind && (!c->kind->may_be_ready || c->kind->may_be_ready(c, hub));
}

/* Serves one of up to GROUP cases. Returns its index, or -1. */
static ssize_t serve_in_group(green_hub *hub, green_case *cases, size_t count) {
    uint64_t candidates = 0;
    for (size_t i = 0; i < count; i++)
        candidates |= (uint64_t)may_be_ready(&cases[i], hub) << i;
    while (candidates) {
        unsigned index = choose(hub, candidates);
        if (GREEN_LIKELY(cases[index].kind->attempt(&cases[index], hub)))
            return index;
        candidates &= ~(UINT64_C(1) << index);
    }
    return -1;
}

static ssize_t serve_in_groups(green_hub *hub, green_case *cases, size_t count) {
    size_t groups = (count + GROUP - 1) / GROUP, group = random_below(hub, groups);
    for (size_t i = 0; i < groups; i++, group = group + 1 < groups ? group + 1 : 0) {
        size_t first = group * GROUP, left = count - first;
        ssize_t index = serve_in_group(hub, cases + first, left < GROUP ? left : GROUP);
        if (index >= 0)
            return (ssize_t)first + index;
    }
    return -1;
}

/* Deadlines ---------------------------------------------------------------- */

static bool attempt_deadline(green_case *c, green_hub *hub) {
    (void)hub;
    c->error = 0;
    return green_now() >= c->argument;
}

static void describe_deadline(const green_wait *wait, char *text, size_t size) {
    int64_t left = GREEN_CONTAINER(wait, const green_case_wait, wait)->of->argument - green_now();
    snprintf(text, size, "%.3g s", left > 0 ? (double)left / GREEN_SECOND : 0.0);
}

static void enter_deadline(green_case_wait *wait, green_hub *hub) {
    static const green_wait_kind kind = {NULL, describe_deadline};
    (void)hub;
    wait->wait.kind = &kind;
}

/* The call ends at the earliest one: see serve_deadline(). */
static const green_case_kind deadline_case = {.attempt = attempt_deadline, .enter = enter_deadline};

green_case green_case_deadline(int64_t time) {
    return (green_case){.kind = time >= 0 ? &deadline_case : NULL, .argument = time};
}

green_case green_case_after(int64_t nanoseconds) {
    return green_case_deadline(green__deadline_after(nanoseconds));
}

/* Returns the index of the earliest deadline, or -1. */
static ssize_t earliest_deadline(const green_case *cases, size_t count) {
    ssize_t earliest = -1;
    for (size_t i = 0; i < count; i++)
        if (cases[i].kind == &deadline_case && (earliest < 0 || cases[i].argument < cases[earliest].argument))
            earliest = (ssize_t)i;
    return earliest;
}

/* Waiting ------------------------------------------------------------------ */

static bool any_present(const green_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (cases[i].kind)
            return true;
    return false;
}

static bool any_shared(const green_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (cases[i].kind && cases[i].kind->shared)
            return true;
    return false;
}

static int fail_endless(void) {
    return green__fail(-EINVAL, "cannot select: no case is present, and there is no timeout");
}

/* All threads lock shared objects in the order of their addresses. */
static void add_shared(green_selection *select, green_case_wait *wait) {
    green_case_wait **place = &select->shared;
    while (*place && (uintptr_t)(*place)->of->object < (uintptr_t)wait->of->object)
        place = &(*place)->next;
    wait->next = *place;
    *place = wait;
}

static void init(green_selection *select, green_hub *hub, green_case_wait *waits, green_case *cases, size_t count) {
    *select = (green_selection){.cases = waits};
    green__wait_init(hub, &select->wait, &green__select_wait_kind);
    for (size_t i = 0; i < count; i++) {
        if (!cases[i].kind)
            continue;
        green_case_wait *wait = &waits[select->count++];
        green__wait_init(hub, &wait->wait, NULL);
        wait->wait.select = select;
        wait->of = &cases[i];
        wait->kind = cases[i].kind;
        wait->in_list = wait->dropped = false;
        if (cases[i].kind->shared)
            add_shared(select, wait);
    }
}

/* The first of the cases with the same shared object locks it. */
static bool is_first_of_object(const green_case_wait *wait, const green_case_wait *previous) {
    return !previous || previous->of->object != wait->of->object;
}

static void lock_shared(green_selection *select) {
    const green_case_wait *previous = NULL;
    for (green_case_wait *wait = select->shared; wait; previous = wait, wait = wait->next)
        if (is_first_of_object(wait, previous))
            wait->kind->shared->lock(wait);
}

static void unlock_shared(green_selection *select) {
    const green_case_wait *previous = NULL;
    for (green_case_wait *wait = select->shared; wait; previous = wait, wait = wait->next)
        if (is_first_of_object(wait, previous))
            wait->kind->shared->unlock(wait);
}

/* Tries all cases of shared objects, and enters their lists if none is ready: at one time, so that
 * another select either finds the waits of all or of none. Returns the case that was served. */
static green_case_wait *enter_shared(green_selection *select) {
    green_case_wait *served = select->shared;
    lock_shared(select);
    while (served && !served->kind->shared->attempt(served))
        served = served->next;
    if (!served)
        for (green_case_wait *wait = select->shared; wait; wait = wait->next)
            wait->kind->shared->enter(wait);
    unlock_shared(select);
    if (served)
        served->kind->shared->wake(served);
    return served;
}

static void enter_own(green_selection *select, green_hub *hub) {
    for (size_t i = 0; i < select->count; i++)
        if (!select->cases[i].kind->shared)
            select->cases[i].kind->enter(&select->cases[i], hub);
}

static void leave_own(green_selection *select, green_hub *hub) {
    for (size_t i = 0; i < select->count; i++)
        if (select->cases[i].kind->leave)
            select->cases[i].kind->leave(&select->cases[i], hub);
}

static void end_waits(green_selection *select) {
    for (size_t i = 0; i < select->count; i++)
        if (select->cases[i].kind->end)
            select->cases[i].kind->end(&select->cases[i]);
}

static void describe_drain(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "ending a select");
}

/* The engine uses the operations, which are in the select, until they have ended. */
static void drain(green_selection *select, green_hub *hub) {
    static const green_wait_kind draining = {NULL, describe_drain};
    if (select->operations == 0)
        return;
    select->drains = true;
    green__wait_init(hub, &select->wait, &draining);
    hub->io_waiters++;
    green__park(hub, &select->wait);
    hub->io_waiters--;
}

static bool is_from_outside(const green_selection *select) {
    for (const green_case_wait *wait = select->shared; wait; wait = wait->next)
        if (wait->kind->shared->is_outside(wait))
            return true;
    return select->from_outside;
}

static void park(green_selection *select, green_hub *hub, int64_t timeout) {
    bool waits_for_io = select->shared || select->operations > 0;
    bool from_outside = hub->has_virtual_clock && is_from_outside(select);
    hub->io_waiters += waits_for_io;
    hub->outside_work += from_outside;
    green__park_for(hub, &select->wait, timeout);
    hub->outside_work -= from_outside;
    hub->io_waiters -= waits_for_io;
}

/* Returns the index of the case that was served, or -errno. */
static ssize_t wait_with(green_selection *select, green_hub *hub, green_case *cases, int64_t timeout) {
    green_case_wait *served = enter_shared(select);
    if (served)
        return served->of - cases;
    enter_own(select, hub);
    park(select, hub, timeout);
    ssize_t result;
    if (select->served) {
        served = green__case_wait_of(select->served);
        served->kind->finish(served);
        result = served->of - cases;
    } else {
        result = green__wait_error(hub, &select->wait);
    }
    green__select_leave(select);
    leave_own(select, hub);
    drain(select, hub);
    end_waits(select);
    return result;
}

static ssize_t wait_on_stack(green_hub *hub, green_case *cases, size_t count, int64_t timeout) {
    green_selection select;
    green_case_wait waits[ON_STACK];
    init(&select, hub, waits, cases, count);
    return wait_with(&select, hub, cases, timeout);
}

static size_t count_present(const green_case *cases, size_t count) {
    size_t present = 0;
    for (size_t i = 0; i < count; i++)
        present += cases[i].kind != NULL;
    return present;
}

static ssize_t wait_elsewhere(green_hub *hub, green_case *cases, size_t count, int64_t timeout, bool in_hub) {
    size_t size = sizeof(struct waiting) + count_present(cases, count) * sizeof(green_case_wait);
    struct waiting *waiting = in_hub ? green__select_root_memory(hub, size) : malloc(size);
    if (!waiting)
        return green__fail(-ENOMEM, "cannot wait for %zu cases", count);
    init(&waiting->select, hub, waiting->cases, cases, count);
    ssize_t result = wait_with(&waiting->select, hub, cases, timeout);
    if (!in_hub)
        free(waiting);
    return result;
}

/* Waits until a case is served, or until the earliest deadline, which is a case, too. */
static ssize_t wait_for_first(green_hub *hub, green_case *cases, size_t count, int64_t timeout) {
    if (timeout < 0 && !any_present(cases, count))
        return fail_endless();
    if (timeout == 0)
        return green__fail_timed_out(0, "none of %zu cases was ready", count);
    ssize_t earliest = earliest_deadline(cases, count);
    int64_t left = earliest < 0 ? GREEN_FOREVER : green__time_left(cases[earliest].argument), given = timeout;
    bool ends_at_deadline = left >= 0 && (timeout < 0 || left <= timeout);
    if (ends_at_deadline)
        timeout = left;
    ssize_t result = green__begin(hub, timeout);
    if (result < 0)
        return result;
    bool in_hub = hub->current == &hub->root && any_shared(cases, count);
    if (in_hub || count_present(cases, count) > ON_STACK)
        result = wait_elsewhere(hub, cases, count, timeout, in_hub);
    else
        result = wait_on_stack(hub, cases, count, timeout);
    if (result != -ETIMEDOUT)
        return result;
    if (!ends_at_deadline)
        return green__fail_timed_out(given, "none of %zu cases was ready", count);
    cases[earliest].error = 0;
    return earliest;
}

ssize_t green__select_any(green_case *cases, size_t count, int64_t timeout) {
    green_hub *hub = green__hub;
    ssize_t index = count <= GROUP ? serve_in_group(hub, cases, count) : serve_in_groups(hub, cases, count);
    return index >= 0 ? index : wait_for_first(hub, cases, count, timeout);
}

/* Makes a hub, or delivers an interrupt. */
static __attribute__((noinline)) ssize_t begin(green_case *cases, size_t count, int64_t timeout) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    if (hub->current->interrupts && timeout < 0 && !any_present(cases, count))
        return fail_endless();
    error = green__check_interrupt(hub);
    return error < 0 ? error : green__select_any(cases, count, timeout);
}

/* The usual case, without a call: gets from a few queues, one of which has an element. */
ssize_t green_select(green_case *cases, size_t count, int64_t timeout) {
    const green_hub *hub = green__hub;
    if (GREEN_UNLIKELY(!hub || hub->current->interrupts))
        return begin(cases, count, timeout);
    size_t ready = 0, index = 0;
    for (size_t i = 0; i < count; i++) {
        const green_queue_state *queue = cases[i].object;
        if (GREEN_UNLIKELY(cases[i].kind != &green__get_case) || GREEN_UNLIKELY(queue->hub != hub))
            return green__select_any(cases, count, timeout);
        if (green__queue_may_give(queue)) {
            index = i;
            ready++;
        }
    }
    return GREEN_LIKELY(ready == 1) ? green__select_get(cases, count, timeout, index)
                                    : green__select_any(cases, count, timeout);
}
