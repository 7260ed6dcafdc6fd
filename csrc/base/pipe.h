/* Reads from pipes that never wait, on kernels where preadv2(2) cannot do it. */
#ifndef GREEN_BASE_PIPE_H
#define GREEN_BASE_PIPE_H

#include <sys/types.h>

/* The pipe that splice(2) moves the bytes to, made at the first read. All zero: none. It is
 * empty between reads. */
typedef struct green_splice_pipe {
    int read_end, write_end;
} green_splice_pipe;

/* Like read(2), but returns EAGAIN where that would wait, although the descriptor blocks.
 * EINVAL: it is no pipe, or this cannot be done. splice(2) has a flag for that, so this does
 * not change the flags of the descriptor, which other processes may share. */
ssize_t green__read_pipe(green_splice_pipe *splice_pipe, int fd, void *bytes, size_t size);

/* Also in a forked child, which would share the pipe with its parent. */
void green__splice_pipe_close(green_splice_pipe *splice_pipe);

#endif
