/* What the green calls ask about descriptors, and what they share. */
#ifndef GREEN_PATCH_IO_DESCRIPTOR_H
#define GREEN_PATCH_IO_DESCRIPTOR_H

#include "../wait_fds.h"

/* Whether a call on it is to wait: it is open, and without O_NONBLOCK. */
bool green__fd_is_blocking(int fd);

/* What it is, as in S_ISREG(mode), without asking a server of files for it. 0: it
 * is none. */
mode_t green__fd_mode(int fd);

/* The deadline of a call that begins now by SO_RCVTIMEO or SO_SNDTIMEO. */
int64_t green__socket_deadline(int fd, int option);

/* A copy of the pieces of a call, from which what is done can be cut off. */
typedef struct green_iovecs {
    struct iovec few[8];
    struct iovec *first, *memory;
    size_t count;
} green_iovecs;

/* -ENOMEM. */
int green__iovecs_copy(green_iovecs *pieces, const struct iovec *from, size_t count);
void green__iovecs_free(green_iovecs *pieces);

/* Cuts bytes off the beginning; false: nothing is left. */
bool green__iovecs_advance(green_iovecs *pieces, size_t bytes);

/* All of the bytes of some pieces; negative when the kernel is to refuse them. */
ssize_t green__iovecs_size(const struct iovec *pieces, int count);

/* recvmsg and sendmsg of a blocking socket, which may park. */
ssize_t green__patch_receive(green_hub *hub, int fd, struct msghdr *message, int flags);
ssize_t green__patch_send(green_hub *hub, int fd, const struct msghdr *message, int flags);

#endif
