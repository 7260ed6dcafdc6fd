/* A file: its descriptor, and the calls in progress on it. */
#ifndef GREEN_FILE_FILE_H
#define GREEN_FILE_FILE_H

#include "../core/foreign_release.h"
#include "../core/io.h"
#include "descriptor.h"
#include "verb.h"

#include <green/file.h>

/* A call on a file, on the caller's stack. See call.h. */
typedef struct green_file_call {
    green_io io;
    green_file *file;
    green_thread *thread;
    const green_file_verb *verb;
    struct green_file_call **user; /* its entry in the file's users; NULL: any number may run */
    struct green_file_call *next, **place;
    int64_t timeout, deadline; /* of the whole call; negative: none */
    size_t size, written;
    bool explained;
} green_file_call;

struct green_file {
    green_hub *hub;
    uint32_t references; /* of the owner, and of threads blocked in it */
    bool closed;
    bool stream;                       /* without offsets */
    bool pollable;                     /* a stream that poll(2) supports */
    bool nowait;                       /* it supports reads with RWF_NOWAIT, see green_op */
    int mode;                          /* O_RDONLY, O_WRONLY or O_RDWR */
    green_file_descriptor *descriptor; /* NULL once closed */
    green_file_call *calls;            /* in progress */
    green_file_call *users[2]; /* of a stream, the reader and the writer; else [0] is the user of the position */
    green_wait_list closers;
    int64_t position;
    int64_t timeout;
    char *path; /* NULL: adopted */
    green_foreign_release foreign_release;
};

/* Removes the descriptor from a file without calls, and tells the engine. */
green_file_descriptor *green__file_take_descriptor(green_file *file);

/* Releases a reference. The last one frees the file. */
void green__file_release(green_file *file);

/* "'notes.txt'", or "descriptor 7" */
const char *green__file_label(const green_file *file, char *text, size_t size);
enum { GREEN_FILE_LABEL_MAX = 256 };

#endif
