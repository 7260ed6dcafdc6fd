/* Where the other end of a descriptor is: in this process, or outside. */
#ifndef GREEN_CORE_VIRTUAL_PEERS_H
#define GREEN_CORE_VIRTUAL_PEERS_H

#include "../engine/engine.h"

/* Whether an operation in progress may be completed by another process: its descriptor is a
 * connection whose other end is there, or on another machine, or it is a terminal. False for
 * a listener, a datagram socket without a peer, and descriptors without another end, such as
 * a signalfd. Makes system calls for each descriptor of the process. */
bool green__op_is_from_outside(const green_op *op);

/* The same for a descriptor. */
bool green__descriptor_is_from_outside(int fd);

#endif
