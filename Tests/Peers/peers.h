/* Shared by the tests of patched libraries. */
#ifndef GREEN_TESTS_PEERS_H
#define GREEN_TESTS_PEERS_H

#include "helpers.h"

/* The description of a server that Tests/Peers/run passes by an environment variable. Skips
 * the test if it is missing. */
const char *peer(const char *variable);

/* Loads a library and patches it. Opens a hub, because patched calls of an OS thread without one
 * block it. */
green_patch *import(const char *library);

/* A port of the loopback interface without a listener. */
int refusing_port(void);

/* Prints a figure; no test depends on one. */
__attribute__((format(printf, 1, 2))) void figure(const char *format, ...);
double seconds_since(int64_t moment);

/* A green thread that makes a call of a library. The test knows whether it is in the call,
 * because no other thread runs in between. */
struct call {
    int (*make)(void *argument);
    void *argument;
    bool has_begun; /* stays true when the call has returned */
    bool is_inside;
    int result;
    int64_t limit; /* of a green_timeout around it; 0: none */
    bool is_late;  /* the timeout has fired */
};
int run_call(void *call); /* function of a thread; returns 0 */

/* Runs it in a green thread, and kills the thread when it waits in the call. */
void kill_call(struct call *call);

#endif
