/* Stacks: carved from large mappings, reused last in first out, each with a guard below
 * it (guard.h). An untouched stack costs address space and its guard. */
#ifndef GREEN_CORE_STACK_H
#define GREEN_CORE_STACK_H

#include "guard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct green_stack {
    struct green_stack *next; /* in the free list */
    char *bottom;             /* lowest usable byte */
    char *guard;              /* where an overflow ends: just below, or farther down if shared */
    char *top;                /* where the first frame begins: see COLORS in stack.c */
    struct green_stack_class *class;
    void *fiber;       /* TSan's */
    unsigned uses;     /* of the fiber */
    unsigned valgrind; /* Valgrind's id */
    bool dirty;        /* has touched pages */
    bool cold;         /* marked by a reclaim in progress */
} green_stack;

/* All stacks of one size. */
typedef struct green_stack_class {
    struct green_stack_class *next;
    size_t size;                            /* usable bytes of each */
    green_stack *free;                      /* the one used last is first */
    struct green_arena *arenas;             /* the newest first; new stacks come from it */
    size_t carved, free_count, dirty_count; /* dirty ones among the free */
} green_stack_class;

/* A hub's stacks. The first class is that of the default size. */
typedef struct green_stacks {
    green_stack_class first;
    green_guards guards;
    size_t warm; /* free stacks that keep their memory */
} green_stacks;

void green__stacks_init(green_stacks *stacks, size_t default_size, size_t warm);
void green__stacks_destroy(green_stacks *stacks);

/* Returns a stack of at least size bytes, or of the default size if size is 0. NULL with
 * errno set if there is no address space or no guard. */
green_stack *green__stack_take(green_stacks *stacks, size_t size);

/* Frees a stack. The caller may be running on it, and may continue until the next
 * green__stack_take() or green__stacks_reclaim(). */
static inline void green__stack_give(green_stack *stack) {
    green_stack_class *class = stack->class;
    stack->dirty = true;
    stack->next = class->free;
    class->free = stack;
    class->free_count++;
    class->dirty_count++;
}

/* Returns the memory of all free stacks but the warm ones to the system, if there are enough
 * of them to be worth the calls. */
void green__stacks_reclaim(green_stacks *stacks);

/* Whether the stack has no guard of its own. */
static inline bool green__stack_shares_guard(const green_stack *stack) {
    return stack->guard + GREEN_GUARD_SIZE != stack->bottom;
}

/* Whether an address is in the guard that ends an overflow of this stack. */
static inline bool green__stack_is_guarded_at(const green_stack *stack, const void *address) {
    return (uintptr_t)address - (uintptr_t)stack->guard < GREEN_GUARD_SIZE;
}

/* In a forked child that continues on this stack, or NULL: keeps the guard of this stack, and
 * closes the descriptor of the guards. */
void green__stacks_abandon(green_stacks *stacks, const green_stack *own);

/* Returns how much of a stack was used so far, rounded up to pages. */
size_t green__stack_used(const green_stack *stack);

/* Returns the most that one stack uses, including free ones that keep their memory. */
size_t green__stacks_deepest(const green_stacks *stacks);

static inline size_t green__stack_size(const green_stack *stack) {
    return stack->class->size;
}

#endif
