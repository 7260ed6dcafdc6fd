/* What makes a test a few lines: threads, socket pairs, byte patterns, marks. */
#ifndef GREEN_TESTS_HELPERS_H
#define GREEN_TESTS_HELPERS_H

#include "harness.h"

/* Threads ------------------------------------------------------------------ */

/* A new thread; finish() waits for it, releases it and returns its result. */
green_thread *start(green_function *function, void *argument);
green_thread *start_named(const char *name, green_function *function, void *argument);
int finish(green_thread *thread);
int kill_and_finish(green_thread *thread);

/* Yields often enough that whoever can go on has parked again or finished. */
void let_run(void);

/* Starts a thread that ends in the turn in which the hub's last operation completes. A
 * link then releases the socket, before the thread that waited for that operation runs. */
green_thread *release_on_completion(green_socket *socket);

/* Function of a thread: sleeps for *(int64_t *)argument, for an hour without
 * one, and returns the result of that. */
int nap(void *argument);

/* Function of a thread: returns *(int *)argument. */
int give(void *argument);

/* A door that threads wait at until somebody opens it. */
struct door {
    bool is_open;
    int waiting;
};
int wait_at(struct door *door); /* 0, or what interrupted it */

/* A log of single letters, in the order they came. */
void mark(char letter);
const char *marks(void);

/* Function of a thread: marks the letter that its argument points to. */
int mark_it(void *argument);

/* Sockets ------------------------------------------------------------------ */

enum transport { TCP4, TCP6, UNIX_PATH, UNIX_ABSTRACT, UNIX_PAIR, TRANSPORTS };

/* A listener on any free address of the transport, never UNIX_PAIR. NULL where
 * the machine has no such transport. */
green_listener *listen_any(enum transport transport);

/* Where it listens, as text that the next call reuses. */
const char *address_of(green_listener *listener);

/* Two ends of one connection. */
struct pair {
    green_socket *near, *far;
};
struct pair connected(enum transport transport); /* near is NULL: no such transport */
void release_pair(struct pair *pair);

green_socket *connect_to(green_listener *listener);
green_socket *accept_from(green_listener *listener);

/* A new descriptor of a loopback socket that nothing has been done with. */
int socket_of_type(int type);

/* Closes with a reset instead of an end of stream. */
void reset_and_release(green_socket *socket);

/* Runs body with a new pair of each transport of this machine. */
void with_each_transport(void (*body)(struct pair *pair));

/* Writes a string, all of it. */
void send_text(green_socket *socket, const char *text);

/* Reads exactly the text, or fails. */
void expect_text(green_socket *socket, const char *text);
void expect_end(green_socket *socket);

/* Bytes -------------------------------------------------------------------- */

/* An endless stream of bytes in which a gap, a repeat or a swap shows. */
void pattern_fill(void *bytes, size_t size, uint64_t position);
void pattern_check(const void *bytes, size_t size, uint64_t position);

/* Threads that write, or read and check, size bytes of the pattern. They return
 * 0, or the error that ended them; position tells how far they came. */
struct transfer {
    green_socket *socket;
    uint64_t size;
    uint64_t position;
};
int send_pattern(void *transfer);
int receive_pattern(void *transfer);

/* Small numbers that are random enough, the same in every run. */
uint32_t random_below(uint32_t limit);

/* The process -------------------------------------------------------------- */

/* Runs the body on a hub of each engine that this machine has, also by GREEN_ENGINE. */
void on_each_engine(void (*body)(void));

/* Forks a child that does nothing, and waits for it: for the sake of those that have
 * something to do at a fork. */
void fork_and_wait(void);

/* Has this process stopped and continued several times, as by Ctrl-Z or a debugger,
 * while its green threads run. */
void stop_now_and_then(void);

size_t resident_bytes(void);
size_t address_space_bytes(void);
size_t os_threads(void);

/* A new directory for socket files, removed with all in it by remove_directory(). */
const char *make_directory(void);
void remove_directory(void);

#endif
