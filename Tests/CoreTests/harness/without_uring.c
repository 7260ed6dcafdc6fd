/* Runs a command without io_uring, as in most containers. */
#include "seccomp.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr,
                "usage: %s COMMAND [ARGUMENT...]\n"
                "Runs the command with the three io_uring system calls answering EPERM.\n",
                argv[0]);
        return 2;
    }
    refuse_uring(EPERM);
    execvp(argv[1], &argv[1]);
    perror(argv[1]);
    return 127;
}
