#include "task_state.h"

#include "../base/error.h"
#include "../base/feature.h"
#include "../base/loaded_objects.h"
#include "../base/os_thread.h"

#include <stdlib.h>
#include <string.h>

/* The Swift runtime's. */
extern void *swift_task_getCurrent(void) __attribute__((weak));

/* The C library's: returns the address of a thread-local variable of the calling OS thread. */
typedef struct tls_index {
    unsigned long module, offset;
} tls_index;
extern void *__tls_get_addr(tls_index *index);

enum { BLOCK_MAX = 64 * 1024, STACK_MAX = 64 * 1024 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool known;
static tls_index places[GREEN_TASK_WORDS];
static _Thread_local uintptr_t nothing; /* stays zero; the event loop stores zero in it */

/* The thread-local variables of the object that has the runtime ----------------- */

typedef struct tls_block {
    unsigned long module;
    const uintptr_t *first; /* of the calling OS thread */
    size_t count;
} tls_block;

static bool contains(const struct dl_phdr_info *object, uintptr_t address) {
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && address - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            return true;
    }
    return false;
}

static int find_block(struct dl_phdr_info *object, size_t size, void *found) {
    tls_block *block = found;
    (void)size;
    if (!contains(object, (uintptr_t)swift_task_getCurrent))
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_TLS) {
            block->module = object->dlpi_tls_modid;
            block->count = object->dlpi_phdr[i].p_memsz / sizeof(uintptr_t);
        }
    return 1;
}

/* The search -------------------------------------------------------------------- */

typedef struct task_search {
    const green_task_runtime *runtime;
    tls_block block;
    uintptr_t *idle, *local, *task; /* the block without state, with a task-local, in a Task */
    uintptr_t *ended;               /* the bits that were set in it after the state had ended */
    uintptr_t current;              /* the Task */
    uintptr_t stack;                /* a frame below which the OS thread calls the runtime */
    bool found, works;
} task_search;

static void copy_with_local(void *argument) {
    task_search *search = argument;
    memcpy(search->local, search->block.first, search->block.count * sizeof(uintptr_t));
}

static void copy_in_task(void *argument) {
    task_search *search = argument;
    search->current = (uintptr_t)swift_task_getCurrent();
    memcpy(search->task, search->block.first, search->block.count * sizeof(uintptr_t));
}

static void observe_end(task_search *search) {
    for (size_t i = 0; i < search->block.count; i++)
        search->ended[i] |= search->block.first[i];
}

static void observe(task_search *search) {
    memcpy(search->idle, search->block.first, search->block.count * sizeof(uintptr_t));
    search->runtime->with_task_local(copy_with_local, search);
    observe_end(search);
    search->runtime->in_task(copy_in_task, search);
    observe_end(search);
}

static bool is_on_stack(const task_search *search, uintptr_t address) {
    return search->stack - address < STACK_MAX;
}

/* Which word it is: 0 the Task, 1 the executor's record in a frame of the OS thread, 2 the
 * task-locals. -1: none of them. */
static int kind_of(const task_search *search, size_t i) {
    if (search->idle[i] || search->ended[i])
        return -1;
    if (search->task[i] == search->current && !search->local[i])
        return 0;
    if (is_on_stack(search, search->task[i]) && !search->local[i])
        return 1;
    return search->local[i] && !search->task[i] ? 2 : -1;
}

/* Each word must be there once. */
static bool choose(const task_search *search) {
    int count[GREEN_TASK_WORDS] = {0};
    for (size_t i = 0; i < search->block.count; i++) {
        int kind = kind_of(search, i);
        if (kind < 0)
            continue;
        count[kind]++;
        places[kind] = (tls_index){search->block.module, i * sizeof(uintptr_t)};
    }
    return count[0] == 1 && count[1] == 1 && count[2] == 1;
}

/* The test ---------------------------------------------------------------------- */

static void words_here(green_task_words *words) {
    for (int i = 0; i < GREEN_TASK_WORDS; i++)
        words->word[i] = __tls_get_addr(&places[i]);
}

static void test_with_local(void *argument) {
    task_search *search = argument;
    green_task_words words;
    words_here(&words);
    bool before = search->runtime->has_task_local();
    green_task_state state = green__task_state_take(&words);
    bool between = search->runtime->has_task_local();
    green__task_state_restore(&words, &state);
    search->works = search->works && before && !between && search->runtime->has_task_local();
}

static void test_in_task(void *argument) {
    task_search *search = argument;
    green_task_words words;
    words_here(&words);
    void *task = swift_task_getCurrent();
    green_task_state state = green__task_state_take(&words);
    void *between = swift_task_getCurrent();
    search->runtime->with_task_local(test_with_local, search);
    green__task_state_restore(&words, &state);
    search->works = search->works && task && !between && swift_task_getCurrent() == task;
}

static bool test(task_search *search) {
    search->works = true;
    search->runtime->with_task_local(test_with_local, search);
    search->runtime->in_task(test_in_task, search);
    return search->works;
}

/* On an OS thread of its own, which runs no Task and binds no task-local. */
static void *run_search(void *argument) {
    task_search *search = argument;
    tls_block *block = &search->block;
    tls_index start = {0};
    green__loaded_objects_each(find_block, block);
    if (!block->module || block->count > BLOCK_MAX / sizeof(uintptr_t))
        return NULL;
    uintptr_t *memory = calloc(4 * block->count, sizeof(uintptr_t));
    if (!memory)
        return NULL;
    start.module = block->module;
    block->first = __tls_get_addr(&start);
    search->idle = memory;
    search->local = memory + block->count;
    search->task = memory + 2 * block->count;
    search->ended = memory + 3 * block->count;
    search->stack = (uintptr_t)__builtin_frame_address(0);
    observe(search); /* the first round may initialize other variables of the block */
    memset(search->ended, 0, block->count * sizeof(uintptr_t));
    observe(search);
    search->found = choose(search) && test(search);
    free(memory);
    return NULL;
}

static void find(void) {
    pthread_t thread;
    task_search search = {0};
    if (!green_swift_task_runtime || !swift_task_getCurrent || green__feature_is_disabled(GREEN_FEATURE_TASK_STATE))
        return;
    search.runtime = green_swift_task_runtime();
    int error = green__os_thread_start(&thread, 0, run_search, &search);
    if (error == 0)
        green__pthread.join(thread, NULL);
    known = search.found;
    if (error < 0)
        green__warn("no OS thread could be started to find the state of Swift's concurrency runtime, so Tasks cannot "
                    "block on green threads, and task-locals are shared by the green threads of a hub: %s",
                    green__error_text(error));
    else if (!known)
        green__warn("this version of Swift's concurrency runtime is not known, so Tasks cannot block on green "
                    "threads, and task-locals are shared by the green threads of a hub");
}

void green__task_words_find(green_task_words *words) {
    pthread_once(&once, find);
    if (known)
        words_here(words);
    else
        *words = (green_task_words){{&nothing, &nothing, &nothing}};
}

bool green__task_state_is_known(void) {
    pthread_once(&once, find);
    return known;
}

/* Inheritance ------------------------------------------------------------------- */

green_inherited_task *green__task_inherit(const green_task_words *words) {
    return known && green__task_state_is_set(words) ? green_swift_task_runtime()->inherit() : NULL;
}

green_inherited_task *green__task_inherit_here(void) {
    green_task_words words;
    green__task_words_find(&words);
    return green__task_inherit(&words);
}

int green__task_run(green_inherited_task *task, int (*function)(void *argument), void *argument) {
    return task ? green_swift_task_runtime()->run(task, function, argument) : function(argument);
}

void green__task_discard(green_inherited_task *task) {
    if (task)
        green_swift_task_runtime()->discard(task);
}
