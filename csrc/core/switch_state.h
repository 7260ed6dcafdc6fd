/* State that other runtimes keep for each OS thread but that belongs to the green thread.
 * A switch saves it, and restores it when the thread runs again.
 *
 * C++ keeps a list of exceptions that are being handled and a count of exceptions that
 * are being thrown. Each C++ runtime has such a record for each OS thread, with the
 * layout of the Itanium C++ ABI; __cxa_get_globals() returns its address. Swift keeps a Task
 * and task-locals: see task_state.h. A switch reads only these records. If one is not empty,
 * the switch saves them in its own frame.
 *
 * The program may load a C++ runtime at any time. See green__dtv_generation() for how
 * Green detects this. */
#ifndef GREEN_CORE_SWITCH_STATE_H
#define GREEN_CORE_SWITCH_STATE_H

#include "task_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    green_task_words task_words;         /* read by each switch */
    uintptr_t generation, hooks_version; /* at the last scan */
    unsigned long long loaded;           /* the number of objects loaded then */
    bool checks_stacks;                  /* see stack_overflow.h */
    size_t count;
    green_cxx_exceptions *runtimes[GREEN_CXX_RUNTIMES_MAX];
} green_switch_state;

/* Functions for state that only a library can read. They run on the OS thread of a hub,
 * and do not switch. */
typedef struct green_switch_hooks {
    void *(*take)(void);          /* removes and returns the state; NULL if there is none */
    void (*restore)(void *taken); /* restores the state and frees it */
    void (*clear)(void);
} green_switch_hooks;

/* What a switch has saved. It lives in the frame of the switch. */
typedef struct green_saved_state {
    green_task_state task;
    size_t count; /* at the time: the state may find more runtimes before the thread returns */
    green_cxx_exceptions exceptions[GREEN_CXX_RUNTIMES_MAX];
    const green_switch_hooks *hooks;
    void *taken;
} green_saved_state;

/* Makes all hubs call the hooks, from their next iteration on. mine is the state of the
 * caller's hub, or NULL: this hub calls them at once. */
void green__switch_hooks_set(const green_switch_hooks *hooks, green_switch_state *mine);

/* Finds the C++ runtimes that the process has loaded. */
void green__switch_state_scan(green_switch_state *state);

/* Does the same if objects were loaded since the last scan. For an idle hub. */
void green__switch_state_rescan(green_switch_state *state);

/* Makes each switch and each iteration check the stack pointer, because stacks of the hub
 * share guards. Other switches cost no more for it, because it uses the record that they
 * read. */
void green__switch_state_check_stacks(green_switch_state *state);

/* Saves the state of the current thread and clears it, or restores it. */
void green__switch_state_save(green_switch_state *state, green_saved_state *saved);
void green__switch_state_restore(const green_switch_state *state, green_saved_state *saved);

/* Clears the state of the current thread, which has exited. */
void green__switch_state_clear(green_switch_state *state);

/* The number of calls of green__switch_hooks_set(). */
extern uintptr_t green__switch_hooks_version;

static inline bool green__switch_hooks_changed(const green_switch_state *state) {
    return __atomic_load_n(&green__switch_hooks_version, __ATOMIC_RELAXED) != state->hooks_version;
}

/* A number that changes when this OS thread first uses a C++ runtime. The runtime's
 * record is a thread-local variable. Its first use updates the OS thread's dynamic thread
 * vector, whose first word is its generation (U. Drepper, "ELF Handling For Thread-Local
 * Storage"). This detects a runtime loaded since the last scan. Querying the dynamic
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

/* Whether a switch has to save state. */
static inline bool green__switch_state_is_needed(const green_switch_state *state) {
    return state->watched->caught || state->watched->uncaught || green__task_state_is_set(&state->task_words) ||
           green__dtv_generation() != state->generation;
}

#endif
