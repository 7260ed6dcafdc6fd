/* The engine contract: what moves a hub's bytes.
 *
 * It is shaped by completion: an operation goes in, its result comes out, and
 * how the engine waits in between is its own affair. An engine knows nothing of
 * green threads. All of it runs on the hub's OS thread. */
#ifndef GREEN_ENGINE_ENGINE_H
#define GREEN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct green_engine green_engine;
typedef struct green_op green_op;

typedef enum green_op_kind {
    GREEN_OP_RECEIVE,          /* recv(fd, address, length, flags) */
    GREEN_OP_RECEIVE_PROVIDED, /* recv into memory of the engine's, which address, a green_provided_buffer, tells */
    GREEN_OP_SEND,             /* send(fd, address, length, flags) */
    GREEN_OP_RECEIVE_MSG,      /* recvmsg(fd, address, flags) */
    GREEN_OP_SEND_MSG,         /* sendmsg(fd, address, flags) */
    GREEN_OP_ACCEPT,           /* accept4(fd, NULL, NULL, SOCK_CLOEXEC) on a non-blocking listener */
    GREEN_OP_CONNECT,          /* connect(fd, address, length) */
    GREEN_OP_READ,             /* read(fd, address, length) of what can be polled and is no socket */
    GREEN_OP_POLL,             /* poll(fd, flags): the events that have come */

    /* Of files, for which nothing can be polled: only where the engine takes them. */
    GREEN_OP_READ_AT,          /* pread(fd, address, length, offset) */
    GREEN_OP_WRITE_AT,         /* pwrite, likewise */
    GREEN_OP_OPEN,             /* open(address, flags, length as its mode) */
    GREEN_OP_SYNC,             /* fsync(fd) */
    GREEN_OP_SYNC_DATA,        /* fdatasync(fd) */
    GREEN_OP_TRUNCATE,         /* ftruncate(fd, offset) */
    GREEN_OP_STAT,             /* stat(address) or fstat(fd), into second, a struct statx */
    GREEN_OP_RENAME,           /* rename(address, second) */
    GREEN_OP_UNLINK,           /* unlink(address) */
    GREEN_OP_MAKE_DIRECTORY,   /* mkdir(address, length as its mode) */
    GREEN_OP_REMOVE_DIRECTORY, /* rmdir(address) */
} green_op_kind;

/* One operation. It belongs to the engine from submit to its completion; what it
 * points to must stay as long. Usually both are on the stack of the thread that is
 * parked for it. */
struct green_op {
    /* Called once from within poll() with the result, >= 0 or -errno. It may submit
     * and cancel, this operation too, but must not call poll(). Cancelled means
     * -ECANCELED. */
    void (*complete)(green_op *op, int32_t result);
    void *address;
    size_t length;
    union {
        uint64_t offset;
        void *second;
    };
    int fd;
    int flags;
    green_op_kind kind;

    /* Before: bytes, or room for a send, are probably not available yet, so a first
     * attempt would fail. After a receive: it took all available bytes. */
    bool drained;

    /* Before a read: the file is known to support RWF_NOWAIT. After it: likewise, if the
     * engine has found out. */
    bool nowait;

    bool exact; /* a poll whose events poll(2) has to confirm: see uring_wait.c */

    bool no_file_ref; /* a poll without POLLOUT that must not hold its file: see inner_epoll.c */
    bool must_try;    /* the caller does not wait: always try once */

    /* The engine's own. */
    uint8_t state;
    bool cancelled;
    bool begun;
    uint8_t phase; /* of an operation that waits, see uring_wait.c */
    uint8_t retries;
    uint16_t generation;
    int32_t result;
    green_op *next;
};

/* The maximum transfer of one system call. Linux transfers at most INT_MAX bytes, rounded
 * down to a page, and results and lengths in ring entries have 32 bits. An engine
 * transfers at most this much of a longer operation. */
enum { GREEN_TRANSFER_MAX = 0x7fff0000 };

/* The length that an engine passes to the kernel for this operation. */
static inline uint32_t green__op_size(const green_op *op) {
    return op->length < GREEN_TRANSFER_MAX ? (uint32_t)op->length : GREEN_TRANSFER_MAX;
}

/* A piece of the engine's memory that holds received bytes. Whoever waits for
 * bytes without memory of its own is lent one when they come, not before, so
 * that idle connections hold none; it is given back when they are read. When
 * all are lent, the operation ends with -ENOBUFS, and nothing is lost. */
typedef struct green_provided_buffer {
    char *bytes;
    uint16_t id;
} green_provided_buffer;

enum { GREEN_PROVIDED_BUFFER_SIZE = 16 * 1024, GREEN_PROVIDED_BUFFERS_MAX = 32768 };

typedef struct green_engine_options {
    unsigned entries;
    size_t receive_memory;
} green_engine_options;

typedef struct green_engine_class {
    const char *name;

    /* Makes an engine for the calling OS thread, or fails with -errno, having
     * told green__fail() the likely cause. */
    int (*open)(green_engine **engine, const green_engine_options *options);

    /* Ends one that has no operation left. */
    void (*close)(green_engine *engine);

    /* Performs the operation at once if it does not have to wait: returns true, with the
     * result in *result, and does not take the operation over. Called only for the kinds
     * in try_kinds. */
    uint32_t try_kinds; /* 1 << kind */
    bool (*try_now)(green_engine *engine, green_op *op, int32_t *result);

    /* Whether it takes one on a file of that kind now. NULL: it never does. */
    bool (*supports)(const green_engine *engine, green_op_kind kind);

    /* Takes an operation over. It cannot fail: a refusal is a completion. */
    void (*submit)(green_engine *engine, green_op *op);

    /* Asks for an operation's end. Its completion still comes, with whatever result
     * it had when the request reached it. */
    void (*cancel)(green_engine *engine, green_op *op);

    /* Starts what was submitted and completes what is done. Waits for the first
     * completion up to timeout nanoseconds: 0 does not wait, negative is for
     * ever. One system call at most where the kernel is not pressed. It
     * completes a bounded number, so that a flood cannot hold the hub. */
    void (*poll)(green_engine *engine, int64_t timeout);

    /* Gives lent memory back. */
    void (*release_buffer)(green_engine *engine, const green_provided_buffer *buffer);

    /* A socket's descriptor, without operations by now, is about to be closed:
     * its number will soon be another's. */
    void (*forget)(green_engine *engine, int fd);

    /* In a forked child: closes its copies of the engine's descriptors, and
     * touches nothing that it shares with the parent. NULL: there are none. */
    void (*abandon)(green_engine *engine);
} green_engine_class;

struct green_engine {
    const green_engine_class *class;
    uint64_t operations;     /* submitted and not yet completed */
    uint64_t buffers_in_use; /* pieces of memory lent */
    uint64_t system_calls;   /* made so far */
    uint64_t submitted;      /* operations so far */
    uint64_t completions;    /* results told so far */
};

static inline bool green__engine_supports(const green_engine *engine, green_op_kind kind) {
    return engine->class->supports && engine->class->supports(engine, kind);
}

extern const green_engine_class green__uring, green__epoll;

/* What opens in place of any other: for tests, which put theirs here. */
extern const green_engine_class *green__engine_substitute;

/* Opens the engine of that name; for NULL the one that the environment's
 * GREEN_ENGINE names, or else the best that the system lets have. When that is
 * not the first choice, *fallback says why, which the caller frees. 0 or -errno,
 * explained. */
int green__engine_open(green_engine **engine, const char *name, const green_engine_options *options, char **fallback);

/* Gives one up in a forked child. It stays where it is, and takes no operation
 * any more. */
void green__engine_abandon(green_engine *engine);

#endif
