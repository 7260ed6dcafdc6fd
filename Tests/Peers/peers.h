/* What the tests of patched libraries share. */
#ifndef GREEN_TESTS_PEERS_H
#define GREEN_TESTS_PEERS_H

#include "helpers.h"

/* What Tests/Peers/run says of a server, by an environment variable; without it
 * the test is skipped. */
const char *peer(const char *variable);

/* Loads a library and patches it. */
green_patch *import(const char *library);

/* A port of the loopback interface without a listener. */
int refusing_port(void);

/* Prints a figure; no test depends on one. */
__attribute__((format(printf, 1, 2))) void figure(const char *format, ...);
double seconds_since(int64_t moment);

/* A green thread that calls a library, whatever the call is. Whether it is in
 * the call is known to the test, since nothing else runs in between. */
struct call {
    int (*make)(void *argument);
    void *argument;
    bool is_inside;
    int result;
    int64_t limit; /* of a green_timeout around it; 0: none */
    bool is_late;  /* that has fired */
};
int run_call(void *call); /* function of a thread; returns 0 */

/* Runs it in a green thread, and kills that once it waits in the call. */
void kill_call(struct call *call);

#endif
