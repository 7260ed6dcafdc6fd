/* Descriptors by which native threads wake green ones. */
#ifndef GREEN_OFFLOAD_EVENTFD_H
#define GREEN_OFFLOAD_EVENTFD_H

#include "../core/hub.h"

/* An eventfd that nobody has written to: an old one, if this OS thread has some.
 * It has none of the lowest numbers, which are for what the program opens, where
 * the system lets it have another. -errno. */
int green__eventfd_take(green_hub *hub);

/* Gives one back that has been read, or that nobody will ever write to. False: there
 * are enough, and it is still the caller's. */
bool green__eventfd_put(green_hub *hub, int fd);

/* Moves a descriptor in the same way. Returns -errno and closes the descriptor if it is
 * below 3 and no other number is free. */
int green__move_fd_high(int fd);

#endif
