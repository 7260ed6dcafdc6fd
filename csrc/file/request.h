/* A system call that is made elsewhere: by the engine, or on a native thread of the
 * files' own. It has copies of all that it uses, since whoever waits for it may be
 * gone before it ends. */
#ifndef GREEN_FILE_REQUEST_H
#define GREEN_FILE_REQUEST_H

#include "../offload/job.h"
#include "descriptor.h"

#include <green/file.h>

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

/* Whether the hub's engine can run the request. */
bool green__file_request_has_engine(green_hub *hub, const green_file_request *request);

/* Each of these runs the request and waits for it. They return 0 once it has completed
 * (see result), or the error that prevented it or ended the wait. run_by_engine() also
 * returns 1 if the kernel could not start a worker; then the request can still run on an
 * OS thread. green__file_request_run() does that by itself. */
int green__file_request_run_by_engine(green_hub *hub, green_file_request *request, int64_t timeout);
int green__file_request_run_by_worker(green_hub *hub, green_file_request *request, int64_t timeout);
int green__file_request_run(green_hub *hub, green_file_request *request, int64_t timeout);

/* The same on names: 0, or an error that tells of these, that of the call too. */
int green__file_request_run_on_paths(green_hub *hub, green_file_request *request, int64_t timeout);

/* The caller is done with it. NULL does nothing. */
void green__file_request_release(green_file_request *request);

/* That of closing what is opened. A close by the engine would end before the kernel
 * has let go of the file. */
extern const green_file_request_kind green__file_request_close;

#endif
