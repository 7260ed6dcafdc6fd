/* The state of Swift's concurrency runtime that belongs to a green thread.
 *
 * The runtime keeps three words for each OS thread: the current Task, the current executor,
 * and the task-local values that are bound outside Tasks. A switch saves them if one is not
 * zero, like the rest of switch_state.h. So each green thread has its own Task and its own
 * task-locals, and a Task may block on a green thread.
 *
 * The words have no API. They are thread-local variables of libswift_Concurrency, or of the
 * program if it has a static copy of that. The first hub of a process finds their offsets: it
 * watches which words change while a task-local is bound, and in a Task, on an OS thread that
 * has neither. Then it tests that saving and restoring them has the effect that it should.
 * If that fails, green__task_state_is_known() is false, and Tasks must not block on green
 * threads.
 *
 * A green thread inherits the task-locals of the function that spawned it. The runtime copies
 * task-locals only into a new Task, so a thread that is spawned while a Task runs or a
 * task-local is bound calls its function in a Task of its own. Other threads have none. */
#ifndef GREEN_CORE_TASK_STATE_H
#define GREEN_CORE_TASK_STATE_H

#include <green/task_runtime.h>

#include <stdbool.h>
#include <stdint.h>

enum { GREEN_TASK_WORDS = 3 };

/* Addresses of the words of an OS thread. Those of a variable that is zero if they are not
 * known. */
typedef struct green_task_words {
    uintptr_t *word[GREEN_TASK_WORDS];
} green_task_words;

typedef struct green_task_state {
    uintptr_t word[GREEN_TASK_WORDS];
} green_task_state;

/* Finds the words of the calling OS thread; in the first call of the process, their offsets. */
void green__task_words_find(green_task_words *words);

/* Whether the words of all OS threads are known. False without Swift. */
bool green__task_state_is_known(void);

/* Whether there is a Task or a task-local. */
static inline bool green__task_state_is_set(const green_task_words *words) {
    return (*words->word[0] | *words->word[1] | *words->word[2]) != 0;
}

/* Returns the state and clears it. */
static inline green_task_state green__task_state_take(const green_task_words *words) {
    green_task_state state;
    for (int i = 0; i < GREEN_TASK_WORDS; i++) {
        state.word[i] = *words->word[i];
        *words->word[i] = 0;
    }
    return state;
}

static inline void green__task_state_restore(const green_task_words *words, const green_task_state *state) {
    for (int i = 0; i < GREEN_TASK_WORDS; i++)
        *words->word[i] = state->word[i];
}

/* Inheritance ------------------------------------------------------------------- */

/* A Task that has not begun, with copies of the task-locals that are bound on the calling OS
 * thread. NULL if none is bound and no Task runs, or if there is no memory. One call of
 * green__task_run() or green__task_discard() consumes it, on any OS thread. */
typedef struct green_inherited_task green_inherited_task;
green_inherited_task *green__task_inherit(const green_task_words *words);

/* The same for an OS thread that may have no hub. */
green_inherited_task *green__task_inherit_here(void);

/* Calls the function in the Task and returns its result. If task is NULL, only calls it. */
int green__task_run(green_inherited_task *task, int (*function)(void *argument), void *argument);

/* Ends a Task that never ran. NULL does nothing. */
void green__task_discard(green_inherited_task *task);

#endif
