#include "task_jobs.h"

#include "schedule.h"
#include "task_state.h"
#include "thread.h"

#include <errno.h>
#include <stdlib.h>

struct green_task_job {
    green_post post;
    const green_task_job_kind *kind;
    void *job, *executor;
};

enum {
    FREE_MAX = 256, /* jobs whose memory a hub keeps */
    TURNS_MIN = 16, /* jobs that may begin in a loop iteration, even if fewer are queued */
};

/* The queue --------------------------------------------------------------------- */

static void append(green_task_jobs *jobs, green_task_job *job) {
    job->post.next = NULL;
    if (jobs->first)
        jobs->last->post.next = &job->post;
    else
        jobs->first = job;
    jobs->last = job;
    jobs->queued++;
}

static green_task_job *take(green_task_jobs *jobs) {
    green_task_job *job = jobs->first;
    jobs->first = job->post.next ? GREEN_CONTAINER(job->post.next, green_task_job, post) : NULL;
    jobs->queued--;
    return job;
}

static green_task_job *job_alloc(green_task_jobs *jobs) {
    green_task_job *job = jobs->free;
    if (!job)
        return malloc(sizeof *job);
    jobs->free = job->post.next ? GREEN_CONTAINER(job->post.next, green_task_job, post) : NULL;
    jobs->free_count--;
    return job;
}

static void job_free(green_task_jobs *jobs, green_task_job *job) {
    if (jobs->free_count >= FREE_MAX) {
        free(job);
        return;
    }
    job->post.next = jobs->free ? &jobs->free->post : NULL;
    jobs->free = job;
    jobs->free_count++;
}

void green__task_jobs_destroy(green_task_jobs *jobs) {
    for (green_task_job *job; (job = jobs->free);) {
        jobs->free = job->post.next ? GREEN_CONTAINER(job->post.next, green_task_job, post) : NULL;
        free(job);
    }
}

/* Refusing may enqueue further jobs, on this hub, too. */
void green__task_jobs_refuse(green_hub *hub) {
    green_task_jobs *jobs = &hub->task_jobs;
    while (jobs->first) {
        green_task_job job = *jobs->first;
        job_free(jobs, take(jobs));
        job.kind->refuse(job.job, job.executor);
    }
}

/* Runners ----------------------------------------------------------------------- */

static bool refuses(const green_hub *hub) {
    return __atomic_load_n(&hub->refuses_threads, __ATOMIC_RELAXED);
}

static bool may_block(const green_task_job *job) {
    return !job->kind->runs_task || green__task_state_is_known();
}

/* Whether the next job would find nothing that an earlier one has left in the green thread. */
static bool is_as_new(const green_thread *runner) {
    return runner->references == 1 && !runner->interrupts && !runner->deliveries && !runner->links && !runner->locals &&
           !runner->exit_observers && !runner->specific && !runner->name && !runner->context &&
           green__wait_list_is_empty(&runner->waiters);
}

/* Returns false in a forked child, where the hub is that of the parent. */
static bool run(green_hub *hub, green_thread *runner, const green_task_job *job) {
    bool blocks = may_block(job);
    runner->is_own = false; /* the close of a pool kills it */
    runner->must_not_block = blocks ? GREEN_MAY_BLOCK : GREEN_IN_UNKNOWN_TASK;
    job->kind->run(job->job, job->executor);
    if (GREEN_UNLIKELY(green__hub != hub))
        return false;
    runner->is_own = true;
    runner->must_not_block = GREEN_MAY_BLOCK;
    green__message_free(&runner->message);
    return true;
}

/* Whether a runner may take a job in this loop iteration. */
static bool has_turn(green_hub *hub) {
    green_task_jobs *jobs = &hub->task_jobs;
    if (jobs->iteration != hub->loop_iterations) {
        jobs->iteration = hub->loop_iterations;
        jobs->left = jobs->queued > TURNS_MIN ? jobs->queued : TURNS_MIN;
    }
    return jobs->left > 0;
}

typedef int spawn_own(green_hub *hub, green_function *function, void *argument);

static bool ensure_runner(green_hub *hub, spawn_own *spawn);

static void run_some(green_hub *hub, green_thread *runner) {
    green_task_jobs *jobs = &hub->task_jobs;
    while (jobs->first && !refuses(hub) && has_turn(hub)) {
        green_task_job job = *jobs->first;
        job_free(jobs, take(jobs));
        jobs->left--;
        if (jobs->first && !ensure_runner(hub, green__spawn_own_next))
            green__task_jobs_refuse(hub);
        if (!run(hub, runner, &job))
            return;
        if (!is_as_new(runner))
            break;
    }
    if (refuses(hub) || (jobs->first && !ensure_runner(hub, green__spawn_own_next)))
        green__task_jobs_refuse(hub);
}

static int runner_main(void *argument) {
    green_hub *hub = argument;
    while (!has_turn(hub))
        green__yield(hub);
    hub->task_jobs.has_runner = false;
    hub->current->is_own = true;
    run_some(hub, hub->current);
    return 0;
}

/* Makes sure that a runner takes the next job. False: there is no memory for one. */
static bool ensure_runner(green_hub *hub, spawn_own *spawn) {
    green_task_jobs *jobs = &hub->task_jobs;
    if (!jobs->has_runner)
        jobs->has_runner = spawn(hub, runner_main, hub) == 0;
    return jobs->has_runner;
}

/* Enqueuing --------------------------------------------------------------------- */

static int enqueue_here(green_hub *hub, const green_task_job *job) {
    green_task_jobs *jobs = &hub->task_jobs;
    if (refuses(hub) || green__inbox_is_closed(&hub->inbox))
        return -ESRCH;
    green_task_job *queued = job_alloc(jobs);
    if (!queued)
        return -ENOMEM;
    if (!ensure_runner(hub, green__spawn_own)) {
        job_free(jobs, queued);
        return -ENOMEM;
    }
    *queued = *job;
    append(jobs, queued);
    return 0;
}

static void deliver(green_post *post, int error) {
    green_task_job *posted = GREEN_CONTAINER(post, green_task_job, post), job = *posted;
    free(posted);
    if (error < 0 || enqueue_here(green__hub, &job) < 0)
        job.kind->refuse(job.job, job.executor);
}

static int enqueue_elsewhere(green_hub *hub, const green_task_job *job) {
    green_task_job *posted = malloc(sizeof *posted);
    if (!posted)
        return -ENOMEM;
    *posted = *job;
    posted->post.deliver = deliver;
    int error = green__inbox_try_post(hub, &posted->post);
    if (error < 0)
        free(posted);
    return error;
}

void green_task_job_enqueue(green_hub *hub, const green_task_job_kind *kind, void *job, void *executor) {
    green_task_job described = {.kind = kind, .job = job, .executor = executor};
    int error = hub == green__hub ? enqueue_here(hub, &described) : enqueue_elsewhere(hub, &described);
    if (error < 0)
        kind->refuse(job, executor);
}
