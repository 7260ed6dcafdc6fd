/* green_offload(): a function of the program as a job. */
#include "../core/hub.h"
#include "job.h"

#include <stdlib.h>

struct call {
    green_job job;
    int (*function)(void *);
    void *argument;
    void (*abandon)(void *); /* called with the argument on release; NULL: the caller owns it */
    int result;
    green_inherited_task *task; /* until it is called */
};

green_offload_pool green__offload_shared = GREEN_OFFLOAD_POOL(green__offload_shared, "green-offload", 16);

static void run(green_job *job) {
    struct call *call = GREEN_CONTAINER(job, struct call, job);
    green_inherited_task *task = call->task;
    call->task = NULL;
    call->result = green__task_run(task, call->function, call->argument);
}

static void release(green_job *job) {
    struct call *call = GREEN_CONTAINER(job, struct call, job);
    green__task_discard(call->task);
    if (call->abandon)
        call->abandon(call->argument);
    free(call);
}

int green_offload(green_offload_pool *pool, int (*function)(void *), void *argument, void (*abandon)(void *),
                  int *result, int64_t timeout) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    struct call *call = hub ? malloc(sizeof *call) : NULL;
    if (!call) {
        if (abandon)
            abandon(argument);
        return hub ? green__fail(-ENOMEM, "cannot offload a call") : error;
    }
    *call = (struct call){
        .job = {.run = run, .release = release},
        .function = function,
        .argument = argument,
        .abandon = abandon,
        .task = green__task_inherit(&hub->switch_state.task_words),
    };
    error = green__job_run(hub, pool ? pool : &green__offload_shared, &call->job, timeout);
    if (error == 0) {
        call->abandon = NULL;
        if (result)
            *result = call->result;
    }
    green__job_release(&call->job);
    return error;
}
