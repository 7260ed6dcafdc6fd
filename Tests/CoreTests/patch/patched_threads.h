/* A library whose threads are green. */
#ifndef GREEN_TESTS_PATCHED_THREADS_CALLS_H
#define GREEN_TESTS_PATCHED_THREADS_CALLS_H

#include "patched/threads.h"
#include "patches.h"

static const struct thread_calls *lib;
static green_patch *patch;

static inline green_patch *import_families(unsigned families) {
    green_patch *made;
    CHECK(green_import_patched(&made, PATCHED_THREADS, &(green_import_options){.families = families}), ==, 0);
    return made;
}

static inline void load(void) {
    void *library = dlopen(PATCHED_THREADS, RTLD_LAZY | RTLD_LOCAL);
    CHECK(library != NULL);
    lib = dlsym(library, "thread_calls");
    CHECK(lib != NULL);
}

/* Also makes a hub, so that threads are green. */
static inline void begin(void) {
    patch = import_families(GREEN_PATCH_THREAD | GREEN_PATCH_TIME);
    load();
    CHECK(green_sleep(1), ==, 0);
}

static inline void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

static inline pthread_t create(void *(*function)(void *), void *argument) {
    pthread_t thread = 0;
    CHECK(lib->create(&thread, NULL, function, argument), ==, 0);
    return thread;
}

static inline void *joined(pthread_t thread) {
    void *result = NULL;
    CHECK(lib->join(thread, &result), ==, 0);
    return result;
}

/* Thread functions. */
static inline void *give_back(void *argument) {
    return argument;
}

static inline void *sleep_a_little(void *argument) {
    CHECK(lib->usleep(10000), ==, 0);
    return argument;
}

/* Sleeps while *(bool *)going is true. Returns how often. */
static inline void *count_while(void *going) {
    intptr_t rounds = 0;
    for (; *(bool *)going; rounds++)
        CHECK(lib->usleep(500), ==, 0);
    return (void *)rounds;
}

static inline void *os_thread_of(void *unused) {
    (void)unused;
    return (void *)(intptr_t)gettid();
}

/* Whether a thread is green, by its id. */
static inline bool is_green_thread(pthread_t thread) {
    return thread & 1;
}

/* Runs body on an OS thread of its own, and green threads of this one meanwhile. */
static inline void on_os_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument), ==, 0);
    while (pthread_tryjoin_np(thread, NULL) == EBUSY)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
}

#endif
