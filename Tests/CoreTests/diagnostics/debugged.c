/* A program that crashes under gdb: see debugger.py. */
#include "helpers.h"

#include <pthread.h>
#include <stdatomic.h>

/* None of these ends with a call, so that each has a frame. */
#define FRAME __attribute__((noinline, noclone)) static

static int depth;
static atomic_bool is_elsewhere;

FRAME int doze(void *unused) {
    int error = nap(unused);
    return error + depth;
}

FRAME int dream(void *unused) {
    int error = doze(unused);
    return error + depth;
}

FRAME int listen_to(void *queue) {
    char element;
    int error = green_queue_get(queue, &element, GREEN_FOREVER);
    return error + depth;
}

static void run_post(green_post *post, int error) {
    (void)post, (void)error;
}

FRAME int fall(void *unused) {
    static green_post posts[3];
    start_named("unstarted", dream, unused);
    for (int i = 0; i < 3; i++) {
        posts[i].run = run_post;
        CHECK(green_hub_post(green_hub_current(), &posts[i]), ==, 0);
    }
    depth++;
    abort();
}

FRAME int stumble(void *unused) {
    int error = fall(unused);
    return error + depth;
}

static void *run_elsewhere(void *unused) {
    CHECK(green_hub_open(&(green_hub_options){.name = "elsewhere"}), ==, 0);
    start_named("distant", dream, unused);
    let_run();
    atomic_store(&is_elsewhere, true);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, 0);
    return unused;
}

TEST(crash, "one thread aborts while others wait and one has not started") {
    green_queue *queue;
    green_queue_options options = {.element_size = 1};
    pthread_t thread;
    CHECK(green_queue_make(&queue, &options), ==, 0);
    start_named("dreamer", dream, NULL);
    start_named("listener", listen_to, queue);
    CHECK(pthread_create(&thread, NULL, run_elsewhere, NULL), ==, 0);
    UNTIL(atomic_load(&is_elsewhere));
    finish(start_named("clumsy", stumble, NULL));
}
