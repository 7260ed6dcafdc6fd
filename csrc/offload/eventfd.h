/* Eventfds by which workers and other OS threads wake green threads. Each hub keeps up to
 * eight unused ones, so that most jobs make no descriptor. */
#ifndef GREEN_OFFLOAD_EVENTFD_H
#define GREEN_OFFLOAD_EVENTFD_H

#include "../core/hub_record.h"

/* Returns an eventfd whose counter is 0, owned by the caller, or -errno. Its number is high,
 * see green__move_fd_high(). Must be called on the hub's OS thread. */
int green__eventfd_take(green_hub *hub);

/* Keeps an eventfd for the next green__eventfd_take(). Its counter must be 0, and no thread
 * may write to it any more. Returns false if the hub keeps enough; then the caller still owns
 * it. Must be called on the hub's OS thread. */
bool green__eventfd_put(green_hub *hub, int fd);

#endif
