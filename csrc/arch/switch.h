/* The switch between two stacks: the only machine-dependent part of Green.
 *
 * A switch preserves the registers that the platform's C calling convention makes
 * callee-saved, and no others. It does not preserve the floating-point control words
 * (mxcsr, x87, FPCR): that would double its cost. A program that changes the rounding mode
 * changes it for its OS thread. */
#ifndef GREEN_ARCH_SWITCH_H
#define GREEN_ARCH_SWITCH_H

#include <stdint.h>

/* Saves the caller's context on its stack and the stack pointer in *from, and continues where
 * the context `to` was saved. */
void green__switch(void **from, void *to);

/* Where a new context starts. It calls the function with the argument that green__context()
 * stored. The function must not return. */
void green__entry(void);

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "Green supports x86-64 and aarch64"
#endif

enum { GREEN_STACK_MIN = 16 * 1024 };

/* Builds a context that calls function(argument), on an empty stack whose top is aligned to
 * 16 bytes. Returns its stack pointer. */
static inline void *green__context(void *top, void (*function)(void *), void *argument) {
    uintptr_t *frame = top;
#if defined(__x86_64__)
    *--frame = (uintptr_t)green__entry;
    *--frame = 0;                   /* rbp: no frame above this one */
    *--frame = 0;                   /* rbx */
    *--frame = (uintptr_t)function; /* r12 */
    *--frame = (uintptr_t)argument; /* r13 */
    *--frame = 0;                   /* r14 */
    *--frame = 0;                   /* r15 */
#elif defined(__aarch64__)
    frame -= 20;                         /* x19 to x30, d8 to d15 */
    frame[0] = (uintptr_t)function;      /* x19 */
    frame[1] = (uintptr_t)argument;      /* x20 */
    frame[10] = 0;                       /* x29: no frame above this one */
    frame[11] = (uintptr_t)green__entry; /* x30 */
#endif
    return frame;
}

#endif
