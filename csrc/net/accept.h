/* Accepting without waiting. */
#ifndef GREEN_NET_ACCEPT_H
#define GREEN_NET_ACCEPT_H

#include "listener.h"

/* Accepts a connection from the queue, even while another thread waits for one. -EAGAIN:
 * the queue is empty. */
int green__listener_accept_now(green_listener *listener, green_socket **socket);

#endif
