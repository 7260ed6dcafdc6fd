/* An example that runs as a process, and blocking sockets to talk to it. */
#ifndef GREEN_TESTS_PROGRAM_H
#define GREEN_TESTS_PROGRAM_H

#include "helpers.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct program {
    pid_t pid;
    FILE *output; /* standard output and standard error */
};

/* Runs EXAMPLE with up to four arguments; NULL ends them. It is killed if the test ends first. */
struct program run_example(const char *const arguments[4]);

/* The next line of its output, without the '\n', in memory that the next call reuses. At the
 * end of the output, the test fails. */
const char *next_line(struct program *program);

/* The port in "listening on 127.0.0.1:PORT", which is the next line. */
int next_port(struct program *program);

/* Waits for its end and returns its status as waitpid(2) does. No output may be left. */
int end_of(struct program *program);

/* Blocking sockets on loopback. */
int connect_to_port(int port);
int listen_on_loopback(int *port);
int accept_on(int listener);

/* Sends a text, all of it. Reads exactly a text, or fails. */
void send_on(int fd, const char *text);
void expect_on(int fd, const char *text);

/* Closes with a reset instead of an end of stream. */
void reset_on(int fd);

#endif
