/* The life of a file: open, adopt, close. */
#include "file.h"
#include "../base/descriptor.h"
#include "../core/fork.h"
#include "../core/hub.h"
#include "../hubs/remote_thread.h"
#include "fifo.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

const char *green__file_label(const green_file *file, char *text, size_t size) {
    if (file->path)
        snprintf(text, size, "'%s'", file->path);
    else if (file->descriptor)
        snprintf(text, size, "descriptor %d", file->descriptor->fd);
    else
        snprintf(text, size, "a descriptor");
    return text;
}

/* Making --------------------------------------------------------------------- */

/* Whether reads and writes of the descriptor take an offset. lseek(2) is not sufficient:
 * it succeeds on eventfd, timerfd and inotify descriptors, which have none of the types
 * below. */
static bool has_offsets(int fd) {
    struct statx status;
    if (lseek(fd, 0, SEEK_CUR) < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) < 0)
        return false;
    mode_t mode = status.stx_mode;
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISBLK(mode) || S_ISCHR(mode);
}

/* Whether a stream has events to wait for. Some character devices have none. */
static bool can_be_polled(int fd) {
    struct stat status;
    if (fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)))
        return true;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool refused = epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){0}) < 0 && errno == EPERM;
    if (epoll >= 0)
        close(epoll);
    return !refused;
}

static int make(green_hub *hub, int fd, const char *path, green_file **made) {
    green_file *file = calloc(1, sizeof *file);
    green_file_descriptor *descriptor = green__file_descriptor_make(fd);
    char *copy = path ? strdup(path) : NULL;
    if (!file || !descriptor || (path && !copy)) {
        free(file);
        free(descriptor);
        free(copy);
        return green__fail(-ENOMEM, "cannot make a file handle");
    }
    *file = (green_file){
        .hub = hub,
        .references = 1,
        .descriptor = descriptor,
        .stream = !has_offsets(fd),
        .position = lseek(fd, 0, SEEK_CUR),
        .timeout = GREEN_FOREVER,
        .path = copy,
    };
    file->mode = fcntl(fd, F_GETFL) & O_ACCMODE;
    file->pollable = file->stream && can_be_polled(fd);
    green__wait_list_init(&file->closers);
    hub->sockets++;
    *made = file;
    return 0;
}

/* O_NONBLOCK applies only to the open: later reads would fail for data that is not in the
 * page cache. */
static void clear_nonblock(const green_file_request *request) {
    if ((request->flags & O_NONBLOCK) && has_offsets(request->opened))
        fcntl(request->opened, F_SETFL, request->flags & ~O_NONBLOCK);
}

static int64_t open_now(green_file_request *request) {
    if (!request->opens_fifo && green__fifo_open_waits(AT_FDCWD, request->bytes, request->flags))
        return 0;
    request->opened = green__open(request->bytes, request->flags, request->mode);
    if (request->opened < 0)
        return -errno;
    clear_nonblock(request);
    return 0;
}

static void take_opened(green_file_request *request) {
    if (request->result < 0)
        return;
    request->opened = (int)request->result;
    request->result = 0;
    clear_nonblock(request);
}

static const green_file_request_kind opening = {
    .verb = {"open", "opening"}, .run = open_now, .has_op = true, .op = GREEN_OP_OPEN, .finish = take_opened};

/* Returns 1 if the path is a FIFO whose open waits, and `fifo` is false. */
static int open_as(bool fifo, green_hub *hub, green_file **file, const char *path, int flags, mode_t mode,
                   int64_t timeout) {
    green_file_request *request = green__file_request_make(&opening, strlen(path) + 1);
    if (!request)
        return -ENOMEM;
    strcpy(request->bytes, path);
    request->flags = flags;
    request->mode = mode;
    request->opens_fifo = fifo;
    int error = green__file_request_run_on_paths(hub, request, timeout);
    if (error == 0 && request->opened < 0)
        error = 1;
    else if (error == 0 && (error = make(hub, request->opened, path, file)) == 0)
        request->opened = -1;
    green__file_request_release(request);
    return error;
}

int green_file_open(green_file **file, const char *path, int flags, mode_t mode, int64_t timeout) {
    int error = 0;
    int64_t deadline = green__deadline_after(timeout);
    green_hub *hub = green__hub_here(&error);
    if (hub && (error = open_as(false, hub, file, path, flags, mode, timeout)) == 1)
        error = open_as(true, hub, file, path, flags, mode, green__time_left(deadline));
    if (error == -ETIMEDOUT && green__time_left(deadline) == 0) /* of the whole timeout, not of what was left of it */
        green__fail_timed_out(timeout, "cannot open '%s': not done", path);
    return error;
}

int green_file_adopt(green_file **file, int fd) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    if (fcntl(fd, F_GETFD) < 0)
        return green__fail(-errno, "cannot adopt descriptor %d as a file", fd);
    return make(hub, fd, NULL, file);
}

/* Ending --------------------------------------------------------------------- */

green_file_descriptor *green__file_take_descriptor(green_file *file) {
    green_file_descriptor *descriptor = file->descriptor;
    file->descriptor = NULL;
    file->hub->sockets--;
    file->hub->engine->class->forget(file->hub->engine, descriptor->fd, false);
    return descriptor;
}

/* Closes the descriptor on an OS thread, because the last close of a file may write to the
 * disk or free a deleted file. If no OS thread can be used, as when no descriptor is left,
 * closes it here. */
static int close_on_worker(green_file *file) {
    green_hub *hub = file->hub;
    green_file_request *request = green__file_request_make(&green__file_request_close, 0);
    green_file_descriptor *descriptor = green__file_take_descriptor(file);
    if (!request)
        return green__file_descriptor_close(descriptor);
    request->opened = green__file_descriptor_release(descriptor);
    int error = request->opened < 0 ? 0 : green__file_request_run(hub, request, GREEN_FOREVER);
    bool is_refused = error < 0 && !green__is_interrupt(error);
    if (is_refused && __atomic_load_n(&request->job.owners, __ATOMIC_ACQUIRE) == 1 && request->opened >= 0)
        error = (int)green__file_request_close.run(request);
    else if (error == 0)
        error = (int)request->result;
    green__file_request_release(request);
    return error;
}

static void describe_close(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "closing a file that other threads use");
}

static const green_wait_kind close_wait = {NULL, describe_close};

void green__file_release(green_file *file) {
    if (--file->references > 0)
        return;
    free(file->path);
    free(file);
}

/* Ends all calls, and waits for them unless the caller must not block. */
static void end_calls(green_file *file) {
    green_hub *hub = file->hub;
    file->closed = true;
    /* A thread parked within a call waits for that call. */
    for (green_file_call *call = file->calls; call; call = call->next)
        if (call->thread->wait)
            green__wait_end(call->thread->wait, -EBADF);
    if (!file->calls || hub->current->must_not_block)
        return;
    green__park_in(hub, &file->closers, &close_wait);
}

static int close_on_hub(void *file) {
    return green_file_close(file);
}

/* If the hub has ended, several OS threads may close the file. */
static int close_elsewhere(green_file *file) {
    int error = green__hub_call_if_open(file->hub, close_on_hub, file);
    if (error != -ESRCH)
        return error;
    __atomic_store_n(&file->closed, true, __ATOMIC_RELAXED);
    green_file_descriptor *descriptor = __atomic_exchange_n(&file->descriptor, NULL, __ATOMIC_ACQ_REL);
    error = descriptor ? green__file_descriptor_close(descriptor) : 0;
    return error < 0 ? green__fail(error, "cannot close a file whose hub has ended") : 0;
}

int green_file_close(green_file *file) {
    green_hub *hub = file->hub;
    char label[GREEN_FILE_LABEL_MAX];
    int error = 0;
    if (GREEN_UNLIKELY(hub != green__hub))
        return close_elsewhere(file);
    if (file->closed)
        return 0;
    file->references++;
    green__file_label(file, label, sizeof label);
    end_calls(file);
    if (file->descriptor && !file->calls) {
        bool in_place = file->stream || hub->current->must_not_block || hub->current->interrupts;
        error = in_place ? green__file_descriptor_close(green__file_take_descriptor(file)) : close_on_worker(file);
    }
    green__file_release(file);
    return error < 0 && !green__is_explained(error) ? green__fail(error, "cannot close %s", label) : error;
}

/* Its hub has ended, or belongs to the process before a fork, which also has all requests. */
static void free_after_end(green_file *file) {
    if (file->descriptor && green__hub_is_abandoned(file->hub)) {
        close(file->descriptor->fd);
        free(file->descriptor);
    } else if (file->descriptor) {
        green__file_descriptor_close(file->descriptor);
    }
    free(file->path);
    free(file);
}

static void foreign_released(green_post *post, int error) {
    green_file *file = GREEN_CONTAINER(post, green_file, foreign_release.post);
    if (error < 0)
        free_after_end(file);
    else
        green_file_free(file);
}

void green_file_free(green_file *file) {
    if (!file)
        return;
    if (GREEN_UNLIKELY(file->hub != green__hub)) {
        if (green__foreign_release(file->hub, &file->foreign_release, foreign_released) > 0)
            free_after_end(file);
        return;
    }
    if (!file->closed)
        end_calls(file);
    if (file->descriptor && !file->calls)
        green__file_descriptor_close(green__file_take_descriptor(file));
    green__file_release(file);
}
