/* Reads from pipes that never wait, on kernels whose preadv2(2) does not support it. */
#ifndef GREEN_BASE_PIPE_H
#define GREEN_BASE_PIPE_H

#include <sys/types.h>

/* The pipe that splice(2) moves the bytes to, made at the first read. All zero: none. Empty
 * between reads. */
typedef struct green_splice_pipe {
    int read_end, write_end;
} green_splice_pipe;

/* Like read(2), but fails with EAGAIN instead of waiting, also if the descriptor is a
 * blocking one. EINVAL: not a pipe, or not supported. splice(2) has a flag for this, so the
 * flags of the descriptor, which other processes may share, do not change. */
ssize_t green__read_pipe(green_splice_pipe *splice_pipe, int fd, void *bytes, size_t size);

/* Closes the pipe. A forked child must do so, too: it shares the pipe with its parent. */
void green__splice_pipe_close(green_splice_pipe *splice_pipe);

#endif
