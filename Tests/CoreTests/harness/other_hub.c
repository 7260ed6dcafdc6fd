#include "other_hub.h"

#include <sched.h>

static char close_it, lose_it; /* values of other_hub.end */

static bool is_idle(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.threads == 1;
}

static int run(void *argument) {
    struct other_hub *other = argument;
    void *how;
    CHECK(green_promise_send(other->ready, green_hub_retain(green_hub_current())), ==, 0);
    CHECK(green_promise_wait(other->end, &how, GREEN_FOREVER), ==, 0);
    if (how == &lose_it)
        return 0;
    int error;
    do {
        UNTIL(is_idle());
        error = green_hub_close();
    } while (error == -EBUSY && !is_idle()); /* the close has run a post that started a thread */
    return error;
}

void other_hub_start(struct other_hub *other) {
    void *hub;
    CHECK(green_promise_make(&other->ready), ==, 0);
    CHECK(green_promise_make(&other->end), ==, 0);
    os_thread_start(&other->os_thread, run, other);
    CHECK(green_promise_wait(other->ready, &hub, GREEN_FOREVER), ==, 0);
    other->hub = hub;
}

static void end(struct other_hub *other, void *how) {
    CHECK(green_promise_send(other->end, how), ==, 0);
    CHECK(os_thread_finish(&other->os_thread), ==, 0);
    green_promise_release(other->ready);
    green_promise_release(other->end);
}

void other_hub_close(struct other_hub *other) {
    end(other, &close_it);
}

void other_hub_lose(struct other_hub *other) {
    end(other, &lose_it);
}

void other_hub_release(struct other_hub *other) {
    green_hub_release(other->hub);
}

green_remote_thread *spawn_on(green_hub *hub, green_function *function, void *argument) {
    green_remote_thread *thread = NULL;
    CHECK(green_hub_spawn(hub, &thread, NULL, function, argument), ==, 0);
    return thread;
}

int remote_end(green_remote_thread *thread) {
    int result = 0;
    CHECK(green_remote_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    green_remote_thread_release(thread);
    return result;
}

int on_hub(green_hub *hub, green_function *function, void *argument) {
    return remote_end(spawn_on(hub, function, argument));
}

static int be_busy(void *argument) {
    struct busy *busy = argument;
    __atomic_store_n(&busy->begun, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&busy->ends, __ATOMIC_ACQUIRE))
        sched_yield();
    return 0;
}

void busy_begin(struct busy *busy, green_hub *hub) {
    *busy = (struct busy){0};
    busy->thread = spawn_on(hub, be_busy, busy);
    while (!__atomic_load_n(&busy->begun, __ATOMIC_ACQUIRE))
        sched_yield();
}

void busy_end(struct busy *busy) {
    __atomic_store_n(&busy->ends, true, __ATOMIC_RELEASE);
    CHECK(remote_end(busy->thread), ==, 0);
}
