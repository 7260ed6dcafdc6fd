#include "request.h"

#include "fifo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A separate pool: a disk that does not respond delays only files. */
static green_offload_pool workers = GREEN_OFFLOAD_POOL(workers, "green-file", 16);

static int64_t close_now(green_file_request *request) {
    int fd = request->opened;
    request->opened = -1;
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

const green_file_request_kind green__file_request_close = {.verb = {"close", "closing"}, .run = close_now};

/* Releases the descriptor before the caller continues: a file that was closed meanwhile is
 * then really closed. */
static void run(green_job *job) {
    green_file_request *request = GREEN_CONTAINER(job, green_file_request, job);
    request->result = request->kind->run(request);
    if (request->descriptor)
        green__file_descriptor_close(request->descriptor);
    request->descriptor = NULL;
}

static void release(green_job *job) {
    green_file_request *request = GREEN_CONTAINER(job, green_file_request, job);
    if (request->descriptor)
        green__file_descriptor_close(request->descriptor);
    if (request->opened >= 0)
        close(request->opened);
    green_listing_free(request->listing);
    free(request);
}

green_file_request *green__file_request_make(const green_file_request_kind *kind, size_t bytes) {
    green_file_request *request = malloc(sizeof *request + bytes);
    if (!request) {
        green__fail(-ENOMEM, "no memory to %s", kind->verb.infinitive);
        return NULL;
    }
    memset(request, 0, sizeof *request);
    request->job = (green_job){.run = run, .release = release, .owners = 1};
    request->kind = kind;
    request->opened = -1;
    return request;
}

void green__file_request_release(green_file_request *request) {
    if (request)
        green__job_release(&request->job);
}

/* On the engine --------------------------------------------------------------- */

struct engine_wait {
    green_wait wait;
    green_file_request *request;
};

/* An interrupted wait: the operation and the request continue without the caller. */
static void abandon(green_wait *wait) {
    struct engine_wait *waiting = GREEN_CONTAINER(wait, struct engine_wait, wait);
    green_engine *engine = wait->thread->hub->engine;
    waiting->request->waiting = NULL;
    engine->class->cancel(engine, &waiting->request->op);
    green__ready(wait->thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_file_request *request = GREEN_CONTAINER(wait, const struct engine_wait, wait)->request;
    if (request->op.address)
        snprintf(text, size, "%s '%s'", request->kind->verb.gerund, request->bytes);
    else
        snprintf(text, size, "%s descriptor %d", request->kind->verb.gerund, request->op.fd);
}

static const green_wait_kind in_engine = {abandon, describe};

/* Closes a descriptor whose caller has left. An OS thread does it, because the last close
 * of a file may be slow. */
static void close_detached(green_file_request *request) {
    request->kind = &green__file_request_close;
    (void)green__job_run_detached(&workers, &request->job);
}

/* Stores the result and releases the descriptor. */
static void end(green_file_request *request, int32_t result) {
    int last = request->descriptor ? green__file_descriptor_release(request->descriptor) : -1;
    request->descriptor = NULL;
    request->result = result;
    if (request->kind->finish)
        request->kind->finish(request);
    if (last >= 0)
        request->opened = last;
    if (!request->waiting && request->opened >= 0)
        close_detached(request);
}

/* Whether the kernel could not start a worker: the operation was cancelled, but not by
 * us. */
static bool was_not_begun(const green_file_request *request, int32_t result) {
    return result == -ECANCELED && request->waiting;
}

static void complete(green_op *op, int32_t result) {
    green_file_request *request = GREEN_CONTAINER(op, green_file_request, op);
    green_wait *wait = request->waiting;
    request->begun = !was_not_begun(request, result);
    if (request->begun)
        end(request, result);
    request->waiting = NULL;
    if (wait)
        green__ready(wait->thread);
    green__file_request_release(request);
}

static void fill(green_file_request *request) {
    green_op *op = &request->op;
    *op = (green_op){.complete = complete, .kind = request->kind->op, .flags = request->flags, .fd = -1};
    if (request->descriptor)
        op->fd = request->descriptor->fd;
    else
        op->address = request->bytes;
    op->length = request->mode;
    if (op->kind == GREEN_OP_STAT)
        op->second = &request->extended;
    else if (op->kind == GREEN_OP_RENAME)
        op->second = (char *)request->second;
    else
        op->offset = (uint64_t)request->offset;
}

bool green__file_request_has_engine(green_hub *hub, const green_file_request *request) {
    return request->kind->has_op && green__engine_supports(hub->engine, request->kind->op);
}

int green__file_request_run_by_engine(green_hub *hub, green_file_request *request, int64_t timeout) {
    struct engine_wait waiting = {.request = request};
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    fill(request);
    request->job.owners = 2;
    request->waiting = &waiting.wait;
    green__wait_init(hub, &waiting.wait, &in_engine);
    hub->engine->class->submit(hub->engine, &request->op);
    hub->io_waiters++;
    green__outside_work_begin(hub);
    error = green__wait(hub, &waiting.wait, timeout);
    green__outside_work_end(hub);
    hub->io_waiters--;
    return error == 0 && !request->begun ? 1 : error;
}

/* On either ------------------------------------------------------------------- */

int green__file_request_run_by_worker(green_hub *hub, green_file_request *request, int64_t timeout) {
    return green__job_run(hub, request->opens_fifo ? &green__fifo_workers : &workers, &request->job, timeout);
}

int green__file_request_run(green_hub *hub, green_file_request *request, int64_t timeout) {
    int64_t deadline = green__deadline_after(timeout);
    if (green__file_request_has_engine(hub, request)) {
        int error = green__file_request_run_by_engine(hub, request, timeout);
        if (error <= 0)
            return error;
    }
    return green__file_request_run_by_worker(hub, request, green__time_left(deadline));
}

static int fail_timed_out(const green_file_request *request, int64_t timeout) {
    const char *verb = request->kind->verb.infinitive;
    if (request->second && *request->second)
        return green__fail_timed_out(timeout, "cannot %s '%s' to '%s': not done", verb, request->bytes,
                                     request->second);
    return green__fail_timed_out(timeout, "cannot %s '%s': not done", verb, request->bytes);
}

int green__file_request_run_on_paths(green_hub *hub, green_file_request *request, int64_t timeout) {
    int error = green__file_request_run(hub, request, timeout);
    bool is_explained = green__is_interrupt(error) || hub->current->must_not_block;
    if (error == -ETIMEDOUT)
        return fail_timed_out(request, timeout);
    bool failed = (error < 0 && !is_explained) || (error == 0 && request->result < 0);
    if (error == 0)
        error = request->result < 0 ? (int)request->result : 0;
    if (failed && request->second && *request->second)
        return green__fail(error, "cannot %s '%s' to '%s'", request->kind->verb.infinitive, request->bytes,
                           request->second);
    return failed ? green__fail(error, "cannot %s '%s'", request->kind->verb.infinitive, request->bytes) : error;
}
