/* A kernel that refuses: what seccomp filters of container runtimes do. */
#ifndef GREEN_TESTS_SECCOMP_H
#define GREEN_TESTS_SECCOMP_H

/* From here on, in this process and its children, the system call answers the
 * error. For good. */
void refuse_call(int number, int error);

/* Likewise one operation of io_uring_register(2). */
void refuse_registration(unsigned opcode, int error);

/* The three calls of io_uring, as Docker's default profile does with EPERM. */
void refuse_uring(int error);

#endif
