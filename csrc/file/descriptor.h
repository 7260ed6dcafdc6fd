/* The descriptor of a file, with a use count. */
#ifndef GREEN_FILE_DESCRIPTOR_H
#define GREEN_FILE_DESCRIPTOR_H

/* The file owns one use. Each request owns another one until it ends, because it may
 * outlive the call that made it. The last release closes the descriptor, so a request
 * never works on a reused number. */
typedef struct green_file_descriptor {
    int fd;
    int uses;
} green_file_descriptor;

/* Makes one with a single use. NULL: no memory; the caller still owns fd. */
green_file_descriptor *green__file_descriptor_make(int fd);

/* Adds a use, and returns the descriptor. */
green_file_descriptor *green__file_descriptor_retain(green_file_descriptor *descriptor);

/* Releases a use. Returns fd, which the caller then owns, if it was the last one, else
 * -1. Any OS thread may call it. */
int green__file_descriptor_release(green_file_descriptor *descriptor);

/* Releases a use, and closes fd if it was the last one. Returns 0 or the -errno of
 * close(2). Any OS thread may call it. */
int green__file_descriptor_close(green_file_descriptor *descriptor);

#endif
