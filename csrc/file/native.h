/* A system call on a native thread of the files' own, with copies of all that it
 * uses: whoever waits for it may be gone before it ends. */
#ifndef GREEN_FILE_NATIVE_H
#define GREEN_FILE_NATIVE_H

#include "file.h"

typedef struct green_native {
    green_job job;
    int64_t (*call)(struct green_native *native); /* its result or -errno */
    int64_t result;
    green_descriptor *descriptor; /* held meanwhile; NULL: none */
    int opened;                   /* a descriptor that nobody has taken yet; -1: none */
    green_listing *listing;       /* likewise */
    int64_t offset;
    size_t length;
    int flags;
    mode_t mode;
    struct stat status;
    const char *second; /* the second one of two paths, in bytes */
    char bytes[];
} green_native;

/* Makes one with so many bytes; NULL without memory, explained. */
green_native *green__native_make(int64_t (*call)(green_native *native), size_t bytes);

/* Runs it and waits. 0, or what kept it from running or ended the wait. */
int green__native_run(green_hub *hub, green_native *native, int64_t timeout);

/* The caller is done with it. NULL does nothing. */
void green__native_release(green_native *native);

/* The same within a call on a file, whose descriptor it holds meanwhile. The
 * result of either. */
int64_t green__native_run_in(green_file_call *call, green_native *native);

#endif
