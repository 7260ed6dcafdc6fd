/* load: many connections in a closed loop. */
#include "tls.h"

#include <string.h>

static green_tls_context *context;
static int64_t connected, messages;
static bool done;

static int talk(void *argument) {
    (void)argument;
    char sent[asked.size], got[asked.size];
    green_socket *socket = open_connection(context);
    connected++;
    memset(sent, 'g', sizeof sent);
    for (; !done; messages++) {
        must(green_write(socket, sent, sizeof sent), "writing");
        must(green_read_exactly(socket, got, sizeof got), "reading");
        if (memcmp(sent, got, sizeof sent) != 0)
            give_up("the echo differs from the message");
    }
    green_socket_release(socket);
    return 0;
}

static void pause_for(double seconds) {
    must(green_sleep((int64_t)(seconds * 1e9)), "sleeping");
}

/* Counts messages as soon as all connections are active. */
static void measure(void) {
    clockid_t clock = clock_of(asked.process);
    while (connected < asked.connections)
        pause_for(0.001);
    pause_for(asked.seconds / 4);
    int64_t first = messages;
    double cpu = ns_of(clock), wall = ns_of(CLOCK_MONOTONIC);
    pause_for(asked.seconds);
    int64_t count = messages - first;
    cpu = ns_of(clock) - cpu;
    wall = ns_of(CLOCK_MONOTONIC) - wall;
    done = true;
    if (count == 0)
        give_up("no reply within %.1f s", asked.seconds);
    printf("{\"count\":%lld,\"cpu_ns\":%.0f,\"wall_ns\":%.0f}\n", (long long)count, cpu, wall);
}

static int talk_or_measure(void *argument) {
    if ((intptr_t)argument < asked.connections)
        return talk(argument);
    measure();
    return 0;
}

void run_load(void) {
    if (asked.process == 0)
        give_up("--pid of the server is missing");
    context = make_context(GREEN_TLS_CLIENT, BULK_SUITE);
    run_threads(asked.connections + 1, talk_or_measure);
    green_tls_context_release(context);
}
