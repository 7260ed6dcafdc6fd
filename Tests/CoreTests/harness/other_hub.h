/* A hub on another OS thread. */
#ifndef GREEN_TESTS_OTHER_HUB_H
#define GREEN_TESTS_OTHER_HUB_H

#include "os_threads.h"

/* A hub whose main context waits until the test ends it. */
struct other_hub {
    green_hub *hub; /* the test's reference */
    struct os_thread os_thread;
    green_promise *ready, *end;
};

void other_hub_start(struct other_hub *other);

/* Waits until the green threads of the hub have finished, closes the hub and ends its OS
 * thread. */
void other_hub_close(struct other_hub *other);

/* Ends the OS thread although the hub may be in use. */
void other_hub_lose(struct other_hub *other);

/* Releases the test's reference, after one of these calls. */
void other_hub_release(struct other_hub *other);

/* Starts function(argument) in a green thread of the hub. */
green_remote_thread *spawn_on(green_hub *hub, green_function *function, void *argument);

/* Waits for the thread, releases the handle, and returns the result. */
int remote_end(green_remote_thread *thread);

/* Does both. */
int on_hub(green_hub *hub, green_function *function, void *argument);

/* Keeps a hub busy, so that it runs nothing else, from the call until busy_end(). */
struct busy {
    green_remote_thread *thread;
    bool begun, ends; /* atomic */
};
void busy_begin(struct busy *busy, green_hub *hub);
void busy_end(struct busy *busy);

#endif
