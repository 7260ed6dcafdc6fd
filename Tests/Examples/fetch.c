/* The fetcher in C. */
#include "program.h"

#include <fcntl.h>

/* Reads a request to its empty line. */
static void expect_request(int fd, const char *first) {
    char bytes[1024] = "";
    for (size_t size = 0; !strstr(bytes, "\r\n\r\n"); size++)
        CHECK(recv(fd, bytes + size, size < sizeof bytes - 1, 0), ==, 1);
    CHECK_CONTAINS(bytes, first);
}

/* Answers, and waits until the program has closed the connection. */
static void answer(int fd, const char *text) {
    char byte;
    send_on(fd, text);
    CHECK(shutdown(fd, SHUT_WR), ==, 0);
    CHECK(recv(fd, &byte, 1, 0), ==, 0);
    close(fd);
}

static const char *url_of(int port, const char *path) {
    static char urls[3][64];
    static int next;
    char *url = urls[next++ % 3];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%d%s", port, path);
    return url;
}

/* "200        12 bytes    0.001 s  http://...", whatever the time is. */
static void expect_page(struct program *program, int status, size_t size, const char *url) {
    int got_status = 0;
    size_t got_size = 0;
    char got_url[64] = "";
    const char *line = next_line(program);
    CHECK(sscanf(line, "%d %zu bytes %*f s %63s", &got_status, &got_size, got_url), ==, 3);
    CHECK(got_status, ==, status);
    CHECK(got_size, ==, size);
    CHECK_TEXT(got_url, url);
}

TEST(at_a_time, "fetches two pages at the same time, and the third when one is complete") {
    int port;
    int listener = listen_on_loopback(&port);
    const char *one = url_of(port, "/one?x=1"), *two = url_of(port, ""), *three = url_of(port, "/three");
    struct program program = run_example((const char *const[4]){"2", one, two, three});
    int first = accept_on(listener), second = accept_on(listener);
    expect_request(first, "GET /one?x=1 HTTP/1.0\r\n");
    expect_request(second, "GET / HTTP/1.0\r\n");
    CHECK(fcntl(listener, F_SETFL, O_NONBLOCK), ==, 0);
    CHECK(accept(listener, NULL, NULL), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(fcntl(listener, F_SETFL, 0), ==, 0);
    answer(second, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello, world");
    int third = accept_on(listener);
    expect_request(third, "GET /three HTTP/1.0\r\n");
    answer(third, "HTTP/1.1 404 Not Found\r\n\r\n");
    answer(first, "HTTP/1.1 200 OK\n\n\n");
    expect_page(&program, 200, 12, two);
    expect_page(&program, 404, 0, three);
    expect_page(&program, 200, 1, one);
    CHECK(end_of(&program), ==, 0);
    close(listener);
}

/* The program reports the error in the answer and ends with status 1. */
static void expect_error(const char *text, const char *error) {
    int port;
    int listener = listen_on_loopback(&port);
    struct program program = run_example((const char *const[4]){"1", url_of(port, "/")});
    int fd = accept_on(listener);
    expect_request(fd, "GET / HTTP/1.0\r\n");
    answer(fd, text);
    CHECK_CONTAINS(next_line(&program), error);
    CHECK(WEXITSTATUS(end_of(&program)), ==, 1);
    close(listener);
}

TEST(answers, "an answer without a head, or with half of one, is an error") {
    expect_error("", "Protocol error");
    expect_error("220 not HTTP\r\n\r\n", "Protocol error");
    expect_error("HTTP/1.0 200 OK\r\nServer: ", "Protocol error");
}

TEST(others, "a page that cannot be fetched is explained, and the others are fetched") {
    int port, refusing;
    int listener = listen_on_loopback(&port);
    close(listen_on_loopback(&refusing));
    const char *url = url_of(port, "/");
    struct program program = run_example((const char *const[4]){"1", "https://127.0.0.1/", url_of(refusing, "/"), url});
    CHECK_CONTAINS(next_line(&program), "https://127.0.0.1/: expected http://HOST[:PORT][/PATH]");
    CHECK_CONTAINS(next_line(&program), "ECONNREFUSED");
    int fd = accept_on(listener);
    expect_request(fd, "GET / HTTP/1.0\r\n");
    answer(fd, "HTTP/1.0 200 OK\r\n\r\nx");
    expect_page(&program, 200, 1, url);
    CHECK(WEXITSTATUS(end_of(&program)), ==, 1);
    close(listener);
}

TEST(bad_urls, "a URL without a host or with an invalid port is an error, not a request to port 80") {
    static const char *const urls[] = {"http://",
                                       "http://127.0.0.1:x/",
                                       "http://127.0.0.1:-1/",
                                       "http://127.0.0.1:65536/",
                                       "http://127.0.0.1:?q",
                                       "http://[::1]:80/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct program program = run_example((const char *const[4]){"1", urls[i]});
        CHECK_CONTAINS(next_line(&program), ": expected http://HOST[:PORT][/PATH]");
        CHECK(WEXITSTATUS(end_of(&program)), ==, 1);
    }
}

TEST(usage, "prints its usage when asked, and with status 2 without a number or a URL") {
    struct program program = run_example((const char *const[4]){"--help"});
    CHECK_CONTAINS(next_line(&program), "usage: ");
    CHECK(end_of(&program), ==, 0);
    program = run_example((const char *const[4]){"http://127.0.0.1/", "http://127.0.0.1/"});
    CHECK_CONTAINS(next_line(&program), "usage: ");
    CHECK(WEXITSTATUS(end_of(&program)), ==, 2);
}
