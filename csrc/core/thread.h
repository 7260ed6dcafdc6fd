/* The green thread, and the two verbs that move it: park and ready. */
#ifndef GREEN_CORE_THREAD_H
#define GREEN_CORE_THREAD_H

#include "sanitizer.h"
#include "stack.h"
#include "timer.h"
#include "wait.h"

#include <green/thread.h>

struct green_hub;

enum { GREEN_CACHE_LINE = 64 };

typedef enum green_state {
    GREEN_READY,   /* in the run queue, or about to begin after a delay */
    GREEN_RUNNING, /* the hub's current thread */
    GREEN_PARKED,  /* waits; only green__ready() moves it */
    GREEN_DONE,    /* its function has returned; the handle may live on */
    GREEN_UNUSED,  /* in the hub's free_records */
} green_state;

/* What somebody says about an interrupt to the thread that it is for. */
typedef struct green_interrupt_reason {
    void *value;
    void (*discard)(void *value);
} green_interrupt_reason;

/* Something posted on a thread that one of its blocking calls is to return.
 * It stays posted until a call delivers it, so that none is lost when the call
 * it interrupts has already succeeded. */
typedef struct green_interrupt {
    struct green_interrupt *next;
    int error;
    bool posted;
    green_interrupt_reason reason;
    /* Called as it is delivered, to explain it; NULL where nobody cares. */
    void (*delivered)(struct green_interrupt *interrupt);
} green_interrupt;

/* Somebody who is to be told when a thread has ended, after its links. Lives
 * with its owner, and is in at most one thread's list. */
typedef struct green_exit_observer {
    struct green_exit_observer *next, **place; /* place is NULL in no list */
    void (*ended)(struct green_exit_observer *exit_observer, green_thread *thread);
} green_exit_observer;

struct green_thread {
    /* What every switch touches: one cache line. */
    struct green_thread *next; /* in the run queue, or in the free_records */
    void *sp;
    struct green_hub *hub;
    green_interrupt *interrupts; /* posted and not delivered, oldest first */
    uintptr_t access[2];         /* the Swift runtime's: see hub.h */
    green_wait *wait;            /* while parked */
    uint8_t state;               /* a green_state */
    bool begun;                  /* its function has been called */
    bool must_not_block;         /* runs links or destructors, which must not block */
    bool completed_inline;       /* its last operation was done at once: see io.h */
    int error_number;            /* errno, while it does not run */

    /* Its life. */
    int result;
    bool observed;       /* somebody waited for the result */
    uint32_t references; /* one of them its own until it is done */
    green_stack *stack;  /* NULL: an OS thread's own context */
    green_function *function;
    void *argument;
    void (*discard)(void *argument);
    green_wait_list waiters;
    struct green_link *links, **last_link;
    struct green_local_values *locals;
    green_exit_observer *exit_observers;
    struct green_pthread_specific *specific; /* values of pthread keys: see patch/thread/pthread_specific.c */
    struct green_message *message;           /* of its last failed call; after its end, of its result */

    /* Its name and the rest. */
    uint64_t id;
    char *name;
    void *context;
    green_timer start; /* of a delayed one */
    green_interrupt kill;
    green_interrupt_reason reason; /* of the interrupt that was last delivered */
    uint64_t deliveries;
    uint64_t last_timeout; /* that ended a call: its id, and how long it was */
    int64_t last_timeout_length;
    void *fake_stack; /* ASan's */
} __attribute__((aligned(GREEN_CACHE_LINE)));

_Static_assert(offsetof(struct green_thread, error_number) + sizeof(int) <= GREEN_CACHE_LINE,
               "a switch touches one line of a thread's record");

/* Takes the oldest interrupt off the current thread and returns its error. */
int green__interrupt_deliver(green_thread *thread);

/* Posts an interrupt; if the thread is parked, ends its wait. */
void green__interrupt(green_thread *thread, green_interrupt *interrupt);

/* The same ahead of all others, which are left for the thread's next calls. */
void green__interrupt_first(green_thread *thread, green_interrupt *interrupt);

/* Takes back an interrupt that may be posted. When it has ended a wait already,
 * and nothing else has, then that call cannot be taken up again: the interrupt is
 * delivered to it, and to no later one. */
void green__interrupt_withdraw(green_thread *thread, green_interrupt *interrupt);

/* Forgets a reason that nobody has read. */
void green__interrupt_reason_discard(green_interrupt_reason *reason);

void green__exit_observer_add(green_thread *thread, green_exit_observer *exit_observer);
void green__exit_observer_remove(green_exit_observer *exit_observer);
void green__exit_observers_run(green_thread *thread);

/* The delivered of a thread's kill. */
void green__kill_delivered(green_interrupt *interrupt);

/* Ends a wait from the side of the call itself: its timeout, a closed object.
 * The call returns cause, unless what it waited for has happened after all. */
void green__wait_end(green_wait *wait, int cause);

/* Ends the current thread, which is not an OS thread's own context, where it is:
 * the frames of its functions are left as they are, and nothing is unwound. */
_Noreturn void green__thread_exit(int result);

/* Stores a copy of the name, cut to 31 bytes; NULL or "" is none. */
void green__thread_set_name(green_thread *thread, const char *name);

/* "thread 7 'worker'" */
const char *green__thread_label(const green_thread *thread, char *text, size_t size);
enum { GREEN_LABEL_MAX = 64, GREEN_NAME_MAX = 31 };

/* Calls the links of a thread that is done, in order. */
void green__links_run(green_thread *thread);

/* Destroys the values of the thread's locals. */
void green__locals_destroy(green_thread *thread);

#endif
