/* idle, hold: the memory of idle connections. */
#include "tls.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A message that requests the figures, and any other one. */
enum { MESSAGE = 100, MEASURE = 'm', GREETING = 'g' };

/* The server ---------------------------------------------------------------- */

/* A handler, and an address on the first page of its stack. */
typedef struct handler {
    struct handler *next;
    green_thread *thread;
    char *stack;
} handler;

static handler *handlers;

/* The resident memory of the process. /proc/self/statm would lag behind. */
static long resident(void) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "Rss: %ld", &kib);
    if (file)
        fclose(file);
    if (kib < 0)
        give_up("/proc/self/smaps_rollup does not tell what is resident");
    return kib * 1024;
}

/* The part of it that is the handlers' stacks. */
static long resident_stacks(void) {
    long page = sysconf(_SC_PAGESIZE), pages = 0;
    for (handler *h = handlers; h; h = h->next) {
        size_t used = green_thread_stack_used(h->thread);
        char *top = (char *)(((uintptr_t)h->stack | (uintptr_t)(page - 1)) + 1);
        unsigned char present[used / (size_t)page];
        if (mincore(top - used, used, present) < 0)
            give_up("mincore: %m");
        for (size_t i = 0; i < sizeof present; i++)
            pages += present[i] & 1;
    }
    return pages * page;
}

static int wait_idle(green_socket *client, void *context) {
    (void)context;
    char message[MESSAGE];
    handler self = {.next = handlers, .thread = green_current(), .stack = (char *)&self};
    handlers = &self;
    ssize_t count;
    while ((count = green_read_exactly(client, message, sizeof message)) > 0) {
        if (message[0] == MEASURE)
            snprintf(message, sizeof message, "%ld %ld", resident(), resident_stacks());
        if ((count = green_write(client, message, sizeof message)) < 0)
            break;
    }
    for (handler **at = &handlers; *at; at = &(*at)->next)
        if (*at == &self) {
            *at = self.next;
            break;
        }
    return count == -ENODATA ? 0 : (int)count;
}

void run_idle(void) {
    serve_for_ever(wait_idle, make_context(GREEN_TLS_SERVER, BULK_SUITE));
}

/* The client ---------------------------------------------------------------- */

static green_tls_context *context;
static green_socket **sockets;
static int64_t opened, goal;

static void ask(green_socket *socket, char *message, char first) {
    memset(message, first, MESSAGE);
    must(green_write(socket, message, MESSAGE), "writing");
    must(green_read_exactly(socket, message, MESSAGE), "reading");
}

static int open_some(void *argument) {
    (void)argument;
    char message[MESSAGE];
    while (opened < goal) {
        int64_t index = opened++;
        sockets[index] = open_connection(context);
        ask(sockets[index], message, GREETING);
    }
    return 0;
}

static void open_until(int64_t count) {
    goal = count;
    run_threads(asked.at_once, open_some);
}

static void measure(long *total, long *stacks) {
    char message[MESSAGE];
    ask(sockets[0], message, MEASURE);
    if (sscanf(message, "%ld %ld", total, stacks) != 2)
        give_up("the server does not tell its memory; is it green-bench-tls idle?");
}

/* The first connections warm the server up: memory that OpenSSL allocates once does not
 * count as that of a connection. */
void run_hold(void) {
    enum { WARMUP = 32 };
    long total[2], stacks[2];
    context = make_context(GREEN_TLS_CLIENT, BULK_SUITE);
    sockets = calloc((size_t)asked.connections + WARMUP, sizeof(green_socket *));
    if (!sockets)
        give_up("no memory for the connections");
    open_until(WARMUP);
    measure(&total[0], &stacks[0]); /* the first time it takes some memory itself */
    measure(&total[0], &stacks[0]);
    open_until(WARMUP + asked.connections);
    measure(&total[1], &stacks[1]);
    double count = (double)asked.connections;
    printf("{\"connections\":%lld,\"resident_bytes\":%.1f,\"stack_bytes\":%.1f}\n", (long long)asked.connections,
           (double)(total[1] - total[0]) / count, (double)(stacks[1] - stacks[0]) / count);
    for (int64_t i = 0; i < opened; i++)
        green_socket_release(sockets[i]);
    free(sockets);
    green_tls_context_release(context);
}
