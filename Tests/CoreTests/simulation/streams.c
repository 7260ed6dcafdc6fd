/* Streams: each byte arrives once and in order, until the end of the stream. */
#include "helpers.h"
#include "world.h"

#include <sys/socket.h>

enum { PIECE = 20 * 1024 };

static void stream_make(struct stream *stream) {
    uint64_t generation = stream->generation + 1;
    *stream = (struct stream){.generation = generation};
    CHECK(green_socket_pair(&stream->ends[0], &stream->ends[1]), ==, 0);
    for (int i = 0; i < 2; i++)
        kernel_forget(green_socket_fd(stream->ends[i]));
}

/* Closes a stream while other actors use it. */
static void stream_close(struct stream *stream) {
    green_socket *ends[2] = {stream->ends[0], stream->ends[1]};
    stream_make(stream);
    for (int i = 0; i < 2; i++) {
        if (chance(500))
            green_close(ends[i]);
        green_socket_release(ends[i]);
    }
}

void streams_make(void) {
    for (uint32_t i = 0; i < world.stream_count; i++)
        stream_make(&world.streams[i]);
}

/* Returns true if the result shows that the stream cannot be used any more: it was replaced
 * or reset, or the peer has ended it. */
static bool is_over(struct stream *stream, uint64_t generation, int fd, int peer, long result) {
    if (stream->generation != generation) {
        CHECK(result >= 0 || result == -EBADF || is_early(result) || result == -ECONNRESET || result == -EPIPE);
        return true;
    }
    if (result != -ECONNRESET && result != -EPIPE && result != -EBADF)
        return false;
    CHECK(result, !=, -EBADF); /* no actor has closed it */
    if (result == -ECONNRESET)
        CHECK(kernel_has_reset(fd) || kernel_has_reset(peer));
    stream_close(stream);
    return true;
}

static void receive(struct actor *actor, struct stream *stream, int from) {
    struct direction *direction = &stream->directions[from];
    green_socket *socket = green_socket_retain(stream->ends[!from]);
    uint64_t generation = stream->generation;
    int fd = green_socket_fd(socket), peer = green_socket_fd(stream->ends[from]);
    int64_t timeout = some_timeout();
    uint32_t size = 1 + below(chance(800) ? 100 : PIECE);
    bool is_second = direction->reading, in_place = chance(400);
    struct call call;

    /* Separate memory for this call, because the kernel may write there until the call
     * returns. */
    char *incoming = malloc(size);
    const void *bytes = incoming;
    if (!is_second) {
        direction->reading = true;
        green_socket_set_timeouts(socket, timeout, GREEN_FOREVER);
    }
    call_begin(&call, actor, is_second ? GREEN_FOREVER : timeout);
    long result = in_place ? green_receive(socket, &bytes) : green_read(socket, incoming, size);
    if (result > 0 && stream->generation == generation) {
        CHECK(!is_second);
        if (in_place && result > (long)size)
            result = size;
        pattern_check(bytes, (size_t)result, direction->received);
        if (in_place)
            green_consume(socket, (size_t)result);
        direction->received += (uint64_t)result;
        CHECK(direction->received <= direction->sent || direction->torn || direction->writing);
    }
    call_end(&call, result);
    free(incoming);
    if (is_second && stream->generation == generation)
        CHECK(result == -EBUSY || is_early(result));
    else if (!is_over(stream, generation, fd, peer, result)) {
        direction->reading = false;
        if (result == 0)
            CHECK(direction->ended && (direction->torn || direction->received == direction->sent));
        else
            CHECK(result > 0 || is_early(result));
    }
    green_socket_release(socket);
}

static void transmit(struct actor *actor, struct stream *stream, int from) {
    struct direction *direction = &stream->directions[from];
    green_socket *socket = green_socket_retain(stream->ends[from]);
    uint64_t generation = stream->generation;
    int fd = green_socket_fd(socket), peer = green_socket_fd(stream->ends[!from]);
    int64_t timeout = some_timeout();
    uint32_t size = 1 + below(chance(800) ? 100 : PIECE);
    bool is_second = direction->writing, is_whole = chance(500);
    struct call call;

    /* The kernel reads from it until the call returns. */
    char *outgoing = malloc(size);
    pattern_fill(outgoing, size, direction->sent);
    if (!is_second) {
        direction->writing = true;
        green_socket_set_timeouts(socket, GREEN_FOREVER, timeout);
    }
    call_begin(&call, actor, is_second ? GREEN_FOREVER : timeout);
    long result = is_whole ? green_write(socket, outgoing, size) : green_write_some(socket, outgoing, size);
    if (result > 0 && stream->generation == generation) {
        CHECK(!is_second);
        direction->sent += (uint64_t)result;
    }
    call_end(&call, result);
    memset(outgoing, 0, size);
    free(outgoing);
    if (is_second && stream->generation == generation)
        CHECK(result == -EBUSY || is_early(result));
    else if (!is_over(stream, generation, fd, peer, result)) {
        direction->writing = false;
        direction->torn |= is_whole && result < 0;
        CHECK(result > 0 || is_early(result));
        if (direction->torn) /* it is not known what follows */
            stream_close(stream);
    }
    green_socket_release(socket);
}

static void end(struct stream *stream, int from) {
    struct direction *direction = &stream->directions[from];
    if (direction->writing || direction->ended)
        return;
    CHECK(green_shutdown(stream->ends[from], SHUT_WR), ==, 0);
    direction->ended = true;
}

void streams_act(struct actor *actor) {
    struct stream *stream = &world.streams[below(world.stream_count)];
    int from = (int)below(2);
    if (chance(30))
        stream_close(stream);
    else if (chance(30))
        end(stream, from);
    else if (chance(500))
        receive(actor, stream, from);
    else if (!stream->directions[from].ended)
        transmit(actor, stream, from);
}

/* All bytes that were sent can still be read. */
static void read_rest(struct stream *stream, int from) {
    struct direction *direction = &stream->directions[from];
    static char incoming[PIECE];
    long result;
    CHECK(!direction->writing);
    CHECK(!direction->reading);
    end(stream, from);
    green_socket_set_timeouts(stream->ends[!from], 10 * GREEN_SECOND, GREEN_FOREVER);
    while ((result = green_read(stream->ends[!from], incoming, PIECE)) > 0) {
        pattern_check(incoming, (size_t)result, direction->received);
        direction->received += (uint64_t)result;
    }
    if (result == -ECONNRESET)
        CHECK(kernel_has_reset(green_socket_fd(stream->ends[!from])));
    else
        CHECK(result == 0 && direction->received == direction->sent);
}

void streams_end(void) {
    for (uint32_t i = 0; i < world.stream_count; i++) {
        for (int from = 0; from < 2; from++)
            read_rest(&world.streams[i], from);
        for (int from = 0; from < 2; from++)
            green_socket_release(world.streams[i].ends[from]);
    }
}
