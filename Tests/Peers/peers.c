#include "peers.h"

#include <arpa/inet.h>
#include <stdarg.h>

const char *peer(const char *variable) {
    const char *text = getenv(variable);
    if (!text)
        skip("Tests/Peers/run starts the servers for this");
    return text;
}

green_patch *import(const char *library) {
    green_patch *patch = NULL;
    CHECK(green_import_patched(&patch, library, NULL), ==, 0);
    CHECK(green_is_patched(library));
    CHECK(green_yield(), ==, 0);
    return patch;
}

int refusing_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket_of_type(SOCK_STREAM);
    CHECK(bind(fd, (struct sockaddr *)&address, size), ==, 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    close(fd);
    return ntohs(address.sin_port);
}

void figure(const char *format, ...) {
    const char *path = getenv("GREEN_PEERS_FIGURES");
    FILE *file = path ? fopen(path, "a") : stderr;
    CHECK(file != NULL);
    va_list values;
    va_start(values, format);
    vfprintf(file, format, values);
    va_end(values);
    fputc('\n', file);
    if (path)
        fclose(file);
}

double seconds_since(int64_t moment) {
    return (double)(green_now() - moment) / (double)GREEN_SECOND;
}

int run_call(void *argument) {
    struct call *call = argument;
    green_timeout *limit = NULL;
    if (call->limit > 0)
        CHECK(green_timeout_start(&limit, call->limit), ==, 0);
    call->has_begun = call->is_inside = true;
    call->result = call->make(call->argument);
    call->is_inside = false;
    if (limit)
        call->is_late = green_timeout_has_fired(limit);
    green_timeout_free(limit);
    return 0;
}

void kill_call(struct call *call) {
    green_thread *thread = start(run_call, call);
    UNTIL(call->is_inside);
    CHECK(green_sleep(50 * GREEN_MILLISECOND), ==, 0);
    CHECK(call->is_inside);
    CHECK(kill_and_finish(thread), ==, 0);
}
