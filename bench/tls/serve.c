/* answer, echo: the servers. */
#include "tls.h"

/* Exactly the response of `openssl s_server -WWW` for a file of 100 bytes. */
static const char head[] = "HTTP/1.0 200 ok\r\nContent-type: text/plain\r\n\r\n";
static const char body[100] = {0};

enum { LINE_MAX_BYTES = 4096 };

static int answer(green_socket *client, void *context) {
    (void)context;
    char line[LINE_MAX_BYTES];
    ssize_t count = green_read_line(client, line, sizeof line);
    struct iovec pieces[] = {{(void *)head, sizeof head - 1}, {(void *)body, sizeof body}};
    if (count > 0)
        count = green_writev(client, pieces, 2);
    return count < 0 ? (int)count : 0;
}

void run_answer(void) {
    serve_for_ever(answer, make_context(GREEN_TLS_SERVER, NULL));
}

/* Messages of --size bytes arrive one at a time, so each read returns one. */
static int echo(green_socket *client, void *context) {
    (void)context;
    char message[4096];
    ssize_t count;
    while ((count = green_read(client, message, sizeof message)) > 0)
        if ((count = green_write(client, message, (size_t)count)) < 0)
            break;
    return (int)count;
}

void run_echo(void) {
    serve_for_ever(echo, make_context(GREEN_TLS_SERVER, BULK_SUITE));
}
