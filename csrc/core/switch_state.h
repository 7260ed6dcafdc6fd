/* State that other runtimes keep for each OS thread but that belongs to the green
 * thread. A switch saves it, and restores it when the thread runs again.
 *
 * C++ keeps a list of exceptions that are being handled and a count of exceptions that
 * are being thrown. Each C++ runtime has such a record for each OS thread, with the
 * layout of the Itanium C++ ABI; __cxa_get_globals() returns its address. A switch reads
 * only this record. If it is not empty, the switch saves it in its own frame.
 *
 * The program may load a C++ runtime at any time. See green__dtv_generation() for
 * how Green detects this. */
#ifndef GREEN_CORE_SWITCH_STATE_H
#define GREEN_CORE_SWITCH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct green_hub;

/* __cxa_eh_globals */
typedef struct green_cxx_exceptions {
    void *caught;
    unsigned uncaught;
} green_cxx_exceptions;

/* libstdc++, libc++, and one in the program itself. */
enum { GREEN_CXX_RUNTIMES_MAX = 3 };

/* Part of a hub, for its OS thread. */
typedef struct green_switch_state {
    const green_cxx_exceptions *watched; /* read by each switch */
    uintptr_t generation, changes;       /* at the last search for runtimes */
    unsigned long long loaded;           /* number of objects loaded then */
    bool checks_stacks;                  /* see stack_overflow.c */
    size_t count;
    green_cxx_exceptions *runtimes[GREEN_CXX_RUNTIMES_MAX];
} green_switch_state;

/* State that only functions of a library can read. They run on the OS thread of a hub,
 * and do not switch. */
typedef struct green_switch_hooks {
    void *(*take)(void);          /* removes and returns the state; NULL if there is none */
    void (*restore)(void *taken); /* restores the state and frees it */
    void (*clear)(void);
} green_switch_hooks;

/* Makes all hubs switch_state it, from their next turn on; the caller's hub at once. */
void green__switch_hooks_set(const green_switch_hooks *state);

/* Finds the C++ runtimes that the process has loaded. */
void green__switch_state_scan(struct green_hub *hub);

/* Does the same if objects were loaded since the last search. For an idle hub. */
void green__switch_state_rescan(struct green_hub *hub);

/* Makes each switch and each turn check the stack pointer, because stacks of the hub share
 * guards. Other switches cost no more for it, because it uses the record that they read. */
void green__switch_state_check_stacks(struct green_hub *hub);

/* Clears the state of the current thread, which has ended. */
void green__switch_state_clear(struct green_hub *hub);

/* Counts the calls of green__switch_hooks_set(). */
extern uintptr_t green__switch_hooks_version;

static inline bool green__switch_hooks_changed(const green_switch_state *switch_state) {
    return __atomic_load_n(&green__switch_hooks_version, __ATOMIC_RELAXED) != switch_state->changes;
}

/* A number that changes when this OS thread first uses a C++ runtime. The runtime's
 * record is a thread-local variable. Its first use updates the OS thread's dynamic thread
 * vector, whose first word is its generation (U. Drepper, "ELF Handling For Thread-Local
 * Storage"). This detects a runtime loaded since the last search. Querying the dynamic
 * linker instead would make a switch several times slower. */
static inline uintptr_t green__dtv_generation(void) {
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

/* Whether a switch has to switch_state state. */
static inline bool green__switch_state_is_needed(const green_switch_state *switch_state) {
    return switch_state->watched->caught || switch_state->watched->uncaught ||
           green__dtv_generation() != switch_state->generation;
}

#endif
