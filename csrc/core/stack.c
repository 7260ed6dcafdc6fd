#include "stack.h"

#include "sanitizer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    /* Page-aligned stacks would all use the same few sets of the L1 cache. So each stack
     * begins some cache lines lower than the one before (cache coloring). 16 lines leave
     * three quarters of the top page for frames, so that a thread that waits near its
     * start uses one page. */
    COLORS = 16,
    CACHE_LINE = 64,
    ARENA_STACKS_MIN = 16,
    ARENA_STACKS_MAX = 1024,
};

static const size_t ARENA_SIZE = (size_t)1 << 30;

struct green_arena {
    struct green_arena *next;
    green_guard_area area;
    size_t size, carved;
    green_stack stacks[];
};

static size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

void green__stacks_init(green_stacks *stacks, size_t default_size, size_t warm) {
    size_t page = page_size();
    *stacks = (green_stacks){.warm = warm};
    green__guards_init(&stacks->guards);
    stacks->first.size = (default_size + page - 1) / page * page;
}

static void arena_destroy(struct green_arena *arena) {
    for (size_t i = 0; i < arena->carved; i++) {
        green__fiber_destroy(arena->stacks[i].fiber);
        green__valgrind_deregister(arena->stacks[i].valgrind);
    }
    green__guard_area_close(&arena->area);
    munmap(arena->area.base, arena->size);
    free(arena);
}

void green__stacks_destroy(green_stacks *stacks) {
    for (green_stack_class *class = &stacks->first, *next; class; class = next) {
        next = class->next;
        for (struct green_arena *arena = class->arenas, *following; arena; arena = following) {
            following = arena->next;
            arena_destroy(arena);
        }
        if (class != &stacks->first)
            free(class);
    }
    green__guards_close(&stacks->guards);
}

void green__stacks_abandon(green_stacks *stacks, const green_stack *own) {
    green__guards_abandon(&stacks->guards, own ? own->guard : NULL);
}

/* Returns the class of a size, made on first use. A list is enough, because programs use one
 * or two sizes. */
static green_stack_class *class_of(green_stacks *stacks, size_t size) {
    if (size == 0)
        return &stacks->first;
    size_t page = page_size();
    if (size > SIZE_MAX / 2) {
        errno = ENOMEM;
        return NULL;
    }
    size = (size + page - 1) / page * page;
    green_stack_class *class = &stacks->first;
    for (; class; class = class->next)
        if (class->size == size)
            return class;
    class = calloc(1, sizeof *class);
    if (!class)
        return NULL;
    class->size = size;
    class->next = stacks->first.next;
    stacks->first.next = class;
    return class;
}

static struct green_arena *arena_create(green_stack_class *class) {
    size_t slot = class->size + GREEN_GUARD_SIZE;
    size_t count = ARENA_SIZE / slot;
    if (count > ARENA_STACKS_MAX)
        count = ARENA_STACKS_MAX;
    /* A first arena is small: most programs need few stacks. */
    if (count < ARENA_STACKS_MIN || !class->arenas)
        count = ARENA_STACKS_MIN;
    /* There may be address space for one stack if there is none for sixteen. */
    for (;; count = 1) {
        struct green_arena *arena = malloc(sizeof *arena + count * sizeof *arena->stacks);
        if (!arena)
            return NULL;
        *arena = (struct green_arena){.next = class->arenas, .size = slot * count};
        char *base = MAP_FAILED;
        if (slot <= SIZE_MAX / 2 / count)
            base = mmap(NULL, arena->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (base != MAP_FAILED) {
            /* A huge page would commit 2 MiB at the first touch. */
            madvise(base, arena->size, MADV_NOHUGEPAGE);
            arena->area = (green_guard_area){.base = base, .slot = slot, .count = count};
            class->arenas = arena;
            return arena;
        }
        free(arena);
        if (count == 1) {
            errno = ENOMEM;
            return NULL;
        }
    }
}

static green_stack *carve(green_stacks *stacks, green_stack_class *class) {
    struct green_arena *arena = class->arenas;
    if (!arena || arena->carved == arena->area.count) {
        arena = arena_create(class);
        if (!arena)
            return NULL;
    }
    int error = green__guard_make(&stacks->guards, &arena->area, arena->carved);
    if (error < 0) {
        errno = -error;
        return NULL;
    }
    char *slot = arena->area.base + arena->carved * arena->area.slot;
    green_stack *stack = &arena->stacks[arena->carved++];
    *stack = (green_stack){
        .bottom = slot + GREEN_GUARD_SIZE,
        .guard = arena->area.lowest,
        .top = slot + arena->area.slot - (class->carved % COLORS) * CACHE_LINE,
        .class = class,
        .fiber = green__fiber_create(),
    };
    stack->valgrind = green__valgrind_register(stack->bottom, stack->top);
    class->carved++;
    return stack;
}

green_stack *green__stack_take(green_stacks *stacks, size_t size) {
    green_stack_class *class = class_of(stacks, size);
    if (!class)
        return NULL;
    green_stack *stack = class->free;
    if (!stack)
        return carve(stacks, class);
    class->free = stack->next;
    class->free_count--;
    class->dirty_count -= stack->dirty;
    green__sanitizer_unpoison(stack->bottom, class->size);
    green__fiber_reuse(&stack->fiber, &stack->uses);
    return stack;
}

/* Makes one call for each run of neighbors, including the guards between them, because the
 * calls dominate the cost. If a call would remove the guards, makes one for each stack. */
static void discard_cold(struct green_arena *arena) {
    const green_guard_area *area = &arena->area;
    size_t run_max = green__guards_can_be_discarded(area) ? 1 : area->count;
    for (size_t i = 0; i < arena->carved;) {
        if (!arena->stacks[i].cold) {
            i++;
            continue;
        }
        size_t first = i;
        for (; i < arena->carved && i - first < run_max && arena->stacks[i].cold; i++)
            arena->stacks[i].cold = arena->stacks[i].dirty = false;
        char *end = area->base + i * area->slot;
        madvise(arena->stacks[first].bottom, (size_t)(end - arena->stacks[first].bottom), MADV_DONTNEED);
    }
}

void green__stacks_reclaim(green_stacks *stacks) {
    for (green_stack_class *class = &stacks->first; class; class = class->next) {
        if (class->dirty_count <= 2 * stacks->warm)
            continue;
        size_t warm = stacks->warm;
        for (green_stack *stack = class->free; stack; stack = stack->next) {
            if (!stack->dirty)
                continue;
            if (warm > 0) {
                warm--;
                continue;
            }
            stack->cold = true;
            class->dirty_count--;
        }
        for (struct green_arena *arena = class->arenas; arena; arena = arena->next)
            discard_cold(arena);
    }
}

size_t green__stack_used(const green_stack *stack) {
    size_t page = page_size(), pages = stack->class->size / page, untouched = 0;
    unsigned char present[256];
    while (untouched < pages) {
        size_t count = pages - untouched < sizeof present ? pages - untouched : sizeof present;
        if (mincore(stack->bottom + untouched * page, count * page, present) < 0)
            break;
        for (size_t i = 0; i < count; i++)
            if (present[i] & 1)
                return (pages - untouched - i) * page;
        untouched += count;
    }
    return 0;
}

size_t green__stacks_deepest(const green_stacks *stacks) {
    size_t deepest = 0;
    for (const green_stack_class *class = &stacks->first; class; class = class->next)
        for (const struct green_arena *arena = class->arenas; arena; arena = arena->next)
            for (size_t i = 0; i < arena->carved; i++) {
                size_t used = green__stack_used(&arena->stacks[i]);
                deepest = used > deepest ? used : deepest;
            }
    return deepest;
}
