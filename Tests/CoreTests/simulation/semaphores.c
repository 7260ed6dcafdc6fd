/* Semaphores: no permit is lost or invented, and each goes to the first waiter. Also an
 * event, which wakes all waiters. */
#include "world.h"

static void event_make(struct event *event) {
    *event = (struct event){.generation = event->generation + 1};
    CHECK(green_event_make(&event->event), ==, 0);
}

void semaphores_make(void) {
    for (uint32_t i = 0; i < world.semaphore_count; i++) {
        struct semaphore *semaphore = &world.semaphores[i];
        *semaphore = (struct semaphore){.total = below(4)};
        CHECK(green_semaphore_make(&semaphore->semaphore, semaphore->total, -1), ==, 0);
    }
    event_make(&world.event);
}

void semaphores_check(void) {
    for (uint32_t i = 0; i < world.semaphore_count; i++) {
        const struct semaphore *semaphore = &world.semaphores[i];
        int64_t permits = green_semaphore_permits(semaphore->semaphore);
        CHECK(permits == 0 || green_semaphore_acquiring(semaphore->semaphore) == 0);
        if (semaphore->busy == 0)
            CHECK(permits + semaphore->held, ==, semaphore->total);
    }
    CHECK(!green_event_is_sent(world.event.event) || green_event_waiting(world.event.event) == 0);
}

static void release(struct semaphore *semaphore) {
    if (semaphore->held == 0)
        semaphore->total++; /* a release without an acquire */
    else
        semaphore->held--;
    CHECK(green_semaphore_release(semaphore->semaphore), ==, 0);
    semaphores_check();
}

static void acquire(struct actor *actor, struct semaphore *semaphore) {
    int64_t timeout = some_timeout();
    uint64_t number = ++semaphore->calls;
    struct call call;
    semaphore->busy++;
    call_begin(&call, actor, timeout);
    long result = green_semaphore_acquire(semaphore->semaphore, timeout);
    semaphore->busy--;
    CHECK(result == 0 || is_early(result));
    if (result == 0) {
        semaphore->held++;
        if (call_blocked(&call)) {
            CHECK(number, >, semaphore->served);
            semaphore->served = number;
        }
    }
    call_end(&call, result);
}

static void wait_for_event(struct actor *actor) {
    struct event *event = &world.event;
    int64_t timeout = some_timeout();
    uint64_t generation = event->generation;
    void *value = NULL;
    struct call call;
    event->busy++;
    call_begin(&call, actor, timeout);
    long result = green_event_wait(event->event, &value, timeout);
    if (event->generation == generation) {
        event->busy--;
        CHECK(result == 0 || is_early(result));
    }
    if (result == 0)
        CHECK(value == &world);
    call_end(&call, result);
}

static void send_event(void) {
    struct event *event = &world.event;
    if (!green_event_is_sent(event->event)) {
        CHECK(green_event_send(event->event, &world), ==, 0);
        semaphores_check();
    } else if (event->busy == 0) {
        green_event_free(event->event);
        event_make(event);
    }
}

void semaphores_act(struct actor *actor) {
    struct semaphore *semaphore = &world.semaphores[below(world.semaphore_count)];
    if (chance(200))
        wait_for_event(actor);
    else if (chance(150))
        send_event();
    else if (chance(500))
        release(semaphore);
    else
        acquire(actor, semaphore);
}

void semaphores_end(void) {
    for (uint32_t i = 0; i < world.semaphore_count; i++) {
        CHECK(world.semaphores[i].busy, ==, 0);
        green_semaphore_free(world.semaphores[i].semaphore);
    }
    green_event_free(world.event.event);
}
