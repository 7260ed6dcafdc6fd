/* Child processes: starting them and collecting their exit status. */
#ifndef GREEN_PROCESS_PROCESS_H
#define GREEN_PROCESS_PROCESS_H

#include "../offload/job.h"

#include <green/process.h>

/* A started process. */
typedef struct green_child {
    pid_t pid;
    int pidfd;
} green_child;

/* Starts the program on an OS thread. fds become its standard descriptors; the caller still
 * owns them. Returns 0 or -errno, explained. */
int green__process_start(green_hub *hub, green_child *started, const char *program, const char *const *arguments,
                         const green_process_options *options, const int fds[3]);

/* Collects the exit status without waiting. Returns 1 and stores it, 0 if the process still
 * runs, or -errno. */
int green__process_collect(int pidfd, green_process_end *end);

/* Sends a signal. Returns 0 or -errno. */
int green__process_send_signal(int pidfd, int number);

/* Takes ownership of a pidfd, and collects its process when that ends. */
void green__process_reap(int pidfd);

#endif
