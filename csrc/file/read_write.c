/* Reads and writes, in pieces, so that other green threads run in between. */
#include "stream.h"

#include <string.h>
#include <unistd.h>

enum {
    PIECE_MAX = 256 * 1024,
    COPY_ALIGNMENT = 4096, /* of the copy for an OS thread: O_DIRECT requires the block size of the disk */
};

static char *copy_in(green_file_request *request) {
    uintptr_t address = (uintptr_t)request->bytes;
    return request->bytes + (-address & (COPY_ALIGNMENT - 1));
}

static int64_t read_now(green_file_request *request) {
    ssize_t count = pread(request->descriptor->fd, copy_in(request), request->length, request->offset);
    return count < 0 ? -errno : count;
}

static int64_t write_now(green_file_request *request) {
    ssize_t count = pwrite(request->descriptor->fd, copy_in(request), request->length, request->offset);
    return count < 0 ? -errno : count;
}

static const green_file_request_kind reading = {.verb = {"read", "reading"}, .run = read_now},
                                     writing = {.verb = {"write", "writing"}, .run = write_now};

/* Uses a copy, because an interrupted call returns before the OS thread has finished. */
static int64_t run_on_worker(green_file_call *call, bool writes, void *bytes, size_t length, int64_t offset) {
    green_file_request *request = green__file_request_make(writes ? &writing : &reading, length + COPY_ALIGNMENT - 1);
    if (!request) {
        call->explained = true;
        return -ENOMEM;
    }
    request->length = length;
    request->offset = offset;
    if (writes)
        memcpy(copy_in(request), bytes, length);
    int64_t result = green__file_run_request(call, request);
    if (!writes && result > 0)
        memcpy(bytes, copy_in(request), (size_t)result);
    green__file_request_release(request);
    return result;
}

/* At most PIECE_MAX bytes. */
static int64_t transfer(green_file_call *call, bool writes, void *bytes, size_t length, int64_t offset) {
    green_op_kind kind = writes ? GREEN_OP_WRITE_AT : GREEN_OP_READ_AT;
    length = length < PIECE_MAX ? length : PIECE_MAX;
    if (green__engine_supports(call->file->hub->engine, kind)) {
        int32_t result = green__file_run(call, kind, bytes, length, (uint64_t)offset);
        if (!green__io_not_started(&call->io) || (result = green__file_continue(call)) < 0)
            return result;
    }
    return run_on_worker(call, writes, bytes, length, offset);
}

/* An error in any piece fails the whole call, because fewer bytes than requested mean the
 * end of the file. Bytes read before it can be read again. */
static int64_t read_from(green_file_call *call, char *bytes, size_t size, int64_t offset) {
    size_t count = 0;
    while (count < size) {
        size_t wanted = size - count < PIECE_MAX ? size - count : PIECE_MAX;
        int64_t result = transfer(call, false, bytes + count, wanted, offset + (int64_t)count);
        if (result < 0)
            return result;
        count += (size_t)result;
        if (result < (int64_t)wanted)
            break;
        if (count < size && (result = green__file_continue(call)) < 0)
            return result;
    }
    return (int64_t)count;
}

static int64_t write_to(green_file_call *call, const char *bytes, size_t size, int64_t offset) {
    call->size = size;
    while (call->written < size) {
        int64_t result =
            transfer(call, true, (char *)bytes + call->written, size - call->written, offset + (int64_t)call->written);
        if (result == 0)
            result = -EIO; /* POSIX does not exclude it: do not loop forever */
        if (result < 0)
            return result;
        call->written += (size_t)result;
        if (call->written < size && (result = green__file_continue(call)) < 0)
            return result;
    }
    return (int64_t)size;
}

/* The kernel rejects a piece that ends beyond the largest offset, and an offset of -1 means
 * its own position. */
static int check_offset(const green_file *file, const char *verb, size_t size, int64_t offset) {
    char label[GREEN_FILE_LABEL_MAX];
    if (file->stream)
        return green__fail(-ESPIPE, "cannot %s %s at an offset", verb, green__file_label(file, label, sizeof label));
    if (offset < 0)
        return green__fail(-EINVAL, "cannot %s %s at %lld", verb, green__file_label(file, label, sizeof label),
                           (long long)offset);
    return green__check_size(verb, size);
}

ssize_t green_file_read(green_file *file, void *bytes, size_t size) {
    green_file_call call;
    int error = green__check_size("read", size);
    if (error < 0 || (error = green__file_begin(file, &call, &reading.verb, GREEN_FILE_READS)) < 0)
        return error;
    if (file->stream)
        return (ssize_t)green__file_end(&call, green__file_stream_read(&call, bytes, size));
    int64_t result = read_from(&call, bytes, size, file->position);
    if (result > 0)
        file->position += result;
    return (ssize_t)green__file_end(&call, result);
}

ssize_t green_file_write(green_file *file, const void *bytes, size_t size) {
    green_file_call call;
    int error = green__check_size("write", size);
    if (error < 0 || (error = green__file_begin(file, &call, &writing.verb, GREEN_FILE_WRITES)) < 0)
        return error;
    if (file->stream)
        return (ssize_t)green__file_end(&call, green__file_stream_write(&call, bytes, size));
    int64_t result = write_to(&call, bytes, size, file->position);
    file->position += (int64_t)call.written;
    return (ssize_t)green__file_end(&call, result);
}

ssize_t green_file_read_at(green_file *file, void *bytes, size_t size, int64_t offset) {
    green_file_call call;
    int error = check_offset(file, "read", size, offset);
    if (error < 0 || (error = green__file_begin(file, &call, &reading.verb, GREEN_FILE_SHARES)) < 0)
        return error;
    return (ssize_t)green__file_end(&call, read_from(&call, bytes, size, offset));
}

ssize_t green_file_write_at(green_file *file, const void *bytes, size_t size, int64_t offset) {
    green_file_call call;
    int error = check_offset(file, "write", size, offset);
    if (error < 0 || (error = green__file_begin(file, &call, &writing.verb, GREEN_FILE_SHARES)) < 0)
        return error;
    return (ssize_t)green__file_end(&call, write_to(&call, bytes, size, offset));
}
