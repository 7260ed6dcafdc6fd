/* Easy handles of libcurl, and a Green server for them on the same OS thread. */
#ifndef GREEN_TESTS_TRANSFERS_H
#define GREEN_TESTS_TRANSFERS_H

#include "peers.h"

#include <curl/curl.h>

/* Answers requests when crowd requests have arrived: /12 gets "answer to /12". /silent gets no
 * answer, /cut gets half of one. */
struct web_server {
    green_listener *listener;
    char address[GREEN_ADDRESS_TEXT_MAX];
    green_thread *thread;
    size_t crowd, inside, most;
};
void begin_web_server(struct web_server *server, size_t crowd);
void end_web_server(struct web_server *server);

/* A transfer and its result. */
struct transfer_by_curl {
    const char *address;
    const char *scheme; /* "http" */
    const char *path;
    const struct curl_blob *authorities;
    long timeout; /* libcurl's own, in milliseconds; 0: none */
    CURLcode code;
    size_t size;
    char body[128];
    char error[CURL_ERROR_SIZE];
};
int make_transfer(void *transfer); /* the make() of a call; returns the code */

/* Runs this many transfers at the same time; none ends before all have started. Returns the
 * seconds that it took. */
enum { TRANSFERS = 100 };
double transfer_together(struct web_server *server, const char *scheme, const struct curl_blob *authorities);

#endif
