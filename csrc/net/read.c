/* Reading: into the caller's memory, or in place.
 *
 * If the caller passes memory, the kernel fills it directly, whatever its size. Lines and
 * the green_receive() family use a buffer of the engine when bytes arrive. Unread bytes
 * stay in the socket, and the next call returns them first. */
#include "transport.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MIN = 4096 };

/* Moves up to size unread bytes to the caller's memory. */
static size_t take(green_socket *socket, void *bytes, size_t size) {
    size_t count = socket->unread.count < size ? socket->unread.count : size;
    if (count == 0)
        return 0;
    memcpy(bytes, socket->unread.bytes, count);
    green_consume(socket, count);
    return count;
}

/* Receives into the caller's memory. With MSG_WAITALL and no transport, receives all of
 * it. */
static inline ssize_t receive(green_socket_io *call, void *bytes, size_t size, int flags) {
    green_transport *transport = call->socket->transport;
    if (GREEN_UNLIKELY(transport != NULL))
        return transport->class->receive(call, bytes, size);
    return green__socket_run(call, GREEN_OP_RECEIVE, bytes, size, flags);
}

ssize_t green_read(green_socket *socket, void *bytes, size_t size) {
    green_socket_io call;
    int error = green__socket_begin_sized(socket, &call, GREEN_READING, size);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    ssize_t result = (ssize_t)take(socket, bytes, size);
    if (result == 0 && size > 0)
        result = receive(&call, bytes, size, 0);
    return green__socket_end(&call, result);
}

/* Makes the bytes that a failed call has received unread again. Without memory for them,
 * later reads fail, because a stream must not continue after a gap. */
static void put_back(green_socket *socket, const char *bytes, size_t count) {
    if (count == 0 || socket->closed)
        return;
    char *chunk = malloc(count);
    if (!chunk) {
        socket->bytes_lost = true;
        return;
    }
    memcpy(chunk, bytes, count);
    green__socket_drop_unread(socket);
    socket->unread = (green_unread){.bytes = chunk, .count = count, .chunk = chunk, .capacity = count};
}

/* The stream ended early. The client may have caused this: see
 * green_socket_failed_with(). */
static ssize_t end_short(green_socket_io *call, size_t count, size_t size) {
    call->explained = true;
    return green__socket_end(call, green__fail(-ENODATA, "the stream ended after %zu of %zu bytes", count, size));
}

ssize_t green_read_exactly(green_socket *socket, void *bytes, size_t size) {
    green_socket_io call;
    int error = green__socket_begin_sized(socket, &call, GREEN_READING, size);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    size_t count = take(socket, bytes, size);
    ssize_t result = 0;
    while (count < size) {
        result = receive(&call, (char *)bytes + count, size - count, MSG_WAITALL);
        if (result <= 0)
            break;
        count += (size_t)result;
        if (count < size && (result = green__socket_continue(&call)) < 0)
            break;
    }
    if (count == size)
        return green__socket_end(&call, (ssize_t)size);
    if (result == 0)
        return end_short(&call, count, size);
    put_back(socket, bytes, count);
    return green__socket_end(&call, result);
}

void green_consume(green_socket *socket, size_t size) {
    green_unread *unread = &socket->unread;
    GREEN_INVARIANT(size <= unread->count, "green_consume() takes at most the unread bytes");
    socket->borrowed = false;
    unread->bytes += size;
    unread->count -= size;
    if (unread->count == 0 || socket->closed)
        green__socket_drop_unread(socket);
}

/* Receives into a buffer of the engine. If all of them are in use, waits for bytes first
 * and then allocates a chunk, so that an idle socket uses no memory. */
int32_t green__socket_receive_provided(green_socket_io *call, green_unread *unread) {
    green_provided_buffer provided = {0};
    int32_t result = green__socket_run(call, GREEN_OP_RECEIVE_PROVIDED, &provided, 0, 0);
    if (result != -ENOBUFS) {
        if (result > 0)
            *unread = (green_unread){.bytes = provided.bytes, .count = (size_t)result, .provided = provided};
        return result;
    }
    /* The socket may have been closed since the engine reported that. */
    if ((result = green__socket_continue(call)) == 0)
        result = green__socket_run(call, GREEN_OP_POLL, NULL, 0, POLLIN);
    if (result < 0 || (result = green__socket_continue(call)) < 0)
        return result;
    char *chunk = malloc(CHUNK_MIN);
    if (!chunk)
        return -ENOMEM;
    call->socket->hub->fallbacks++;
    result = green__socket_run(call, GREEN_OP_RECEIVE, chunk, CHUNK_MIN, 0);
    if (result > 0)
        *unread = (green_unread){.bytes = chunk, .count = (size_t)result, .chunk = chunk, .capacity = CHUNK_MIN};
    else
        free(chunk);
    return result;
}

/* Bytes from a transport need a chunk. It is allocated once bytes are available. */
static ssize_t receive_chunk(green_socket_io *call) {
    green_socket *socket = call->socket;
    ssize_t available = socket->transport->class->wait_readable(call);
    if (available <= 0)
        return available;
    size_t capacity = available > CHUNK_MIN ? (size_t)available : CHUNK_MIN;
    char *chunk = malloc(capacity);
    if (!chunk)
        return -ENOMEM;
    ssize_t result = socket->transport->class->receive(call, chunk, capacity);
    if (result > 0)
        socket->unread = (green_unread){.bytes = chunk, .count = (size_t)result, .chunk = chunk, .capacity = capacity};
    else
        free(chunk);
    return result;
}

static inline ssize_t receive_provided(green_socket_io *call) {
    return call->socket->transport ? receive_chunk(call) : green__socket_receive_provided(call, &call->socket->unread);
}

/* Gives the caller access to the unread bytes if the call has succeeded. */
static ssize_t end_receive(green_socket_io *call, const void **bytes, ssize_t result) {
    if (result > 0) {
        *bytes = call->socket->unread.bytes;
        call->socket->borrowed = true;
    }
    return green__socket_end(call, result);
}

ssize_t green_receive(green_socket *socket, const void **bytes) {
    green_socket_io call;
    *bytes = NULL;
    int error = green__socket_begin(socket, &call, GREEN_READING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    ssize_t result = (ssize_t)socket->unread.count;
    if (result == 0)
        result = receive_provided(&call);
    return end_receive(&call, bytes, result);
}

/* Moves the unread bytes to the beginning of a chunk with room after them. */
static int make_room(green_socket *socket) {
    green_unread *unread = &socket->unread;
    if (unread->chunk && unread->bytes == unread->chunk && unread->count < unread->capacity)
        return 0;
    size_t capacity = unread->count < CHUNK_MIN / 2 ? CHUNK_MIN : unread->count * 2;
    char *chunk = malloc(capacity);
    if (!chunk)
        return -ENOMEM;
    size_t count = unread->count;
    memcpy(chunk, unread->bytes, count);
    green__socket_drop_unread(socket);
    *unread = (green_unread){.bytes = chunk, .count = count, .chunk = chunk, .capacity = capacity};
    return 0;
}

/* Receives more unread bytes. Returns 0 at the end of the stream. */
static ssize_t receive_more(green_socket_io *call) {
    green_socket *socket = call->socket;
    green_unread *unread = &socket->unread;
    if (unread->count == 0)
        return receive_provided(call);
    ssize_t result = make_room(socket);
    if (result < 0)
        return result;
    result = receive(call, unread->chunk + unread->count, unread->capacity - unread->count, 0);
    if (result > 0)
        unread->count += (size_t)result;
    return result;
}

/* The length of the unread line including its '\n', or 0 if there is none yet. */
static size_t line_length(const green_unread *unread, size_t from) {
    if (unread->count == from)
        return 0;
    const char *end = memchr(unread->bytes + from, '\n', unread->count - from);
    return end ? (size_t)(end - unread->bytes) + 1 : 0;
}

/* Waits for a whole line of at most limit bytes, and returns its length. The end of the
 * stream ends the last line. An interrupt takes effect only if the call has to wait
 * again. */
static ssize_t find_line(green_socket_io *call, size_t limit) {
    const green_unread *unread = &call->socket->unread;
    size_t scanned = 0, length;
    for (bool waited = false; (length = line_length(unread, scanned)) == 0; waited = true) {
        scanned = unread->count;
        if (scanned >= limit)
            return -EMSGSIZE;
        ssize_t more = waited ? green__socket_continue(call) : 0;
        if (more == 0)
            more = receive_more(call);
        if (more < 0)
            return more;
        if (more == 0)
            return (ssize_t)scanned;
    }
    return length <= limit ? (ssize_t)length : -EMSGSIZE;
}

static ssize_t end_line(ssize_t result, size_t limit) {
    return result == -EMSGSIZE ? green__fail(-EMSGSIZE, "cannot read a line of more than %zu bytes", limit) : result;
}

ssize_t green_read_line(green_socket *socket, char *bytes, size_t size) {
    green_socket_io call;
    if (size < 2)
        return green__fail(-EINVAL, "cannot read a line into %zu bytes; it needs at least 2", size);
    int error = green__socket_begin(socket, &call, GREEN_READING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    ssize_t length = find_line(&call, size - 1);
    if (length > 0) {
        take(socket, bytes, (size_t)length);
        bytes[length] = '\0';
    }
    return end_line(green__socket_end(&call, length), size - 1);
}

ssize_t green_receive_line(green_socket *socket, size_t limit, const void **line) {
    green_socket_io call;
    *line = NULL;
    if (limit == 0)
        return green__fail(-EINVAL, "cannot read a line: the limit is 0 bytes; it must be at least 1");
    int error = green__socket_begin(socket, &call, GREEN_READING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    return end_line(end_receive(&call, line, find_line(&call, limit)), limit);
}

/* Waits until size bytes are unread. Returns 0 at the end of the stream. */
static ssize_t gather(green_socket_io *call, size_t size) {
    const green_unread *unread = &call->socket->unread;
    for (bool waited = false; unread->count < size; waited = true) {
        ssize_t more = waited ? green__socket_continue(call) : 0;
        if (more == 0)
            more = receive_more(call);
        if (more <= 0)
            return more;
    }
    return (ssize_t)size;
}

ssize_t green_receive_exactly(green_socket *socket, size_t size, const void **bytes) {
    green_socket_io call;
    *bytes = NULL;
    if (size == 0 || size > SSIZE_MAX)
        return green__fail(-EINVAL, "cannot receive exactly %zu bytes", size);
    int error = green__socket_begin(socket, &call, GREEN_READING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    ssize_t result = gather(&call, size);
    if (result != 0)
        return end_receive(&call, bytes, result);
    size_t count = socket->unread.count;
    green__socket_drop_unread(socket);
    return end_short(&call, count, size);
}
