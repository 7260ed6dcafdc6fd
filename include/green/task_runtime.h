/* What the core calls of Swift's concurrency, for the Swift module of Green. C programs do
 * not need it. */
#ifndef GREEN_TASK_RUNTIME_H
#define GREEN_TASK_RUNTIME_H

#include <green/base.h>

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

/* Defined by the Swift module of Green. Absent from C programs. */
const green_task_runtime *green__task_runtime(void) __attribute__((weak));

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
