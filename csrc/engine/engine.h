/* The engine contract: how a hub performs I/O.
 *
 * An engine takes operations and completes them. Submit an operation, and the engine calls
 * its completion function once, with the result. There are two engines: io_uring (uring.h),
 * where the kernel performs operations, and epoll (epoll.h), which makes non-blocking calls
 * and waits for events.
 *
 *     caller                        engine                           kernel
 *
 *     try_now(op) ---------------->  one non-blocking attempt  ---->
 *         done: the result     <---
 *     submit(op)  ---------------->  owns op
 *       the thread parks
 *     poll(timeout)  ------------->  starts op  ------------------->
 *                                    waits for completions     <---
 *         op->complete(op, result) <-
 *       the thread is readied
 *
 * An engine does not depend on green threads; core/io.h makes blocking calls from operations.
 * An engine belongs to the OS thread that opened it, and all calls but green__engine_wake()
 * must come from there. */
#ifndef GREEN_ENGINE_ENGINE_H
#define GREEN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct green_engine green_engine;
typedef struct green_op green_op;

/* What an operation does. The words in parentheses are fields of green_op. */
typedef enum green_op_kind {
    GREEN_OP_RECEIVE,          /* recv(fd, address, length, flags) */
    GREEN_OP_RECEIVE_PROVIDED, /* recv into a buffer of the engine; address is a green_provided_buffer to fill in */
    GREEN_OP_SEND,             /* send(fd, address, length, flags) */
    GREEN_OP_RECEIVE_MSG,      /* recvmsg(fd, address, flags) */
    GREEN_OP_SEND_MSG,         /* sendmsg(fd, address, flags) */
    GREEN_OP_ACCEPT,           /* accept4(fd, NULL, NULL, SOCK_CLOEXEC); the listener must be non-blocking */
    GREEN_OP_CONNECT,          /* connect(fd, address, length) */
    GREEN_OP_READ,             /* read(fd, address, length); a file that can be polled and is not a socket */
    GREEN_OP_POLL,             /* poll(2) of fd for the events in flags; the result is the events */

    /* Files that cannot be polled. Only for engines whose supports() returns true. */
    GREEN_OP_READ_AT,          /* pread(fd, address, length, offset) */
    GREEN_OP_WRITE_AT,         /* pwrite(fd, address, length, offset) */
    GREEN_OP_OPEN,             /* open(address, flags | O_CLOEXEC, length) */
    GREEN_OP_SYNC,             /* fsync(fd) */
    GREEN_OP_SYNC_DATA,        /* fdatasync(fd) */
    GREEN_OP_TRUNCATE,         /* ftruncate(fd, offset) */
    GREEN_OP_STAT,             /* stat(address), or fstat(fd) if address is NULL; second is a struct statx to fill in */
    GREEN_OP_RENAME,           /* rename(address, second) */
    GREEN_OP_UNLINK,           /* unlink(address) */
    GREEN_OP_MAKE_DIRECTORY,   /* mkdir(address, length) */
    GREEN_OP_REMOVE_DIRECTORY, /* rmdir(address) */
} green_op_kind;

/* One operation.
 *
 * The engine owns it from submit() to its completion. Until then, the operation and all that
 * it points to must stay in place, also after cancel(): the kernel may still write there.
 * Usually they are on the stack of the green thread that is parked for it. */
struct green_op {
    /* Called once, from poll(), with the result: >= 0, or -errno. -ECANCELED if cancel() has
     * ended the operation. It may submit and cancel operations, also this one, but must not
     * call poll(). */
    void (*complete)(green_op *op, int32_t result);

    /* Arguments, see green_op_kind. */
    void *address;
    size_t length;
    union {
        uint64_t offset;
        void *second;
    };
    int fd;
    int flags;
    green_op_kind kind;

    /* Before a receive or a send: a first attempt would probably have to wait. After a
     * receive: it has taken all available bytes. */
    bool drained;

    /* Before a read: the file is known to support RWF_NOWAIT. After it: the same, if the
     * engine has found out. */
    bool nowait;

    bool exact;       /* a poll: its events must be confirmed by poll(2), see uring_wait.c */
    bool no_file_ref; /* a poll without POLLOUT that must not hold its file, see inner_epoll.c */
    bool must_try;    /* the caller does not wait: make one attempt in any case */

    /* Private to the engine. */
    uint8_t state; /* where the operation is */
    bool cancelled;
    bool begun;          /* epoll: the first attempt has been made */
    uint8_t phase;       /* io_uring: see uring_wait.c */
    uint8_t retries;     /* io_uring: see uring_wait.c */
    uint16_t generation; /* io_uring: see uring_submit.c */
    int32_t result;      /* io_uring: while the operation is being stopped */
    green_op *next;      /* in a queue */
};

/* The most bytes that one operation transfers: Linux transfers at most INT_MAX bytes by one
 * call, rounded down to a page, and lengths in ring entries have 32 bits. An engine
 * transfers only a part of a longer operation. */
enum { GREEN_TRANSFER_MAX = 0x7fff0000 };

/* The length that an engine passes to the kernel. */
static inline uint32_t green__op_size(const green_op *op) {
    return op->length < GREEN_TRANSFER_MAX ? (uint32_t)op->length : GREEN_TRANSFER_MAX;
}

/* A buffer of the engine with received bytes.
 *
 * The engine picks a buffer when bytes arrive, not when the operation begins, so an idle
 * connection holds none. The caller returns it by release_buffer() after it has read the
 * bytes. If all buffers are in use, the operation ends with -ENOBUFS, and the bytes stay in
 * the socket. */
typedef struct green_provided_buffer {
    char *bytes; /* NULL: no buffer was picked */
    uint16_t id;
} green_provided_buffer;

enum { GREEN_PROVIDED_BUFFER_SIZE = 16 * 1024, GREEN_PROVIDED_BUFFERS_MAX = 32768 };

typedef struct green_engine_options {
    unsigned entries;      /* of a ring's submission queue; a power of two */
    size_t receive_memory; /* bytes of all provided buffers */
} green_engine_options;

/* The functions of an engine. */
typedef struct green_engine_class {
    const char *name; /* "uring" or "epoll" */

    /* Opens an engine for the calling OS thread. Returns 0, or -errno, explained with the
     * likely cause. */
    int (*open)(green_engine **engine, const green_engine_options *options);

    /* Closes and frees the engine. All operations must have completed. */
    void (*close)(green_engine *engine);

    /* Makes one non-blocking attempt. Returns true with the result in *result, without a call
     * of op->complete, or false if the operation has to wait; then submit() it. Must be
     * called only for kinds whose bit (1 << kind) is set in try_kinds. */
    uint32_t try_kinds;
    bool (*try_now)(green_engine *engine, green_op *op, int32_t *result);

    /* Returns whether the engine can take an operation of this kind, on a file that cannot be
     * polled, now. NULL: it never can. */
    bool (*supports)(const green_engine *engine, green_op_kind kind);

    /* Takes the operation. Never fails: the result of a refused operation is its error. */
    void (*submit)(green_engine *engine, green_op *op);

    /* Asks for an early end of the operation. Its completion still follows, from poll(). The
     * result is -ECANCELED, or that of the operation if the request comes too late. Does
     * nothing if the operation is not in progress or was cancelled before. */
    void (*cancel)(green_engine *engine, green_op *op);

    /* Starts submitted operations and completes those that are done. Waits for the first
     * completion for up to timeout nanoseconds: 0 does not wait, negative waits forever. May
     * return early without a completion.
     *
     * Completes a bounded number of operations, so that a flood does not block the hub. Makes
     * at most one system call, besides those of attempts, unless queues overflow. Preserves
     * errno, which belongs to the green thread on whose stack this runs. */
    void (*poll)(green_engine *engine, int64_t timeout);

    /* Returns a provided buffer to the engine. */
    void (*release_buffer)(green_engine *engine, const green_provided_buffer *buffer);

    /* Must be called before a descriptor that had operations is closed, because its number
     * may be used again, or before it is used by another engine; then stays_open is true.
     * Completes the polls that still wait for it. */
    void (*forget)(green_engine *engine, int fd, bool stays_open);

    /* Called in a forked child: closes the child's copies of the engine's descriptors. Must
     * not change anything that is shared with the parent. NULL: it has no descriptors. */
    void (*abandon)(green_engine *engine);
} green_engine_class;

struct green_engine {
    const green_engine_class *class;
    uint64_t operations;     /* submitted and not completed */
    uint64_t buffers_in_use; /* provided buffers that were not released */
    int wake_fd;             /* an eventfd, see wake.c */
    int ring_fd;             /* a ring that messages wake, see wake.c; -1: the eventfd does */
    uint64_t messages;       /* that have woken it */

    /* Counters since the engine was opened. */
    uint64_t system_calls;
    uint64_t submitted;
    uint64_t completions;
};

/* Ends the engine's wait in poll(), or makes its next one return at once. Makes one system
 * call, or two if a ring has no room for a message. Any OS thread may call it while the engine
 * is open, also in a signal handler. Preserves errno. */
void green__engine_wake(const green_engine *engine);

/* Waits until green__engine_wake() has been called `calls` times since the engine was
 * opened, and returns the number of calls, which may be higher. */
uint64_t green__engine_await_wakes(green_engine *engine, uint64_t calls);

/* Makes the eventfd of an engine. Its number is high, see green__move_fd_high(). Returns 0,
 * or -errno, explained. */
int green__engine_open_wake_fd(green_engine *engine);

/* Sends the message that wakes a ring. Returns 0 or -errno. */
int green__uring_send_wake(int ring_fd);

static inline bool green__engine_supports(const green_engine *engine, green_op_kind kind) {
    return engine->class->supports && engine->class->supports(engine, kind);
}

extern const green_engine_class green__uring, green__epoll;

/* Opens an engine for the calling OS thread: the one with this name; if name is NULL, the one
 * that GREEN_ENGINE names in the environment; otherwise io_uring, or epoll if the system does
 * not allow io_uring.
 *
 * Returns 0, or -errno, explained:
 *   -EINVAL          no engine has this name
 *   -EMFILE -ENFILE  no descriptor is left
 *   other errors     the named engine cannot be opened on this system
 *
 * If epoll was opened because io_uring is not available, *fallback is a text that says why;
 * the caller frees it. Otherwise *fallback is NULL. */
int green__engine_open(green_engine **engine, const char *name, const green_engine_options *options, char **fallback);

/* Abandons an engine in a forked child. The engine's memory stays valid. A later submit() or
 * poll() ends the process with a message; other calls do nothing. */
void green__engine_abandon(green_engine *engine);

#endif
