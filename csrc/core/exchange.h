/* State that other runtimes keep for each OS thread and that belongs to the green
 * thread: it is exchanged when a thread is switched away from and back to.
 *
 * C++ keeps a list of the exceptions that are being handled, and a count of those
 * that are being thrown. Every runtime of C++ has such a record for each OS thread,
 * laid out by the Itanium C++ ABI, and returns its address by __cxa_get_globals().
 * A switch looks at that record alone, and only where it is not empty does it save
 * anything, in the frame of the switch itself.
 *
 * The program may load such a runtime at any time. See green__exchange_generation()
 * for how that is noticed. */
#ifndef GREEN_CORE_EXCHANGE_H
#define GREEN_CORE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct green_hub;

/* __cxa_eh_globals */
typedef struct green_exceptions {
    void *caught;
    unsigned uncaught;
} green_exceptions;

/* libstdc++, libc++, and one more that the program itself contains. */
enum { GREEN_CXX_RUNTIMES_MAX = 3 };

/* Part of a hub, whose OS thread it is about. */
typedef struct green_exchange {
    const green_exceptions *watched; /* what a switch looks at */
    uintptr_t generation, changes;   /* at the last look for runtimes */
    unsigned long long loaded;       /* objects that the process had loaded then */
    size_t count;
    green_exceptions *runtimes[GREEN_CXX_RUNTIMES_MAX];
} green_exchange;

/* State that is known only by asking a library for it. The functions are called on
 * the OS thread of a hub, and let nobody else run. */
typedef struct green_foreign_state {
    void *(*take)(void);           /* takes it away; NULL: there is none */
    void (*put_back)(void *taken); /* and frees what has been taken */
    void (*clear)(void);
} green_foreign_state;

/* Has all hubs exchange it from their next turn on, the caller's at once. */
void green__exchange_foreign(const green_foreign_state *state);

/* Finds the runtimes of C++ that the process has by now. */
void green__exchange_look(struct green_hub *hub);

/* The same if objects were loaded since the last time. For a hub that is idle. */
void green__exchange_look_again(struct green_hub *hub);

/* Forgets what the current thread, which has ended, leaves behind. */
void green__exchange_drop(struct green_hub *hub);

/* Counts the calls of green__exchange_foreign(). */
extern uintptr_t green__exchange_changes;

static inline bool green__exchange_has_changed(const green_exchange *exchange) {
    return __atomic_load_n(&green__exchange_changes, __ATOMIC_RELAXED) != exchange->changes;
}

/* Another number after this OS thread has used a runtime of C++ for the first time.
 * The record there is a thread-local variable, and its first use brings the OS
 * thread's vector of such variables up to date, whose first word is the generation
 * it is of (U. Drepper, "ELF Handling For Thread-Local Storage"). So a runtime is
 * noticed that was loaded since the last look, which asking the dynamic linker would
 * make a switch several times as long for. */
static inline uintptr_t green__exchange_generation(void) {
#if defined(__GLIBC__) && defined(__x86_64__)
    const uintptr_t *vector;
    __asm__ volatile("movq %%fs:8, %0" : "=r"(vector));
    return *vector;
#elif defined(__GLIBC__) && defined(__aarch64__)
    return **(const uintptr_t *const volatile *)__builtin_thread_pointer();
#else
    return 0;
#endif
}

/* Whether a switch takes more than changing the stack. */
static inline bool green__exchange_is_needed(const green_exchange *exchange) {
    return exchange->watched->caught || exchange->watched->uncaught ||
           green__exchange_generation() != exchange->generation;
}

#endif
