#include "os_threads.h"

#include <dirent.h>

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

static bool has_name(const char *task, const char *prefix) {
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%.16s/comm", task);
    FILE *file = fopen(path, "r");
    if (!file)
        return false; /* it has ended */
    bool has = fgets(name, sizeof name, file) && strncmp(name, prefix, strlen(prefix)) == 0;
    fclose(file);
    return has;
}

size_t os_threads_named(const char *prefix) {
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory));)
        count += has_name(entry->d_name, prefix);
    closedir(directory);
    return count;
}

void needs_exit_of_os_thread(void) {
    if (SANITIZED)
        skip("sanitizers do not support that the stack of an OS thread is used again");
}
