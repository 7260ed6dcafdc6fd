/* The file: a descriptor, who is in it, and the native calls that may outlive
 * them. */
#ifndef GREEN_FILE_FILE_H
#define GREEN_FILE_FILE_H

#include "../offload/job.h"

#include <green/file.h>

/* A descriptor that the file and native threads hold. The last one closes it, so
 * that a call which nobody waits for any more never meets another's file. */
typedef struct green_file_descriptor {
    int fd;
    int owners;
} green_file_descriptor;

/* A call on a file, on the caller's stack. */
typedef struct green_file_call {
    green_io io;
    green_file *file;
    green_thread *thread;
    const char *verb;              /* "reading" */
    struct green_file_call **user; /* the place it has taken; NULL: there may be any number */
    struct green_file_call *next, **place;
    int64_t deadline; /* of the whole call; negative: none */
    size_t size, written;
    bool explained;
} green_file_call;

struct green_file {
    green_hub *hub;
    uint32_t references; /* of the owner, and of threads blocked in it */
    bool closed;
    bool stream;                       /* without offsets */
    bool pollable;                     /* a stream with events to wait for */
    bool nowait;                       /* it supports reads with RWF_NOWAIT, see green_op */
    int mode;                          /* O_RDONLY, O_WRONLY or O_RDWR */
    green_file_descriptor *descriptor; /* NULL once closed */
    green_file_call *calls;
    green_file_call *users[2]; /* a stream's reader and writer; else, in the first one, who uses the position */
    green_wait_list closers;
    int64_t position;
    int64_t timeout;
    char *path; /* NULL: adopted */
};

typedef enum green_file_use { GREEN_FILE_READS, GREEN_FILE_WRITES, GREEN_FILE_SHARES } green_file_use;

/* Begins a call: refuses it, or notes that it is in. */
int green__file_begin(green_file *file, green_file_call *call, const char *verb, green_file_use use);

/* Ends it; may close the descriptor. Returns result, explained when it is an
 * error. */
int64_t green__file_end(green_file_call *call, int64_t result);

/* Whether a call may go on to its next piece: 0 or what ends it. */
int green__file_continue(const green_file_call *call);

/* Whether an error is the end of the wait and not of what was waited for. */
bool green__file_wait_ended(const green_file_call *call, int64_t error);

/* "'notes.txt'", or "descriptor 7" */
const char *green__file_label(const green_file *file, char *text, size_t size);
enum { GREEN_FILE_LABEL_MAX = 256 };

/* Runs one operation of the engine within the call, again when a signal broke it
 * off. Events are those of a POLL. */
int32_t green__file_run(green_file_call *call, green_op_kind kind, void *address, size_t length, uint64_t offset);
int32_t green__file_poll(green_file_call *call, short events);

/* Gives a share up. The descriptor, which nobody holds any more, or -1. */
int green__file_descriptor_release(green_file_descriptor *descriptor);

/* The same, and closes it; the result is that of close(2). */
int green__file_descriptor_close(green_file_descriptor *descriptor);

ssize_t green__file_stream_read(green_file_call *call, void *bytes, size_t size);
ssize_t green__file_stream_write(green_file_call *call, const void *bytes, size_t size);

#endif
