/* The BIO of a connection: OpenSSL reads its input and writes its output, both in memory.
 * A large record may be sent directly, without a copy to the output. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A handshake is not throttled: it is bounded, and each of its steps sends an answer. */
static bool must_throttle(green_tls *tls) {
    return tls->handshake_done &&
           (++tls->input_reads > GREEN_TLS_INPUT_READS_MAX || tls->pending_answers > GREEN_TLS_PENDING_ANSWERS_MAX);
}

static int bio_read(BIO *bio, char *bytes, int size) {
    green_tls *tls = BIO_get_data(bio);
    green_unread *input = &tls->input;
    BIO_clear_retry_flags(bio);
    if (GREEN_UNLIKELY(must_throttle(tls))) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (input->count == 0) {
        if (!tls->eof)
            BIO_set_retry_read(bio);
        return tls->eof ? 0 : -1;
    }
    size_t count = (size_t)size < input->count ? (size_t)size : input->count;
    memcpy(bytes, input->bytes, count);
    input->bytes += count;
    input->count -= count;
    return (int)count;
}

static bool make_room(green_tls_output *output, size_t size) {
    if (output->capacity - output->count >= size)
        return true;
    size_t capacity = output->capacity ? output->capacity : 1024;
    while (capacity - output->count < size)
        capacity *= 2;
    char *bytes = realloc(output->bytes, capacity);
    if (!bytes)
        return false;
    output->bytes = bytes;
    output->capacity = capacity;
    return true;
}

/* Returns the number of bytes of a large record that the kernel accepted. The rest goes to
 * the output. An error is kept in send_error, because the kernel reports it only once. */
static size_t send_directly(green_tls *tls, const char *bytes, size_t size) {
    if (!tls->direct || size < GREEN_TLS_DIRECT_MIN || tls->output.count > 0)
        return 0;
    tls->direct = false;
    ssize_t sent = send(tls->socket->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        tls->send_error = -errno;
    return sent < 0 ? 0 : (size_t)sent;
}

static int bio_write(BIO *bio, const char *bytes, int all) {
    green_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    /* OpenSSL answers key updates even after close_notify. A peer that has ended TLS would
     * read the answer as plain data. */
    if (tls->close_notify_sent)
        return all;
    size_t sent = send_directly(tls, bytes, (size_t)all), size = (size_t)all - sent;
    if (size == 0)
        return all;
    if (!make_room(&tls->output, size)) {
        tls->no_memory = true;
        return sent > 0 ? (int)sent : -1;
    }
    memcpy(tls->output.bytes + tls->output.count, bytes + sent, size);
    tls->output.count += size;
    if (!tls->writing)
        tls->pending_answers += size;
    return all;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return ((green_tls *)BIO_get_data(bio))->eof;
    default:
        return 0;
    }
}

static BIO_METHOD *method;

/* Before main(), so that OS threads do not race to make it. */
__attribute__((constructor)) static void make_method(void) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "green");
    if (!method)
        return;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
}

BIO *green__tls_bio(green_tls *tls) {
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}
