/* The record of a green thread, and a hub's pool of records.
 *
 * A hub allocates records in blocks and frees them when it closes, so the handle of a
 * finished thread costs a record but no stack. */
#ifndef GREEN_CORE_THREAD_RECORD_H
#define GREEN_CORE_THREAD_RECORD_H

#include "../base/message.h"
#include "foreign_release.h"
#include "stack.h"
#include "task_state.h"
#include "timer.h"
#include "wait.h"

#include <green/thread.h>

struct green_hub;

enum { GREEN_CACHE_LINE = 64 };

typedef enum green_state {
    GREEN_READY,   /* in the run queue, or delayed */
    GREEN_RUNNING, /* the hub's current thread */
    GREEN_PARKED,  /* waits; only green__ready() changes this state */
    GREEN_DONE,    /* its function has returned; a handle may still be held */
    GREEN_UNUSED,  /* in the hub's pool of free records */
} green_state;

/* Whether a thread must not block, and why. */
typedef enum green_no_blocking {
    GREEN_MAY_BLOCK,
    GREEN_IN_DESTRUCTOR,   /* it runs links, destructors, a post or a report handler, or its hub ends */
    GREEN_IN_UNKNOWN_TASK, /* it runs a job, and the state of Tasks is not known: see task_state.h */
    GREEN_IN_CANCELLATION, /* it cancels a Task */
} green_no_blocking;

/* The reason given with an interrupt, for the interrupted thread. */
typedef struct green_interrupt_reason {
    void *value;
    void (*discard)(void *value);
} green_interrupt_reason;

/* An error posted on a thread, which one of its blocking calls returns. It stays posted
 * until a call delivers it: a call that has already succeeded does not lose it. That of a
 * scope stays posted until it is withdrawn, and ends every call: see interrupt.h. */
typedef struct green_interrupt {
    struct green_interrupt *next;
    int error;
    bool posted;
    bool stays;
    uint32_t deliveries; /* of one that stays, since it was posted */
    uint64_t order;      /* among the scopes and shields of a thread: a larger one began later */
    green_interrupt_reason reason;
    /* Called on delivery, to store the error message. May be NULL. */
    void (*delivered)(struct green_interrupt *interrupt);
} green_interrupt;

/* Called when a thread has exited, after its links. The owner allocates it. It is in the
 * list of at most one thread. */
typedef struct green_exit_observer {
    struct green_exit_observer *next, **place; /* place is NULL while in no list */
    void (*exited)(struct green_exit_observer *observer, green_thread *thread);
} green_exit_observer;

/* Which signal handlers end a patched call: see patch/signal_wait.h. */
typedef enum green_signal_class {
    GREEN_SIGNALS_IGNORED,   /* none */
    GREEN_SIGNALS_RESTART,   /* those without SA_RESTART */
    GREEN_SIGNALS_INTERRUPT, /* all */
    GREEN_SIGNAL_CLASSES,
} green_signal_class;

/* Signal handlers that have run for a thread. A handler writes to it at any time. */
typedef struct green_thread_signals {
    uint32_t handled[GREEN_SIGNAL_CLASSES]; /* counts, which wrap around, of those that end calls of each class */
    uint32_t seen;                          /* the count when the call in progress began */
    uint8_t class;                          /* of this call */
    bool is_parking;                        /* a handler has to wake it */
} green_thread_signals;

struct green_thread {
    /* The cache line that a switch uses. */
    struct green_thread *next; /* in the run queue, or in the pool of free records */
    void *sp;
    struct green_hub *hub;
    green_interrupt *interrupts; /* posted on it, in the order of delivery: see interrupt.h */
    uintptr_t access[2];         /* the Swift runtime's exclusivity checks: see hub_record.h */
    green_wait *wait;            /* while parked */
    uint8_t state;               /* a green_state */
    bool begun;                  /* its function has been called */
    uint8_t must_not_block;      /* a green_no_blocking */
    bool completed_inline;       /* its last operation completed without a wait: see io.h */
    int error_number;            /* errno, while it does not run */

    /* Life cycle. */
    int result;
    bool observed;       /* a thread has waited for the result */
    bool is_own;         /* of Green's own: the end of a hub pool does not kill it */
    uint32_t references; /* one is the thread's own until it is done */
    green_stack *stack;  /* NULL: the context of an OS thread */
    green_function *function;
    void *argument;
    void (*discard)(void *argument);
    green_wait_list waiters;
    struct green_link *links, **last_link;
    struct green_local_values *locals;
    green_exit_observer *exit_observers;
    struct green_pthread_specific *specific; /* values of pthread keys: see patch/thread/pthread_specific.c */
    struct green_message *message;           /* of its last failed call; when it is done, of its result */

    /* Rarely used. */
    uint64_t id;
    char *name;
    void *context;
    green_inherited_task *task; /* until it begins */
    green_timer start;          /* of a delayed thread */
    green_foreign_release foreign_release;
    green_interrupt kill;
    green_interrupt_reason reason; /* of the interrupt that was delivered last */
    struct green_shielded *shield; /* the innermost, or NULL: see interrupt.h */
    uint64_t deliveries;
    uint64_t last_timeout; /* the id of the timeout that last ended a call, and its length */
    int64_t last_timeout_length;
    green_thread_signals signals;
    struct green_signal_mask *signal_mask; /* its own, or NULL: see patch/signal_mask.h */
    void *fake_stack;                      /* ASan's */
} __attribute__((aligned(GREEN_CACHE_LINE)));

_Static_assert(offsetof(struct green_thread, error_number) + sizeof(int) <= GREEN_CACHE_LINE,
               "a switch uses one cache line of a thread's record");

/* A hub's records. All zero: empty. */
typedef struct green_thread_records {
    green_thread *free;
    struct green_thread_block *blocks;
    uint64_t last_id; /* given to a thread */
} green_thread_records;

/* Returns a record for a new thread, or NULL if there is no memory. */
green_thread *green__thread_record_alloc(green_thread_records *records);
void green__thread_record_free(green_thread_records *records, green_thread *thread);

/* Frees all records. */
void green__thread_records_destroy(green_thread_records *records);

/* Calls visit for each thread that is not done, in no order. */
void green__thread_records_each(const green_thread_records *records, void (*visit)(green_thread *thread, void *context),
                                void *context);

/* A hub takes ids in blocks, because a counter that OS threads share is slow. */
enum { GREEN_THREAD_ID_BLOCK = 256 };
void green__thread_id_block_take(green_thread_records *records);

/* Returns an id that no thread of this process has had. The first is 1. */
static inline uint64_t green__thread_id_next(green_thread_records *records) {
    if (GREEN_UNLIKELY(records->last_id % GREEN_THREAD_ID_BLOCK == 0))
        green__thread_id_block_take(records);
    return ++records->last_id;
}

/* Stores a copy of the name, cut to 31 bytes. NULL or "" removes it. */
void green__thread_set_name(green_thread *thread, const char *name);

/* Formats "thread 7 'worker'". Returns text. */
const char *green__thread_label(const green_thread *thread, char *text, size_t size);
enum { GREEN_LABEL_MAX = 64, GREEN_NAME_MAX = 31 };

/* The slot for the message of a thread's last failure. NULL for the context of an OS
 * thread, whose message belongs to the OS thread. */
static inline green_message **green__message_slot_of(green_thread *thread) {
    return thread->stack ? &thread->message : NULL;
}

#endif
