/* Fetches web pages, N at a time, and prints the status, size and time of each. */
#include <green/green.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
static int get(const char *url) {
    char host[256], line[4096];
    int port = 80, status = 0, end = 0; /* end: of the host and the port in url */
    int64_t start = green_now();
    green_socket *socket = NULL;
    const void *bytes;
    size_t size = 0;
    if (sscanf(url, "http://%255[^/:?#]%n:%d%n", host, &end, &port, &end) < 1 || port < 0 || port > UINT16_MAX ||
        (url[end] != '/' && url[end] != '\0') || strlen(url) > sizeof line / 2)
        return -EINVAL;
    snprintf(line, sizeof line, "GET %s HTTP/1.0\r\nHost: %s:%d\r\n\r\n", url[end] ? url + end : "/", host, port);
    ssize_t count = green_connect_host(&socket, host, (uint16_t)port, NULL);
    count = count < 0 ? count : green_write(socket, line, strlen(line));
    while (count > 0 && (count = green_read_line(socket, line, sizeof line)) > 0 && !strchr("\r\n", line[0]))
        sscanf(line, "HTTP/%*u.%*u %d", &status);
    if (count >= 0 && (count == 0 || status == 0))
        count = -EPROTO;
    for (; count > 0 && (count = green_receive(socket, &bytes)) > 0; size += count)
        green_consume(socket, count);
    if (count == 0)
        printf("%d %9zu bytes %8.3f s  %s\n", status, size, (double)(green_now() - start) / GREEN_SECOND, url);
    green_socket_release(socket);
    return (int)count;
}

static int fetch(void *url) {
    green_timeout *limit = NULL;
    int error = green_timeout_start(&limit, 30 * GREEN_SECOND);
    if (error < 0 || (error = get(url)) < 0)
        fprintf(stderr, "%s: %s\n", (char *)url,
                error == -EINVAL ? "expected http://HOST[:PORT][/PATH]" : green_explain(error));
    failures += error < 0;
    green_timeout_free(limit);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3 || atol(argv[1]) < 1) {
        fprintf(stderr, "usage: %s N URL..., for example 10 http://127.0.0.1:8000/\n", argv[0]);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    green_pool *pool = NULL;
    int error = green_pool_make(&pool, atol(argv[1]));
    for (int i = 2; error == 0 && i < argc; i++)
        error = green_pool_spawn(pool, NULL, NULL, fetch, argv[i], GREEN_FOREVER);
    if (error < 0 || (error = green_pool_wait(pool, GREEN_FOREVER)) < 0)
        fprintf(stderr, "%s: %s\n", argv[0], green_explain(error));
    green_pool_free(pool);
    return error < 0 || failures > 0;
}
