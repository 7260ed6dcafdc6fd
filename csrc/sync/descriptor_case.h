/* The readiness of a descriptor as a case of a select, for other kinds of cases. */
#ifndef GREEN_SYNC_DESCRIPTOR_CASE_H
#define GREEN_SYNC_DESCRIPTOR_CASE_H

#include "../core/select.h"

/* The ready events of poll(2) at this time; 0: none; or -EBADF. */
int green__descriptor_case_poll(int fd, int events);

/* Begins the wait of a case, of a given kind, for a descriptor. */
void green__descriptor_case_enter(green_case_wait *wait, const green_wait_kind *kind, int fd, int events);

/* The leave() of its kind. */
void green__descriptor_case_leave(green_case_wait *wait, green_hub *hub);

/* The ready events of a wait that was served. */
int green__descriptor_case_events(const green_case_wait *wait);

#endif
