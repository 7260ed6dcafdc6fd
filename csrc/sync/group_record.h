/* The record of a group, its entries, and the part of it that is a scope.
 *
 * A scope is a group that owns its threads. Its owner is the thread that began it:
 *
 *     green_group_begin()     owner = the current thread
 *     a thread fails          green__group_fail(): ends all threads and the owner's blocking calls
 *     green_group_end()       waits until no thread is left in `running`, and frees the group
 *     the owner exits first   ends all threads; green_group_free() frees the group */
#ifndef GREEN_SYNC_GROUP_RECORD_H
#define GREEN_SYNC_GROUP_RECORD_H

#include "../core/exit_observer.h"
#include "takers.h"

#include <green/group.h>

enum { GREEN_GROUP_BLOCK_ENTRIES = 8 };

/* A thread of a group. It is in the list of running threads, then in the list of
 * finished ones. */
typedef struct green_group_entry {
    green_exit_observer exit_observer;
    green_group *group;
    green_thread *thread; /* retained */
    void *context;
    struct green_group_entry *next, **place;
} green_group_entry;

typedef struct green_group_block {
    struct green_group_block *next;
    green_group_entry entries[GREEN_GROUP_BLOCK_ENTRIES];
} green_group_block;

typedef struct green_group_scope {
    green_thread *owner; /* NULL once it has exited */
    green_exit_observer owner_observer;
    green_interrupt interrupt; /* ends the calls of the owner after a failure; it stays */
    green_wait *end;           /* of the owner in green_group_end(), until no thread runs */
    green_group_options options;
    bool is_ending;         /* green_group_end() was called */
    bool is_freed;          /* green_group_free() was called meanwhile */
    bool has_ended;         /* its threads are killed, and threads that are added are, too */
    int error;              /* of the first failure, or 0 */
    green_message *message; /* of error */
    green_thread *failed;   /* the thread that failed, retained; NULL: green_group_fail() was called */
} green_group_scope;

struct green_group {
    green_takers takers;
    green_group_entry *running; /* in no particular order */
    green_group_entry *finished, **last;
    size_t finished_count;
    green_group_entry *spare;
    green_group_block *blocks;      /* freed with the group */
    void (*discard)(void *context); /* called with those of the threads that are left; NULL: none */
    green_group_scope *scope;       /* part of the allocation; NULL: the group does not own its threads */
    green_foreign_release foreign_release;
};

void green__group_init(green_group *group);

/* Adds entries to the spare ones. Returns false without a message if there is no memory. */
bool green__group_add_block(green_group *group);

/* Frees a group whose threads never exit. */
void green__group_destroy(green_group *group);

/* Ends the waits for a group of this OS thread and frees it. Its threads continue to run. */
void green__group_free_here(green_group *group);

/* Kills all threads of a scope for good, and those that are added later. */
void green__group_kill_for_good(green_group *group);

/* Records the first failure of a scope, and ends all its threads. failed is NULL if no thread
 * has exited. from is the slot with the message of the error. */
void green__group_fail(green_group *group, int error, green_thread *failed, green_message **from);

/* A thread of a scope has exited, and is not in the list of running ones. */
void green__group_child_exited(green_group *group, green_thread *thread, void *context);

/* Ends all threads of a scope that green_group_end() does not end, and its hold on the owner. */
void green__group_abandon(green_group *group);

static inline void green__group_entry_give(green_group *group, green_group_entry *entry) {
    entry->next = group->spare;
    group->spare = entry;
}

#endif
