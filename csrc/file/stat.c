/* The status, size and position of a file; truncating and syncing it. */
#include "stat.h"
#include "call.h"

#include <sys/sysmacros.h>
#include <unistd.h>

static struct timespec time_of(struct statx_timestamp time) {
    return (struct timespec){.tv_sec = time.tv_sec, .tv_nsec = time.tv_nsec};
}

void green__file_request_take_status(green_file_request *request) {
    const struct statx *extended = &request->extended;
    if (request->result < 0)
        return;
    request->status = (struct stat){
        .st_dev = makedev(extended->stx_dev_major, extended->stx_dev_minor),
        .st_ino = extended->stx_ino,
        .st_mode = extended->stx_mode,
        .st_nlink = extended->stx_nlink,
        .st_uid = extended->stx_uid,
        .st_gid = extended->stx_gid,
        .st_rdev = makedev(extended->stx_rdev_major, extended->stx_rdev_minor),
        .st_size = (off_t)extended->stx_size,
        .st_blksize = (blksize_t)extended->stx_blksize,
        .st_blocks = (blkcnt_t)extended->stx_blocks,
        .st_atim = time_of(extended->stx_atime),
        .st_mtim = time_of(extended->stx_mtime),
        .st_ctim = time_of(extended->stx_ctime),
    };
}

static int64_t run_request(green_file *file, const green_file_request_kind *kind, int64_t argument,
                           struct stat *status) {
    green_file_call call;
    int64_t result = green__file_begin(file, &call, &kind->verb, GREEN_FILE_SHARES);
    if (result < 0)
        return result;
    green_file_request *request = green__file_request_make(kind, 0);
    if (request) {
        request->offset = argument;
        result = green__file_run_request(&call, request);
        if (status && result >= 0)
            *status = request->status;
    }
    call.explained |= !request;
    result = green__file_end(&call, request ? result : -ENOMEM);
    green__file_request_release(request);
    return result;
}

static int64_t sync_now(green_file_request *request) {
    return fsync(request->descriptor->fd) < 0 ? -errno : 0;
}

int green_file_sync(green_file *file) {
    static const green_file_request_kind syncing = {
        .verb = {"sync", "syncing"}, .run = sync_now, .has_op = true, .op = GREEN_OP_SYNC};
    return (int)run_request(file, &syncing, 0, NULL);
}

static int64_t sync_data_now(green_file_request *request) {
    return fdatasync(request->descriptor->fd) < 0 ? -errno : 0;
}

int green_file_sync_data(green_file *file) {
    static const green_file_request_kind syncing = {
        .verb = {"sync", "syncing"}, .run = sync_data_now, .has_op = true, .op = GREEN_OP_SYNC_DATA};
    return (int)run_request(file, &syncing, 0, NULL);
}

static int64_t status_now(green_file_request *request) {
    return fstat(request->descriptor->fd, &request->status) < 0 ? -errno : 0;
}

int green_file_status(green_file *file, struct stat *status) {
    static const green_file_request_kind asking = {.verb = {"stat", "getting the status of"},
                                                   .run = status_now,
                                                   .has_op = true,
                                                   .op = GREEN_OP_STAT,
                                                   .finish = green__file_request_take_status};
    return (int)run_request(file, &asking, 0, status);
}

static int64_t truncate_now(green_file_request *request) {
    return ftruncate(request->descriptor->fd, request->offset) < 0 ? -errno : 0;
}

int green_file_truncate(green_file *file, int64_t size) {
    static const green_file_request_kind truncating = {
        .verb = {"truncate", "truncating"}, .run = truncate_now, .has_op = true, .op = GREEN_OP_TRUNCATE};
    return (int)run_request(file, &truncating, size, NULL);
}

int64_t green_file_size(green_file *file) {
    struct stat status;
    int error = green_file_status(file, &status);
    return error < 0 ? error : status.st_size;
}

int64_t green_file_position(const green_file *file) {
    char label[GREEN_FILE_LABEL_MAX];
    if (file->stream)
        return green__fail(-ESPIPE, "cannot get the position of %s", green__file_label(file, label, sizeof label));
    return file->position;
}

int green_file_set_position(green_file *file, int64_t position) {
    char label[GREEN_FILE_LABEL_MAX];
    if (file->stream)
        return green__fail(-ESPIPE, "cannot set the position of %s", green__file_label(file, label, sizeof label));
    if (position < 0)
        return green__fail(-EINVAL, "cannot set the position of %s to %lld",
                           green__file_label(file, label, sizeof label), (long long)position);
    file->position = position;
    return 0;
}

void green_file_set_timeout(green_file *file, int64_t timeout) {
    file->timeout = timeout;
}

int64_t green_file_timeout(const green_file *file) {
    return file->timeout;
}

int green_file_fd(const green_file *file) {
    return file->closed ? -EBADF : file->descriptor->fd;
}
