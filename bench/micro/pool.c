/* pool: creates, runs, waits for and releases a thread, in a pool of 100 with room and without
 * a pool; lets a pool, a group or a scope wait for a hundred threads at a time. */
#include "figure.h"

#include <green/green.h>

enum { SIZE = 100 };

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

static int count_down(void *argument) {
    --*(long *)argument;
    return 0;
}

static double plain_spawn(long steps, void *context) {
    (void)context;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        green_thread *thread;
        must(green_spawn(&thread, nothing, NULL), "green_spawn");
        must(green_thread_wait(thread, NULL, GREEN_FOREVER), "green_thread_wait");
        green_thread_release(thread);
    }
    return clock_ns() - begin;
}

static double pool_spawn(long steps, void *pool) {
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        green_thread *thread;
        must(green_pool_spawn(pool, &thread, NULL, nothing, NULL, GREEN_FOREVER), "green_pool_spawn");
        must(green_thread_wait(thread, NULL, GREEN_FOREVER), "green_thread_wait");
        green_thread_release(thread);
    }
    return clock_ns() - begin;
}

static double pool_batches(long steps, void *pool) {
    long left = 0;
    double begin = clock_ns();
    for (long done = 0; done < steps; done += SIZE) {
        left = SIZE;
        for (long i = 0; i < SIZE; i++)
            must(green_pool_spawn(pool, NULL, NULL, count_down, &left, GREEN_FOREVER), "green_pool_spawn");
        must(green_pool_wait(pool, GREEN_FOREVER), "green_pool_wait");
        expect(left == 0, "a pool waits for all its threads");
    }
    return clock_ns() - begin;
}

static double group_batches(long steps, void *group) {
    green_thread *thread;
    long left = 0;
    double begin = clock_ns();
    for (long done = 0; done < steps; done += SIZE) {
        left = SIZE;
        for (long i = 0; i < SIZE; i++) {
            must(green_spawn(&thread, count_down, &left), "green_spawn");
            must(green_group_add(group, thread), "green_group_add");
            green_thread_release(thread);
        }
        int more;
        while ((more = green_group_next(group, &thread, GREEN_FOREVER)) > 0)
            green_thread_release(thread);
        must(more, "green_group_next");
        expect(left == 0, "a group returns all its threads");
    }
    return clock_ns() - begin;
}

static double group_spawn_batches(long steps, void *group) {
    long left = 0;
    double begin = clock_ns();
    for (long done = 0; done < steps; done += SIZE) {
        left = SIZE;
        for (long i = 0; i < SIZE; i++)
            must(green_group_spawn(group, NULL, NULL, count_down, &left), "green_group_spawn");
        green_thread *thread;
        int more;
        while ((more = green_group_next(group, &thread, GREEN_FOREVER)) > 0)
            green_thread_release(thread);
        must(more, "green_group_next");
        expect(left == 0, "a group returns all its threads");
    }
    return clock_ns() - begin;
}

static double scope_batches(long steps, void *context) {
    (void)context;
    long left = 0;
    double begin = clock_ns();
    for (long done = 0; done < steps; done += SIZE) {
        green_group *group;
        left = SIZE;
        must(green_group_begin(&group, NULL), "green_group_begin");
        for (long i = 0; i < SIZE; i++)
            must(green_group_spawn(group, NULL, NULL, count_down, &left), "green_group_spawn");
        must(green_group_end(group, 0), "green_group_end");
        expect(left == 0, "a scope waits for all its threads");
    }
    return clock_ns() - begin;
}

void bench_pool(void) {
    green_pool *pool;
    green_group *group;
    must(green_pool_make(&pool, SIZE), "green_pool_make");
    must(green_group_make(&group), "green_group_make");
    figure_measure("plain spawn + finish", 1, 1000000, plain_spawn, NULL);
    figure_measure("pool spawn + finish", 1, 1000000, pool_spawn, pool);
    figure_measure("pool spawn, wait for all", SIZE, 1000000, pool_batches, pool);
    figure_measure("group of spawned threads", SIZE, 1000000, group_batches, group);
    figure_measure("group that spawns", SIZE, 1000000, group_spawn_batches, group);
    figure_measure("scope that spawns", SIZE, 1000000, scope_batches, NULL);
    green_group_free(group);
    green_pool_free(pool);
}
