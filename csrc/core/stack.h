/* Stacks: carved from large mappings, guarded, reused last in first out.
 *
 * Each stack has a guard below it. MADV_GUARD_INSTALL (Linux 6.13) puts marks
 * into the page table and costs no mapping, so a million stacks fit under the
 * default vm.max_map_count; before it, mprotect splits the mapping and about
 * 32 000 stacks are the end. An untouched stack costs address space, and its
 * guard half a KiB of page tables where it is made of marks. */
#ifndef GREEN_CORE_STACK_H
#define GREEN_CORE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A function with a frame larger than the guard may reach past it. Compilers touch each
 * page of a large frame in turn only with -fstack-clash-protection, which many programs
 * and libraries do not use. So a guard is larger than common stack buffers. */
enum { GREEN_GUARD_SIZE = 256 * 1024 };

typedef struct green_stack {
    struct green_stack *next; /* in the free list */
    char *bottom;             /* lowest usable byte; the guard is below */
    char *top;                /* where the first frame begins: coloured */
    struct green_stack_class *class;
    void *fiber;       /* TSan's */
    unsigned uses;     /* of the fiber */
    unsigned valgrind; /* Valgrind's id */
    bool dirty;        /* has touched pages */
    bool cold;         /* marked by a reclaim that is under way */
} green_stack;

/* All stacks of one size. */
typedef struct green_stack_class {
    struct green_stack_class *next;
    size_t size;                            /* usable bytes of each */
    green_stack *free;                      /* the one used last comes first */
    struct green_arena *arenas;             /* the newest first; only it has stacks to carve */
    size_t carved, free_count, dirty_count; /* dirty ones among the free */
} green_stack_class;

/* A hub's stacks. The first class is that of the default size. */
typedef struct green_stacks {
    green_stack_class first;
    size_t warm; /* free stacks that keep their memory */
} green_stacks;

void green__stacks_init(green_stacks *stacks, size_t default_size, size_t warm);
void green__stacks_destroy(green_stacks *stacks);

/* A stack of at least size bytes, 0 meaning the default. NULL with errno set:
 * no address space, or no guard. */
green_stack *green__stack_take(green_stacks *stacks, size_t size);

/* Gives it back. The caller may still be running on it, and may until the next
 * green__stack_take() or green__stacks_reclaim(). */
static inline void green__stack_give(green_stack *stack) {
    green_stack_class *class = stack->class;
    stack->dirty = true;
    stack->next = class->free;
    class->free = stack;
    class->free_count++;
    class->dirty_count++;
}

/* Gives the memory of all but the warm free stacks back to the system, if there
 * is enough of it to be worth the calls. */
void green__stacks_reclaim(green_stacks *stacks);

/* The stack whose guard or body holds this address, or NULL. Safe in a signal
 * handler of the OS thread that owns the stacks. */
green_stack *green__stack_of(const green_stacks *stacks, const void *address);

/* Bytes touched so far, to the page. */
size_t green__stack_used(const green_stack *stack);

/* The most that one of them has touched and still has. */
size_t green__stacks_deepest(const green_stacks *stacks);

static inline size_t green__stack_size(const green_stack *stack) {
    return stack->class->size;
}

#endif
