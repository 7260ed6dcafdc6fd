/* The servers of Tests/Peers/servers, which tests stop, continue and kill. */
#ifndef GREEN_TESTS_SERVERS_H
#define GREEN_TESTS_SERVERS_H

#include "peers.h"

/* A server, by the name that keep_running has for it. Only use its process after a
 * connection to it: after a kill, a new process takes a moment to start. */
int port_of(const char *server);

/* Stops all OS threads of the server. The kernel still accepts connections for it. */
void stop_server(const char *server);
void continue_server(const char *server);

/* Kills the server and waits for its end. */
void kill_server(const char *server);

/* Loads a library, and patches further families and objects. */
green_patch *import_families(const char *library, unsigned families, const char *also);

/* Makes each call in a green thread of its own. Calls open(argument) when all of them wait in
 * their calls at the same time, and waits for their ends. */
void call_together(struct call *calls, size_t count, void (*open)(const char *), const char *argument);

/* Makes each call in a green thread of its own, with a green timeout of a random time up to
 * longest. Returns how many ended without one. */
size_t call_in_a_hurry(struct call *calls, size_t count, int64_t longest);

#endif
