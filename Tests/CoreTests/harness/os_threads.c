#include "os_threads.h"

static void *run(void *argument) {
    struct os_thread *thread = argument;
    thread->result = thread->function(thread->argument);
    __atomic_store_n(&thread->ended, true, __ATOMIC_RELEASE);
    return NULL;
}

void os_thread_start(struct os_thread *thread, int (*function)(void *argument), void *argument) {
    *thread = (struct os_thread){.function = function, .argument = argument};
    CHECK(pthread_create(&thread->id, NULL, run, thread), ==, 0);
}

int os_thread_finish(struct os_thread *thread) {
    UNTIL(__atomic_load_n(&thread->ended, __ATOMIC_ACQUIRE));
    CHECK(pthread_join(thread->id, NULL), ==, 0);
    return thread->result;
}

struct call {
    void (*function)(void *argument);
    void *argument;
};

static void *call_it(void *argument) {
    const struct call *call = argument;
    call->function(call->argument);
    return NULL;
}

void on_os_thread(void (*function)(void *argument), void *argument) {
    struct call call = {function, argument};
    pthread_t id;
    CHECK(pthread_create(&id, NULL, call_it, &call), ==, 0);
    CHECK(pthread_join(id, NULL), ==, 0);
}
