/* Guards of green stacks: memory below each stack in which an overflow ends the process.
 * A hub uses the first of these that the system offers:
 *
 *   guard_install  MADV_GUARD_INSTALL (Linux 6.13) puts markers into the page table.
 *                  Reads and writes are caught, also in a forked child.
 *   userfaultfd    Write protection by userfaultfd(2) (Linux 5.11). Writes are caught,
 *                  reads return zeros. A child gets one mprotect guard instead, for the
 *                  stack on which it continues. Containers often forbid the call.
 *   mprotect       Reads and writes are caught, but each guard splits a mapping, and
 *                  vm.max_map_count limits these. Three eighths of it may be guards.
 *   shared         Beyond that limit, one mprotect guard for up to 256 stacks. Below each
 *                  stack lies unused memory of the size of a guard. A thread that has
 *                  left its stack is detected when it switches. An unbounded overflow
 *                  reaches the shared guard. An overflow larger than the unused memory
 *                  may damage the stack below before either happens.
 *
 * CPU time of a guard of 64 pages on Linux 6.18, x86-64: guard_install 3.0 us, userfaultfd
 * 1.7 us (before Linux 6.4: 12 us), mprotect 3.6 us. Each uses 512 bytes of page tables,
 * except mprotect, which uses two of the kernel's records of mappings. Although userfaultfd
 * is faster, it is second: it needs a descriptor, catches no read, and its guards vanish at
 * fork(2), with the descriptor, and by MADV_DONTNEED.
 *
 * Details of userfaultfd:
 * - UFFD_FEATURE_SIGBUS makes a write raise SIGBUS, so that no thread has to read the
 *   descriptor. UFFD_USER_MODE_ONLY needs no privilege, whatever
 *   vm.unprivileged_userfaultfd is. A system call that writes into a guard fails with
 *   EFAULT.
 * - Before Linux 6.4 only present pages can be write-protected. 64 read faults take 35 us,
 *   UFFDIO_ZEROPAGE takes 7. It needs a range that is registered for missing pages. A
 *   stack cannot grow in such a range, so guards are filled before their stacks are in
 *   use, a batch at a time.
 * - The descriptor belongs to one address space. If the program closes it, its guards are
 *   gone, and later ones are mprotect's. Each hub has one, which ends with the hub. */
#ifndef GREEN_CORE_GUARD_H
#define GREEN_CORE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* A function with a frame larger than the guard may reach past it. Compilers touch each
 * page of a large frame in order only with -fstack-clash-protection, which many programs
 * and libraries do not use. So a guard is larger than common stack buffers. */
enum { GREEN_GUARD_SIZE = 256 * 1024 };

/* The best one first. */
typedef enum green_guard_kind {
    GREEN_GUARD_INSTALL,
    GREEN_GUARD_USERFAULTFD,
    GREEN_GUARD_MPROTECT,
    GREEN_GUARD_SHARED,
} green_guard_kind;

/* Part of a hub's stacks. */
typedef struct green_guards {
    green_guard_kind kind; /* of the next guard; only ever grows */
    bool proven;           /* a guard of this kind was made, and works */
    bool fills;            /* userfaultfd protects only present pages */
    int fd;                /* of userfaultfd; -1: none */
} green_guards;

/* A mapping of slots of equal size, each a guard and the stack above it. */
typedef struct green_guard_area {
    char *base;
    size_t slot, count;
    size_t registered; /* slots from this one on are not with userfaultfd */
    size_t mprotected; /* guards by mprotect */
    char *lowest;      /* the last guard made: it ends an overflow of the stacks above it */
} green_guard_area;

void green__guards_init(green_guards *guards);

/* Chooses the kind, as far as it is known before the first guard. Cannot fail. Opens the
 * descriptor: if a spawn did, it would change the numbers that the program's own
 * descriptors get. */
void green__guards_open(green_guards *guards);

/* Call it after the areas were unmapped. */
void green__guards_close(green_guards *guards);

/* Guards a slot of an area, in the order of the slots. Sets area->lowest. 0 or -errno. */
int green__guard_make(green_guards *guards, green_guard_area *area, size_t index);

/* Call it before an area is unmapped. */
void green__guard_area_close(const green_guard_area *area);

/* Whether MADV_DONTNEED removes guards of this area. */
static inline bool green__guards_can_be_discarded(const green_guard_area *area) {
    return area->registered > 0;
}

/* In a forked child. guard is that of the stack on which the child continues, or NULL. */
void green__guards_abandon(green_guards *guards, char *guard);

/* The name of a kind, as in the list above. */
const char *green__guard_name(green_guard_kind kind);

#endif
