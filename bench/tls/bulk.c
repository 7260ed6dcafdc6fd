/* send, receive: one direction, 16 KiB at a time. */
#include "tls.h"

#include <string.h>

void run_send(void) {
    static char piece[PIECE];
    green_tls_context *context = make_context(GREEN_TLS_CLIENT, BULK_SUITE);
    green_socket *socket = open_connection(context);
    struct account account = {.warmup = asked.warmup};
    memset(piece, 'g', sizeof piece);
    while (account.bytes < asked.bytes + asked.warmup) {
        must(green_write(socket, piece, sizeof piece), "writing");
        account_add(&account, sizeof piece);
    }
    account_print(&account);
    must(green_shutdown(socket, SHUT_WR), "ending the stream");
    /* A close with unread session tickets would reset the connection. */
    must(green_read(socket, piece, sizeof piece), "waiting for the receiver to end");
    green_socket_release(socket);
    green_tls_context_release(context);
}

void run_receive(void) {
    static char piece[PIECE];
    green_tls_context *context = make_context(GREEN_TLS_SERVER, BULK_SUITE);
    green_listener *listener = open_listener(context);
    green_socket *socket;
    must(green_accept(listener, &socket), "accepting");
    struct account account = {.warmup = asked.warmup};
    ssize_t count;
    while ((count = green_read(socket, piece, sizeof piece)) > 0)
        account_add(&account, count);
    must(count, "reading");
    account_print(&account);
    green_socket_release(socket);
    green_listener_release(listener);
    green_tls_context_release(context);
}
