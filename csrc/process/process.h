/* Child processes: the kernel's side of them. */
#ifndef GREEN_PROCESS_PROCESS_H
#define GREEN_PROCESS_PROCESS_H

#include "../offload/job.h"

#include <green/process.h>

/* A process that has been started. */
typedef struct green_child {
    pid_t pid;
    int pidfd;
} green_child;

/* Starts the program on a native thread. fds are what it is to have as its
 * standard descriptors, and stay the caller's. 0 or -errno, explained. */
int green__process_start(green_hub *hub, green_child *started, const char *program, const char *const *arguments,
                         const green_process_options *options, const int fds[3]);

/* Looks whether it has ended: 1 and how, 0, or -errno. */
int green__process_collect(int pidfd, green_process_end *end);

/* -errno */
int green__process_send_signal(int pidfd, int number);

/* Takes a pidfd over, and collects its process when that ends. */
void green__process_reap(int pidfd);

#endif
