/* The record of a hub: the run queue, timers, stacks and engine of one OS thread. */
#ifndef GREEN_CORE_HUB_RECORD_H
#define GREEN_CORE_HUB_RECORD_H

#include "../engine/engine.h"
#include "counter.h"
#include "diagnostics_hooks.h"
#include "hub_registry.h"
#include "inbox.h"
#include "switch_state.h"
#include "task_jobs.h"
#include "thread_record.h"

#include <green/hub.h>

#include <signal.h>
#include <stddef.h>

enum { GREEN_ROOT_WAIT_SIZE = 256 };

struct green_hub {
    green_thread *current;
    green_thread *head;  /* of the run queue */
    green_thread **tail; /* where the next thread is linked */
    int *error_number;   /* the address of errno */
    void *discarded_sp;  /* where a thread that exits saves its sp: ASan's fake stack is gone by then */
    /* The hooks of the Swift runtime that restore and save the accesses that its
     * exclusivity checker tracks for an OS thread. Without them, each access would
     * search the accesses of every parked thread. NULL without Swift. */
    void (*enter)(char *state);
    void (*exit)(char *state);
    bool root_has_no_access;            /* no access was tracked when the hub was made */
    bool in_event_loop;                 /* in an iteration of the event loop, where nothing may park */
    uint64_t switches, loop_iterations; /* counters */
    green_switch_state switch_state;
    green_inbox inbox;
    uint32_t references; /* atomic; one is the hub's own until it ends, and one belongs to each handle of the root */
    green_hub_registration registration;
    char name[GREEN_NAME_MAX + 1];
    green_hub_diagnostics diagnostics;

    int64_t now; /* the clock at the last iteration */
    /* See virtual_clock.h. */
    bool has_virtual_clock;
    unsigned clock_holds;  /* calls of green_clock_hold() that were not taken back */
    uint64_t outside_work; /* waits for work outside of the hub, and child processes that run */
    green_engine *engine;
    char *fallback;          /* why the engine is not the first choice; NULL if it is */
    uint64_t io_waiters;     /* parked threads that an I/O completion or another OS thread can wake */
    green_thread *signalled; /* receives the signal that pthread_kill() sends; NULL: the OS thread's own context does */
    green_post signal_post;  /* wakes that context: see patch/signal/handler.c */
    bool signal_was_posted;
    unsigned signal_handlers;               /* of the program, that run */
    size_t pthreads;                        /* green threads of pthread_create() that have not ended */
    unsigned patched_calls;                 /* a count, which wraps around: see patch/may_park.h */
    sigset_t base_signal_mask;              /* of threads without a mask of their own: see patch/signal_mask.h */
    struct green_signal_mask *signal_masks; /* the other masks */
    green_post *posts, **last_post;         /* for the thread that runs them: see post.c */
    bool post_thread_exists;
    bool
        refuses_threads; /* atomic: the close of a pool kills the threads of the hub, and other OS threads start none */
    bool is_lost;        /* its OS thread ends while it is in use; destructors may follow */
    green_exit_observer *loss_observers; /* called if the OS thread ends while the hub is in use */
    green_task_jobs task_jobs;
    green_timer_heap timers;
    green_thread mark; /* in the run queue: see event_loop.h */

    green_stacks stacks;
    green_thread_records records;
    uint64_t threads; /* a counter */
    uint64_t spawned, most_threads;
    uint64_t handles, sockets;
    uint64_t fallbacks; /* receives that found the receive memory empty */
    green_thread root;  /* the context of the OS thread */
    max_align_t root_wait[GREEN_ROOT_WAIT_SIZE / sizeof(max_align_t)]; /* see green__shared_wait_memory() */
    void *root_select;                                                 /* see green__select_root_memory() */
    size_t root_select_size;
    uint64_t select_order; /* a random number: see sync/select.c */
    void *root_bottom;     /* bounds of its stack, for ASan */
    size_t root_size;
    void *root_fiber;
    char *signal_stack; /* its lowest byte */
    struct green_hub *next_lost;
    stack_t former_signal_stack;
};

enum { GREEN_SIGNAL_STACK_SIZE = 64 * 1024 };

/* The hub of the calling OS thread, or NULL. */
extern _Thread_local green_hub *green__hub __attribute__((tls_model("initial-exec")));

/* Fills in the counts of a hub of this OS thread. */
void green__hub_statistics(green_hub *hub, green_statistics *statistics);

/* Calls visit for each thread that is not done, in no order. */
void green__hub_each_thread(green_hub *hub, void (*visit)(green_thread *thread, void *context), void *context);

/* Whether the caller is a signal handler that runs on the signal stack, such as a handler
 * that reports a crash. */
static inline bool green__on_signal_stack(const green_hub *hub) {
    return (uintptr_t)__builtin_frame_address(0) - (uintptr_t)hub->signal_stack < GREEN_SIGNAL_STACK_SIZE;
}

#endif
