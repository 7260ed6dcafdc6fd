/* What the green calls ask about descriptors, and what they share. */
#ifndef GREEN_PATCH_IO_DESCRIPTOR_H
#define GREEN_PATCH_IO_DESCRIPTOR_H

#include "../wait_fds.h"

/* Whether a call on it is to wait: it is open, and without O_NONBLOCK. */
bool green__is_blocking(int fd);

/* What it is, as in S_ISREG(mode), without asking a server of files for it. 0: it
 * is none. */
mode_t green__mode_of(int fd);

/* The deadline of a call that begins now by SO_RCVTIMEO or SO_SNDTIMEO. */
int64_t green__socket_deadline(int fd, int option);

/* A copy of the pieces of a call, from which what is done can be cut off. */
typedef struct green_pieces {
    struct iovec few[8];
    struct iovec *first, *memory;
    size_t count;
} green_pieces;

/* -ENOMEM. */
int green__pieces_copy(green_pieces *pieces, const struct iovec *from, size_t count);
void green__pieces_free(green_pieces *pieces);

/* Cuts bytes off the beginning; false: nothing is left. */
bool green__pieces_cut(green_pieces *pieces, size_t bytes);

/* All of the bytes of some pieces; negative when the kernel is to refuse them. */
ssize_t green__pieces_size(const struct iovec *pieces, int count);

/* recvmsg and sendmsg of a blocking socket, which may park. */
ssize_t green__receive(green_hub *hub, int fd, struct msghdr *message, int flags);
ssize_t green__send(green_hub *hub, int fd, const struct msghdr *message, int flags);

#endif
