/* The functions of the diagnostics room that the core calls, and what that room keeps for
 * each hub.
 *
 * csrc/diagnostics is above the core, so the core does not include it: it declares this
 * table, and csrc/diagnostics/hooks.c defines it. The table is a constant and not a
 * registration at run time, because a linker takes an object of a static library only if
 * another object refers to it. With this reference, green_dump() and GREEN_MONITOR work
 * in a program that calls nothing of green/monitor.h. */
#ifndef GREEN_CORE_DIAGNOSTICS_HOOKS_H
#define GREEN_CORE_DIAGNOSTICS_HOOKS_H

#include <green/hub.h>

#include <stdint.h>

/* A request to a hub to write its dump, which any OS thread makes: see diagnostics/dump.h. */
typedef struct green_dump_request {
    green_post post;
    /* Called once, on the OS thread of the hub. NULL: the OS thread has ended. */
    void (*write)(struct green_dump_request *request, green_hub *hub);
} green_dump_request;

/* What a hub has done so far. Two equal values mean that one thread has run all the time
 * in between. */
typedef struct green_hub_progress {
    uint64_t switches, loop_iterations, waits;
} green_hub_progress;

/* Part of a hub. The core only initializes it: since to the time when the hub was made, the
 * rest to zero. */
typedef struct green_hub_diagnostics {
    /* Used on the hub's OS thread. */
    unsigned dumps;          /* threads that are about to write a dump */
    uint32_t timed_for;      /* the number of the monitor that iterations are timed for */
    int64_t iteration_start; /* when the last iteration began, or its wait ended */
    int64_t longest_iteration;

    /* Used by the watcher: see diagnostics/monitor.c. */
    green_hub_progress progress; /* at the last check */
    int64_t since;               /* when this progress was first seen */
    int64_t last_seen;           /* when it was last seen */
    int64_t ended;               /* the length of a reported hold that has ended; 0 if there is none */
    unsigned unchanged_checks;   /* checks since then that saw no progress */
    bool hold_reported;          /* since then, or it is about to be */
    bool end_is_awaited;         /* the hold was reported */
    bool dump_delay_reported;    /* the hold that delays a requested dump */

    /* Between both: the request of the watcher, which may post it while is_dump_requested is
     * false. */
    green_dump_request dump;
    bool is_dump_requested; /* atomic */
} green_hub_diagnostics;

/* Each function runs on the OS thread of the hub that it is given. */
typedef struct green_diagnostics_hooks {
    /* A hub was made and is in the registry. */
    void (*hub_opened)(struct green_hub *hub);
    /* The hub times its iterations, and one begins, or its wait in the kernel has ended. */
    void (*iteration_began)(struct green_hub *hub);
    void (*wait_ended)(struct green_hub *hub);
    /* Reports the state of the hub's green threads. Without a handler, to fd. */
    void (*dump)(struct green_hub *hub, int fd);
    /* This process is a forked child. The hubs of its parent are abandoned. */
    void (*forked)(void);
} green_diagnostics_hooks;

extern const green_diagnostics_hooks green__diagnostics_hooks;

#endif
