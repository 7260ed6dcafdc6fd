/* A system call that is made elsewhere: by the engine, or on a native thread of the
 * files' own. It has copies of all that it uses, since whoever waits for it may be
 * gone before it ends. */
#ifndef GREEN_FILE_REQUEST_H
#define GREEN_FILE_REQUEST_H

#include "file.h"

typedef struct green_file_request green_file_request;

typedef struct green_file_request_kind {
    const char *verb;                            /* "renaming" */
    int64_t (*run)(green_file_request *request); /* its result or -errno */
    bool has_op;                                 /* which does the same as this operation */
    green_op_kind op;
    void (*finish)(green_file_request *request); /* when that has ended; NULL: nothing is left to do */
} green_file_request_kind;

struct green_file_request {
    green_job job;
    const green_file_request_kind *kind;
    green_op op;
    green_wait *waiting; /* for the engine; NULL: nobody */
    bool begun;          /* by that */
    int64_t result;
    green_file_descriptor *descriptor; /* held meanwhile; NULL: none */
    const green_file_call *call;       /* for which it is, while that waits; NULL: for none */
    bool opens_fifo;                   /* of opening run: else it opens none, and stays without one */
    int opened;                        /* a descriptor that nobody has taken yet; -1: none */
    green_listing *listing;            /* likewise */
    int64_t offset;
    size_t length;
    int flags;
    mode_t mode;
    struct stat status;
    struct statx extended; /* which is how the engine tells it */
    const char *second;    /* the second one of two paths, in bytes */
    char bytes[];
};

/* Makes one with so many bytes; NULL without memory, explained. */
green_file_request *green__file_request_make(const green_file_request_kind *kind, size_t bytes);

/* Runs it and waits. 0, or what kept it from running or ended the wait. */
int green__file_request_run(green_hub *hub, green_file_request *request, int64_t timeout);

/* The same on names: 0, or an error that tells of these, that of the call too. */
int green__file_request_run_on_paths(green_hub *hub, green_file_request *request, int64_t timeout);

/* The caller is done with it. NULL does nothing. */
void green__file_request_release(green_file_request *request);

/* That of closing what is opened. A close by the engine would end before the kernel
 * has let go of the file. */
extern const green_file_request_kind green__file_request_close;

/* The finish of one that asks for the status. */
void green__file_request_take_status(green_file_request *request);

/* The same within a call on a file, whose descriptor it holds meanwhile. The
 * result of either. */
int64_t green__file_request_run_in(green_file_call *call, green_file_request *request);

#endif
