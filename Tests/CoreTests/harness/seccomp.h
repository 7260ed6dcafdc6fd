/* Makes the kernel refuse calls, as seccomp filters of container runtimes do. */
#ifndef GREEN_TESTS_SECCOMP_H
#define GREEN_TESTS_SECCOMP_H

/* From now on, the system call fails with the error in this process and its children. This
 * cannot be undone. */
void refuse_call(int number, int error);

/* The same for one opcode of io_uring_register(2). */
void refuse_registration(unsigned opcode, int error);

/* The same for the three calls of io_uring, as in Docker's default profile with EPERM. */
void refuse_uring(int error);

#endif
