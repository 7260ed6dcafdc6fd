/* Short forms for tests: threads, socket pairs, byte patterns, marks. */
#ifndef GREEN_TESTS_HELPERS_H
#define GREEN_TESTS_HELPERS_H

#include "harness.h"

/* Threads ------------------------------------------------------------------ */

/* Starts a thread. finish() waits for it, releases it and returns its result. */
green_thread *start(green_function *function, void *argument);
green_thread *start_named(const char *name, green_function *function, void *argument);
int finish(green_thread *thread);
int kill_and_finish(green_thread *thread);

/* Yields until all threads that can run have parked or finished. */
void let_run(void);

/* Starts a thread that ends in the loop iteration in which the hub's last operation
 * completes. A link then releases the socket before the thread that waited for that
 * operation runs. */
green_thread *release_on_completion(green_socket *socket);

/* Thread function: sleeps for *(int64_t *)argument, or for an hour if argument is NULL.
 * Returns the result. */
int nap(void *argument);

/* Thread function: returns *(int *)argument. */
int give(void *argument);

/* A gate: threads wait until another thread opens it. */
struct door {
    bool is_open;
    int waiting;
};
int wait_at(struct door *door); /* 0 or an interrupt's error */

/* A log of letters, in order. */
void mark(char letter);
const char *marks(void);

/* Thread function: marks the letter that argument points to. */
int mark_it(void *argument);

/* Sockets ------------------------------------------------------------------ */

enum transport { TCP4, TCP6, UNIX_PATH, UNIX_ABSTRACT, UNIX_PAIR, TRANSPORTS };

/* Listens on any free address of the transport, which must not be UNIX_PAIR. NULL if the
 * machine does not have the transport. */
green_listener *listen_any(enum transport transport);

/* The listener's address. The next call overwrites the text. */
const char *address_of(green_listener *listener);

/* Two ends of one connection. */
struct pair {
    green_socket *near, *far;
};
struct pair connected(enum transport transport); /* near is NULL if the machine does not have the transport */
void release_pair(struct pair *pair);

green_socket *connect_to(green_listener *listener);
green_socket *accept_from(green_listener *listener);

/* A new loopback socket, without any use yet. */
int socket_of_type(int type);

/* Detaches the connection of a socket and releases the socket, or attaches it again. */
green_detached_socket *detached_from(green_socket *socket);
green_socket *attached(green_detached_socket *detached);

/* Closes the connection by a reset. */
void reset_and_release(green_socket *socket);

/* Runs body with a pair of each transport that the machine has. */
void with_each_transport(void (*body)(struct pair *pair));

/* Writes the whole string. */
void send_text(green_socket *socket, const char *text);

/* Reads exactly this text, or fails. */
void expect_text(green_socket *socket, const char *text);
void expect_end(green_socket *socket);

/* Bytes -------------------------------------------------------------------- */

/* An endless byte pattern in which a gap, a repetition or a swap is detected. */
void pattern_fill(void *bytes, size_t size, uint64_t position);
void pattern_check(const void *bytes, size_t size, uint64_t position);

/* Thread functions that write size bytes of the pattern, or read and check them. They
 * return 0 or an error; position is the number of bytes so far. */
struct transfer {
    green_socket *socket;
    uint64_t size;
    uint64_t position;
};
int send_pattern(void *transfer);
int receive_pattern(void *transfer);

/* Thread function: sends the same a few bytes at a time, and yields in between. Returns 0. */
int trickle(void *transfer);

/* Pseudo-random numbers, the same in every run. */
uint32_t random_below(uint32_t limit);

/* The process -------------------------------------------------------------- */

/* Runs the body on a hub of each engine that the machine has, selected by GREEN_ENGINE,
 * too. */
void on_each_engine(void (*body)(void));

/* The same on hubs with a virtual clock. */
void in_virtual_time(void (*body)(void));

/* Forks a child that exits at once, and waits for it, so that fork handlers run. */
void fork_and_wait(void);

/* Stops and continues this process several times, as Ctrl-Z or a debugger would, while its
 * green threads run. */
void stop_now_and_then(void);

size_t resident_bytes(void);
size_t address_space_bytes(void);
size_t os_threads(void);

/* A new directory for socket files. remove_directory() removes it with its files. */
const char *make_directory(void);
void remove_directory(void);

#endif
