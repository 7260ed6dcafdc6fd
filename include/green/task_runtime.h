/* What the core calls of Swift's concurrency, for the Swift module of Green. C programs do
 * not need it. */
#ifndef GREEN_TASK_RUNTIME_H
#define GREEN_TASK_RUNTIME_H

#include <green/base.h>
#include <green/hub.h>

#include <stdbool.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* Functions that only Swift code can have. All are called on any OS thread, and none may
 * block. */
typedef struct green_task_runtime {
    /* Calls body(argument) while a task-local has a value, outside Tasks. */
    void (*with_task_local)(void (*body)(void *GREEN_NULLABLE argument), void *GREEN_NULLABLE argument);
    /* Whether the task-local of with_task_local() has that value. */
    bool (*has_task_local)(void);
    /* Calls body(argument) in a Task, before it returns. */
    void (*in_task)(void (*body)(void *GREEN_NULLABLE argument), void *GREEN_NULLABLE argument);
    /* Returns a Task that has not begun, with copies of the caller's task-locals. */
    void *(*inherit)(void);
    /* Calls function(argument) in that Task, which ends, and returns the result. */
    int (*run)(void *task, int (*function)(void *GREEN_NULLABLE argument), void *GREEN_NULLABLE argument);
    /* Ends a Task that never ran. */
    void (*discard)(void *task);
} green_task_runtime;

/* What runs the jobs of an executor. Neither function may be NULL. */
typedef struct green_task_job_kind {
    /* Runs the job, in a green thread of the hub. */
    void (*run)(void *job, void *executor);
    /* Passes it on, because the hub cannot run it. Called on any OS thread, at any time, also in
     * green_task_job_enqueue(). Must not block. */
    void (*refuse)(void *job, void *executor);
    /* The job is part of a Task of the runtime: it blocks only if the state of the runtime is
     * known. */
    bool runs_task;
} green_task_job_kind;

/* Runs or refuses a job of a Task on a hub, soon. Jobs that one OS thread enqueues begin in
 * this order. Does not block. Any OS thread; the caller keeps the hub during the call. */
void green_task_job_enqueue(green_hub *hub, const green_task_job_kind *kind, void *job, void *executor);

/* Defined by the Swift module of Green. Absent from C programs. */
const green_task_runtime *green_swift_task_runtime(void) __attribute__((weak));

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
