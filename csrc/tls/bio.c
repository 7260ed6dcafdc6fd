/* What OpenSSL takes for its network: two pieces of memory. */
#include "connection.h"

#include <stdlib.h>
#include <string.h>

static int bio_read(BIO *bio, char *bytes, int size) {
    green_tls *tls = BIO_get_data(bio);
    green_unread *input = &tls->input;
    BIO_clear_retry_flags(bio);
    if (input->count == 0) {
        if (!tls->cut)
            BIO_set_retry_read(bio);
        return tls->cut ? 0 : -1;
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

static int bio_write(BIO *bio, const char *bytes, int size) {
    green_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    /* OpenSSL answers new keys of the peer also then, and the answer would be
     * taken for plain bytes by a peer that has taken TLS off. */
    if (tls->said_goodbye)
        return size;
    if (!make_room(&tls->output, (size_t)size)) {
        tls->no_memory = true;
        return -1;
    }
    memcpy(tls->output.bytes + tls->output.count, bytes, (size_t)size);
    tls->output.count += (size_t)size;
    return size;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return ((green_tls *)BIO_get_data(bio))->cut;
    default:
        return 0;
    }
}

static BIO_METHOD *method;

/* Before main, so that OS threads need not agree who makes it. */
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
