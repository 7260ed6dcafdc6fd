#include "call.h"

#include "../core/fork.h"

#include <stdio.h>

static int fail_busy(const green_file *file, const green_file_call *user, const char *verb) {
    char label[GREEN_FILE_LABEL_MAX], first[GREEN_LABEL_MAX], second[GREEN_LABEL_MAX];
    return green__fail(-EBUSY, "%s cannot %s %s: %s is already %s it",
                       green__thread_label(file->hub->current, second, sizeof second), verb,
                       green__file_label(file, label, sizeof label),
                       green__thread_label(user->thread, first, sizeof first), user->verb->gerund);
}

int green__file_begin(green_file *file, green_file_call *call, const green_file_verb *verb, green_file_use use) {
    green_hub *hub = file->hub;
    green_file_call **user = NULL;
    char label[GREEN_FILE_LABEL_MAX];
    if (GREEN_UNLIKELY(hub != green__hub))
        return green__fail(-EXDEV, "cannot %s the file: it %s", verb->infinitive, green__foreign_hub_reason(hub));
    if (GREEN_UNLIKELY(file->closed))
        return green__fail(-EBADF, "cannot %s %s: the file is closed", verb->infinitive,
                           green__file_label(file, label, sizeof label));
    if (use != GREEN_FILE_SHARES)
        user = &file->users[file->stream ? use : 0];
    if (user && *user)
        return fail_busy(file, *user, verb->infinitive);
    int error = green__begin(hub, file->timeout);
    if (error < 0)
        return error;
    *call = (green_file_call){
        .file = file,
        .thread = hub->current,
        .verb = verb,
        .user = user,
        .next = file->calls,
        .place = &file->calls,
        .timeout = file->timeout,
        .deadline = green__deadline_after(file->timeout),
    };
    if (call->next)
        call->next->place = &call->next;
    file->calls = call;
    if (user)
        *user = call;
    file->references++;
    return 0;
}

static void explain(const green_file_call *call, int error) {
    char label[GREEN_FILE_LABEL_MAX], part[64] = "";
    if (call->explained || green__is_explained(error))
        return;
    if (call->written > 0)
        snprintf(part, sizeof part, " after %zu of %zu bytes", call->written, call->size);
    green__file_label(call->file, label, sizeof label);
    if (error == -ETIMEDOUT && green__time_left(call->deadline) == 0)
        green__fail_timed_out(call->timeout, "cannot %s %s%s: not done", call->verb->infinitive, label, part);
    else
        green__fail(error, "cannot %s %s%s%s", call->verb->infinitive, label, part,
                    call->file->closed ? ": the file was closed" : "");
}

int64_t green__file_end(green_file_call *call, int64_t result) {
    green_file *file = call->file;
    *call->place = call->next;
    if (call->next)
        call->next->place = call->place;
    if (call->user)
        *call->user = NULL;
    if (GREEN_UNLIKELY(result < 0))
        explain(call, (int)result);
    if (GREEN_UNLIKELY(file->closed && !file->calls)) {
        if (green__wait_list_is_empty(&file->closers) && file->descriptor)
            green__file_descriptor_close(green__file_take_descriptor(file));
        green__ready_all(&file->closers);
    }
    green__file_release(file);
    return result;
}

int green__file_continue(const green_file_call *call) {
    if (call->file->closed)
        return -EBADF;
    return green__begin_until(call->file->hub, call->deadline);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_file_call *call = GREEN_CONTAINER(wait, const green_file_call, io.wait);
    char label[GREEN_FILE_LABEL_MAX];
    snprintf(text, size, "%s %s", call->verb->gerund, green__file_label(call->file, label, sizeof label));
}

static const green_wait_kind in_file = {green__io_cancel, describe};

static void init(green_file_call *call, green_op_kind kind) {
    green__io_init(call->file->hub, &call->io, &in_file, kind, call->file->descriptor->fd);
}

int32_t green__file_run(green_file_call *call, green_op_kind kind, void *address, size_t length, uint64_t offset) {
    int32_t result;
    do {
        init(call, kind);
        call->io.op.address = address;
        call->io.op.length = length;
        call->io.op.offset = offset;
        call->io.op.nowait = call->file->nowait;
        result = green__io_run(call->file->hub, &call->io, green__time_left(call->deadline));
    } while (GREEN_UNLIKELY(result == -EINTR) && (result = green__file_continue(call)) == 0);
    return result;
}

int32_t green__file_poll(green_file_call *call, short events) {
    init(call, GREEN_OP_POLL);
    call->io.op.flags = (unsigned short)events;
    return green__io_run(call->file->hub, &call->io, green__time_left(call->deadline));
}

/* Whether an error ended the wait for a request, rather than the request. */
static bool wait_has_ended(const green_file_call *call, int64_t error) {
    return error == -ETIMEDOUT || call->file->closed || green__is_explained((int)error);
}

static int run_request(green_file_call *call, green_file_request *request) {
    green_hub *hub = call->file->hub;
    if (green__file_request_has_engine(hub, request)) {
        int error = green__file_request_run_by_engine(hub, request, green__time_left(call->deadline));
        if (error <= 0 || (error = green__file_continue(call)) < 0)
            return error;
    }
    return green__file_request_run_by_worker(hub, request, green__time_left(call->deadline));
}

int64_t green__file_run_request(green_file_call *call, green_file_request *request) {
    request->descriptor = green__file_descriptor_retain(call->file->descriptor);
    int error = run_request(call, request);
    if (error < 0)
        call->explained = !wait_has_ended(call, error);
    return error < 0 ? error : request->result;
}
