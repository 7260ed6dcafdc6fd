/* Remote threads inside: what the other rooms use. */
#ifndef GREEN_HUBS_REMOTE_THREAD_H
#define GREEN_HUBS_REMOTE_THREAD_H

#include <green/remote_thread.h>

/* Runs function(argument) in a green thread of a hub and waits for it, on any OS thread: for
 * calls on objects of another hub. On the hub itself it calls the function at once. The wait
 * is not interrupted, because the argument may be on the caller's stack; an interrupt stays
 * pending. The caller keeps the hub during the call.
 *
 * Returns the result of the function, whose message becomes the caller's, or the function
 * was not called:
 *   -EWOULDBLOCK  called in a link or a destructor
 *   -ENOMEM       no memory, here or on the hub
 *   -EXDEV        the hub belongs to the process before a fork
 *   -ESRCH        the hub has ended, or its OS thread ended during the call */
int green__hub_call(green_hub *hub, green_function *function, void *argument);

/* The same for a hub that may have been freed: that of an object. */
int green__hub_call_if_open(const green_hub *hub, green_function *function, void *argument);

#endif
