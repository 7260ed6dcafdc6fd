/* Moves encrypted bytes between OpenSSL and the descriptor, and performs the handshake. */
#include "connection.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Waiting for each other ---------------------------------------------------- */

static void describe_change(const green_wait *wait, char *text, size_t size) {
    const green_socket *socket = GREEN_CONTAINER(wait, const green_socket_io, io.wait)->socket;
    const green_tls *tls = GREEN_CONTAINER(socket->transport, green_tls, transport);
    char label[GREEN_SOCKET_LABEL_MAX];
    const char *what = tls->in_handshake ? "TLS handshake" : tls->sending ? "write" : "read";
    snprintf(text, size, "waiting for the %s of another thread on %s", what,
             green__socket_label(socket, label, sizeof label));
}

static const green_wait_kind awaiting_change = {green__wait_leave_list, describe_change};

/* Parks until another thread has finished the handshake, a send or a receive. Uses the wait
 * of the call, so that a close of the socket ends it. */
static int await_change(green_socket_io *call, green_tls *tls) {
    green_hub *hub = call->socket->hub;
    int error = green__socket_continue(call);
    if (error < 0)
        return error;
    green__wait_init(hub, &call->io.wait, &awaiting_change);
    green__wait_list_append(&tls->waiters, &call->io.wait);
    return green__wait(hub, &call->io.wait, green__time_left(call->deadline));
}

static void ready_waiters(green_tls *tls) {
    green__ready_all(&tls->waiters);
}

/* Moving encrypted bytes ----------------------------------------------------
 *
 * A call may wait several times. An interrupt or a close may come between two waits, so
 * each wait calls green__socket_continue() first. */

/* Receives into a larger buffer, which takes fewer system calls when data streams. An idle
 * connection holds no such buffer. */
static int32_t receive_stream(green_socket_io *call, green_tls *tls) {
    enum { PIECE = 64 * 1024 };
    char *chunk = malloc(PIECE);
    if (!chunk)
        return green__socket_receive_provided(call, &tls->input);
    int32_t result = green__socket_run(call, GREEN_OP_RECEIVE, chunk, PIECE, 0);
    if (result > 0)
        tls->input = (green_unread){.bytes = chunk, .count = (size_t)result, .chunk = chunk, .capacity = PIECE};
    else
        free(chunk);
    return result;
}

/* Receives input or the end of the stream. Waits if another thread receives. A writer
 * receives too, after the first part of a handshake message such as a ticket. */
static int fill(green_socket_io *call, green_tls *tls) {
    if (tls->receiving)
        return await_change(call, tls);
    if (tls->input.count > 0 || tls->eof)
        return 0;
    int32_t result = green__socket_continue(call);
    if (result < 0)
        return result;
    green__unread_free(tls->socket, &tls->input);
    tls->receiving = true;
    result = tls->streaming ? receive_stream(call, tls) : green__socket_receive_provided(call, &tls->input);
    tls->receiving = false;
    tls->streaming = result >= GREEN_PROVIDED_BUFFER_SIZE;
    tls->eof = result == 0;
    ready_waiters(tls);
    return result < 0 ? result : 0;
}

/* Puts unsent bytes back before the output that was added meanwhile. The next sender
 * continues where the stream stopped. */
static void put_back(green_tls *tls, green_tls_output *rest, size_t sent) {
    green_tls_output *output = &tls->output;
    size_t left = rest->count - sent;
    memmove(rest->bytes, rest->bytes + sent, left);
    rest->count = left;
    if (output->count > 0) {
        if (rest->capacity - left < output->count) {
            char *bytes = realloc(rest->bytes, left + output->count);
            if (!bytes) {
                tls->failure = -ENOMEM;
                goto keep;
            }
            rest->bytes = bytes;
            rest->capacity = left + output->count;
        }
        memcpy(rest->bytes + left, output->bytes, output->count);
        rest->count += output->count;
    }
keep:
    free(output->bytes);
    *output = *rest;
}

/* Bytes that have been sent are no longer pending. */
static void limit_pending_answers(green_tls *tls) {
    if (tls->pending_answers > tls->output.count)
        tls->pending_answers = tls->output.count;
}

static int send_output(green_socket_io *call, green_tls *tls) {
    int error = green__socket_continue(call);
    if (error < 0)
        return error;
    green_tls_output batch = tls->output;
    size_t sent;
    tls->output = (green_tls_output){0};
    tls->sending = true;
    error = green__socket_send_all(call, batch.bytes, batch.count, &sent);
    tls->sending = false;
    if (sent < batch.count) {
        put_back(tls, &batch, sent);
    } else {
        free(batch.bytes);
        limit_pending_answers(tls);
    }
    ready_waiters(tls);
    return error;
}

/* A reader does not wait to send its output, such as the answer to a key update, because
 * the peer may wait for the reader. Bytes that the kernel does not accept now are sent
 * with the next write, unless they become too many. */
void green__tls_try_flush(green_tls *tls) {
    green_tls_output *output = &tls->output;
    if (output->count == 0 || tls->sending)
        return;
    ssize_t sent = send(tls->socket->fd, output->bytes, output->count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0)
        return;
    output->count -= (size_t)sent;
    memmove(output->bytes, output->bytes + sent, output->count);
    limit_pending_answers(tls);
    if (output->count == 0) {
        free(output->bytes);
        *output = (green_tls_output){0};
    }
}

int green__tls_flush(green_socket_io *call, green_tls *tls) {
    while (tls->output.count > 0 || tls->sending) {
        int error = tls->sending ? await_change(call, tls) : send_output(call, tls);
        if (error < 0)
            return error;
    }
    return 0;
}

/* Waits until most answers to the peer are sent. Then lets other threads run if there is
 * more input. */
static int throttle(green_socket_io *call, green_tls *tls) {
    green_hub *hub = call->socket->hub;
    tls->input_reads = 0;
    while (tls->pending_answers > GREEN_TLS_PENDING_ANSWERS_MAX) {
        int error = tls->sending ? await_change(call, tls) : send_output(call, tls);
        if (error < 0)
            return error;
    }
    if (tls->input.count == 0 || hub->current->must_not_block)
        return 0;
    /* Other threads may read this wait; it identifies the caller. */
    green__wait_init(hub, &call->io.wait, &green__socket_wait_kind);
    green__yield(hub);
    return green__socket_continue(call);
}

/* Failing ------------------------------------------------------------------- */

static const char *label(const green_tls *tls, char *text) {
    return green__socket_label(tls->socket, text, GREEN_SOCKET_LABEL_MAX);
}

/* Copies the explanation of an error without the system's text at its end, which
 * green__fail() will append again. */
static char *copy_message(int error) {
    const char *system = green__error_text(error);
    char *message = strdup(green_explain(error)), *tail = NULL;
    for (char *at = message; at && (at = strstr(at, system)); at++)
        tail = at;
    if (tail && tail - message > 2)
        tail[-2] = '\0'; /* ": Protocol error (EPROTO)" */
    return message;
}

/* All later calls fail with the same error and message. */
static int fail_for_good(green_socket_io *call, green_tls *tls, int error) {
    call->explained = true;
    tls->failure = error;
    tls->problem = green_tls_last_problem();
    free(tls->message);
    tls->message = copy_message(error);
    return error;
}

int green__tls_handle_error(green_socket_io *call, green_tls *tls, int result, const char *doing) {
    char text[GREEN_SOCKET_LABEL_MAX];
    int error;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_ZERO_RETURN:
        return 1;
    case SSL_ERROR_WANT_READ:
        if (tls->handshake_done) {
            green__tls_try_flush(tls);
            error = throttle(call, tls);
        } else {
            error = green__tls_flush(call, tls);
        }
        return error < 0 ? error : fill(call, tls);
    default:
        break;
    }
    if (tls->no_memory) {
        tls->no_memory = false;
        return fail_for_good(call, tls, green__fail(-ENOMEM, "%s on %s", doing, label(tls, text)));
    }
    error = fail_for_good(call, tls, green__tls_fail_openssl(tls->ssl, tls->handshake_done, doing, label(tls, text)));
    /* OpenSSL has put an alert for the peer into the output. */
    green__tls_try_flush(tls);
    tls->output.count = tls->pending_answers = 0;
    return error;
}

int green__tls_check(green_socket_io *call, const green_tls *tls) {
    if (GREEN_LIKELY(tls->failure == 0))
        return 0;
    call->explained = true;
    const char *message = tls->message ? tls->message : "the TLS connection has failed before";
    return tls->failure == -EPROTO ? green__tls_fail(tls->problem, "%s", message)
                                   : green__fail(tls->failure, "%s", message);
}

/* The handshake ------------------------------------------------------------- */

static int perform_handshake(green_socket_io *call, green_tls *tls) {
    for (;;) {
        green__tls_clear_errors();
        int result = SSL_do_handshake(tls->ssl);
        if (result == 1) {
            int error = green__tls_flush(call, tls);
            tls->handshake_done = error == 0;
            return error;
        }
        int error = green__tls_handle_error(call, tls, result, "TLS handshake");
        if (error == 1) /* close_notify instead of a hello */
            error = fail_for_good(call, tls, green__tls_fail_openssl(tls->ssl, false, "TLS handshake", "the peer"));
        if (error == 0)
            error = green__socket_continue(call);
        if (error < 0)
            return error;
    }
}

/* A send failed because the peer reset or closed the connection during the handshake. After
 * the handshake a reset is reported as on a plain connection. */
static int fail_lost(green_socket_io *call, green_tls *tls, int error) {
    char text[GREEN_SOCKET_LABEL_MAX];
    bool reset = error == -ECONNRESET;
    error = green__tls_fail(reset ? GREEN_TLS_RESET : GREEN_TLS_TRUNCATED, "TLS handshake on %s: the peer %s",
                            label(tls, text),
                            reset ? "reset the connection" : "closed the connection without close_notify");
    return fail_for_good(call, tls, error);
}

/* Applies the deadline of the handshake or that of the call, whichever is earlier. */
static int perform_handshake_in_time(green_socket_io *call, green_tls *tls) {
    char text[GREEN_SOCKET_LABEL_MAX];
    int64_t limit = green__tls_handshake_timeout(tls->ssl), deadline = call->deadline;
    if (tls->deadline < 0 && limit >= 0)
        tls->deadline = green__time_add(green_now(), limit);
    bool ours = tls->deadline >= 0 && (deadline < 0 || tls->deadline < deadline);
    if (ours)
        call->deadline = tls->deadline;
    int error = ours && green__time_left(call->deadline) == 0 ? -ETIMEDOUT : perform_handshake(call, tls);
    call->deadline = deadline;
    if (error == -ECONNRESET || error == -EPIPE)
        return fail_lost(call, tls, error);
    if (error == -ETIMEDOUT) {
        call->explained = true;
        if (ours)
            green__fail_timed_out(limit, "TLS handshake on %s: not done", label(tls, text));
        else
            green__fail_timed_out(call->timeout, "TLS handshake on %s: not done", label(tls, text));
    }
    return error;
}

int green__tls_handshake(green_socket_io *call, green_tls *tls) {
    while (!tls->handshake_done) {
        int error = green__tls_check(call, tls);
        if (error == 0 && tls->in_handshake) {
            error = await_change(call, tls);
        } else if (error == 0) {
            tls->in_handshake = true;
            error = perform_handshake_in_time(call, tls);
            tls->in_handshake = false;
            ready_waiters(tls);
        }
        if (error < 0)
            return error;
    }
    return green__tls_check(call, tls);
}

/* Sending close_notify ------------------------------------------------------ */

/* OpenSSL does not send close_notify in the middle of a handshake message, for example after
 * half of a ticket. Returns 1 if the peer's close_notify arrives there. */
static int finish_message(green_socket_io *call, green_tls *tls) {
    int error = 0;
    while (error == 0 && SSL_in_init(tls->ssl)) {
        green__tls_clear_errors();
        int result = SSL_do_handshake(tls->ssl);
        if (result == 1)
            break;
        error = green__tls_handle_error(call, tls, result, "cannot end TLS");
        if (error == 0)
            error = green__socket_continue(call);
        if (error == 0)
            error = green__tls_check(call, tls);
    }
    return error;
}

int green__tls_send_close_notify(green_socket_io *call, green_tls *tls) {
    int error = green__tls_handshake(call, tls);
    if (error == 0 && !tls->close_notify_sent)
        error = finish_message(call, tls);
    if (error < 0)
        return error;
    if (!tls->close_notify_sent) {
        green__tls_clear_errors();
        SSL_shutdown(tls->ssl);
        tls->close_notify_sent = true;
    }
    /* An interrupted call may have left it in the output. */
    return green__tls_flush(call, tls);
}
