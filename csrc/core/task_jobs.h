/* The jobs of Swift Tasks that prefer a hub, and the green threads that run them.
 *
 * A job is a part of a Task, from one suspension to the next. It may block, so each job has
 * a green thread for itself while it runs. Runners are green threads of Green's own that take
 * jobs from a queue:
 *
 *   A runner that takes a job makes sure that another one runs next if more jobs are queued.
 *   So a job that blocks delays no other job, and jobs that do not block share two stacks.
 *
 *   In a loop iteration, runners begin as many jobs as were queued at the first of them, as
 *   if each job were a green thread. Then other threads and the event loop have their turn,
 *   also if a Task never stops to enqueue itself.
 *
 *   A runner ends when the queue is empty, so an idle hub has none: nothing keeps the hub
 *   from closing, and dumps show only threads that do something. It also ends when a job has
 *   left something in the green thread, such as a green-thread-local value or an interrupt,
 *   which must not reach the next Task.
 *
 * Another OS thread posts a job. A job that cannot run on the hub is refused, so that the
 * Swift module passes it to Swift's thread pool: the hub has ended, its OS thread ends, its
 * pool kills its threads, or it belongs to the process before a fork. */
#ifndef GREEN_CORE_TASK_JOBS_H
#define GREEN_CORE_TASK_JOBS_H

#include "inbox.h"

#include <green/task_runtime.h>

#include <stdbool.h>

typedef struct green_task_job green_task_job;

/* Part of a hub. All zero: empty. */
typedef struct green_task_jobs {
    green_task_job *first, *last;
    unsigned queued;
    bool has_runner;    /* one is ready and takes the next job; always if a job is queued */
    uint64_t iteration; /* in which runners last took a job */
    unsigned left;      /* jobs that they may still take in it */
    green_task_job *free;
    unsigned free_count;
} green_task_jobs;

/* Refuses the jobs that are queued, because the OS thread of the hub ends. */
void green__task_jobs_refuse(green_hub *hub);

/* Frees the memory of an empty queue. */
void green__task_jobs_destroy(green_task_jobs *jobs);

#endif
