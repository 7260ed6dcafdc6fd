/* Child processes: the kernel's side of them. */
#ifndef GREEN_PROCESS_PROCESS_H
#define GREEN_PROCESS_PROCESS_H

#include "../offload/job.h"

#include <green/process.h>

/* A process that has been started. */
typedef struct green_started {
    pid_t pid;
    int pidfd;
} green_started;

/* Starts the program on a native thread. fds are what it is to have as its
 * standard descriptors, and stay the caller's. 0 or -errno, explained. */
int green__start(green_hub *hub, green_started *started, const char *program, const char *const *arguments,
                 const green_process_options *options, const int fds[3]);

/* Looks whether it has ended: 1 and how, 0, or -errno. */
int green__collect(int pidfd, green_process_end *end);

/* -errno */
int green__signal(int pidfd, int number);

/* Takes a pidfd over, and collects its process when that ends. */
void green__reap(int pidfd);

#endif
