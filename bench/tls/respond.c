/* respond: sends a response of 100 bytes in three pieces, and counts its TCP segments. */
#include "tls.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

enum { PIECES = 3, RESPONSE = 100 };

/* The number of segments with data that TCP has sent. It is one for each send of so few
 * bytes, because TCP_NODELAY is set and loopback loses nothing. */
static uint32_t segments(green_socket *socket) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(green_socket_fd(socket), IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        give_up("TCP_INFO: %m");
    return info.tcpi_data_segs_out;
}

static uint64_t system_calls(void) {
    green_statistics statistics;
    must(green_hub_statistics(&statistics), "asking for counts");
    return statistics.system_calls;
}

static void respond(green_socket *client) {
    static char text[RESPONSE];
    struct iovec pieces[PIECES] = {{text, 20}, {text + 20, 30}, {text + 50, 50}};
    if (!asked.apart) {
        must(green_writev(client, pieces, PIECES), "writing");
        return;
    }
    for (int i = 0; i < PIECES; i++)
        must(green_write(client, pieces[i].iov_base, pieces[i].iov_len), "writing");
}

/* Sends a response for each received byte on one connection. The first is not counted,
 * because the handshake precedes it. */
void run_respond(void) {
    green_tls_context *context = make_context(GREEN_TLS_SERVER, BULK_SUITE);
    green_listener *listener = open_listener(context);
    green_socket *client;
    must(green_accept(listener, &client), "accepting");
    int64_t responses = -1;
    uint32_t first_segment = 0;
    uint64_t first_call = 0;
    char byte;
    ssize_t count;
    while ((count = green_read(client, &byte, 1)) > 0) {
        respond(client);
        if (responses++ < 0) {
            first_segment = segments(client);
            first_call = system_calls();
        }
    }
    must(count, "reading");
    if (responses < 1)
        give_up("the client requested only one response");
    printf("{\"responses\":%lld,\"sends\":%u,\"system_calls\":%llu}\n", (long long)responses,
           segments(client) - first_segment, (unsigned long long)(system_calls() - first_call));
    green_socket_release(client);
    green_listener_release(listener);
    green_tls_context_release(context);
}
