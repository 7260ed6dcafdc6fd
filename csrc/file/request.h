/* A system call on a file or a path, run by the engine or on an OS thread. A request has
 * copies of all its arguments, because it may outlive the call that waits for it. */
#ifndef GREEN_FILE_REQUEST_H
#define GREEN_FILE_REQUEST_H

#include "../offload/job.h"
#include "descriptor.h"
#include "verb.h"

#include <green/file.h>

typedef struct green_file_request green_file_request;

typedef struct green_file_request_kind {
    green_file_verb verb;
    int64_t (*run)(green_file_request *request); /* on an OS thread; returns the result or -errno */
    bool has_op;                                 /* the operation op of the engine does the same */
    green_op_kind op;
    void (*finish)(green_file_request *request); /* after that operation; may be NULL */
} green_file_request_kind;

struct green_file_request {
    green_job job;
    const green_file_request_kind *kind;
    green_op op;
    green_wait *waiting; /* for the engine; NULL: the caller has left */
    bool begun;          /* the engine ran it, see green__file_request_run_by_engine() */
    int64_t result;
    green_file_descriptor *descriptor; /* used until the request ends; NULL: none */
    bool opens_fifo;                   /* on an OS thread, it may open a FIFO that waits; otherwise it opens none */
    int opened;                        /* a descriptor that the request still owns; -1: none */
    green_listing *listing;            /* also owned; NULL: none */
    int64_t offset;
    size_t length;
    int flags;
    mode_t mode;
    struct stat status;
    struct statx extended; /* status as the engine stores it */
    const char *second;    /* the second of two paths, in bytes; an empty string if there is one path */
    char bytes[];
};

/* Makes a request with room for a number of bytes. NULL: no memory, explained. */
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

/* Runs a request on paths. Returns 0, or an error whose message names the paths, including
 * the error of the system call. */
int green__file_request_run_on_paths(green_hub *hub, green_file_request *request, int64_t timeout);

/* Releases the request; the last owner frees it. NULL has no effect. */
void green__file_request_release(green_file_request *request);

/* Closes request->opened. It never runs on the engine, because a close by io_uring
 * completes before the kernel has released the file. */
extern const green_file_request_kind green__file_request_close;

#endif
