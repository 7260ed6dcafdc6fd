#include "main_queue.h"

#include <green/hub.h>

#include <errno.h>

static void count_state(green_thread *thread, void *context) {
    green_statistics *statistics = context;
    statistics->ready += thread->state == GREEN_READY && !green__timer_pending(&thread->start);
    statistics->parked += thread->state == GREEN_PARKED;
    statistics->delayed += green__timer_pending(&thread->start);
}

void green__hub_statistics(green_hub *hub, green_statistics *statistics) {
    *statistics = (green_statistics){
        .threads = hub->threads,
        .handles = hub->handles,
        .timers = hub->timers.count,
        .sockets = hub->sockets,
        .operations = hub->engine->operations - green__main_queue_operations(hub),
        .buffers = hub->engine->buffers_in_use,
        .switches = hub->switches,
        .loop_iterations = hub->loop_iterations,
        .system_calls = hub->engine->system_calls,
        .submitted = hub->engine->submitted,
        .completions = hub->engine->completions,
        .posts = hub->inbox.posts,
        .wakes = hub->inbox.wakes,
        .fallbacks = hub->fallbacks,
        .spawned = hub->spawned,
        .most_threads = hub->most_threads,
        .longest_iteration = hub->diagnostics.longest_iteration,
    };
    green__hub_each_thread(hub, count_state, statistics);
    for (const green_stack_class *class = &hub->stacks.first; class; class = class->next) {
        statistics->stacks += class->carved;
        statistics->free_stacks += class->free_count;
    }
}

int green_hub_statistics(green_statistics *statistics) {
    if (!green__hub)
        return green__fail(-ENOENT, "green_hub_statistics: this OS thread has no hub");
    green__hub_statistics(green__hub, statistics);
    return 0;
}

size_t green_hub_deepest_stack(void) {
    return green__hub ? green__stacks_deepest(&green__hub->stacks) : 0;
}
