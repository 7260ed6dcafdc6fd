/* C++ exceptions belong to the green thread that throws or handles them.
 *
 * This file is compiled into four programs. Its library and the C++ runtime are loaded
 * after the hub was made, or linked with the program, or the runtime is part of the
 * program. */
#include "cxx/throwing.h"
#include "helpers.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>

enum { THREADS = 8, PAUSES = 20 };

static const struct throwing *cxx;

static void load(void) {
#ifdef THROWING_LIBRARY
    CHECK(green_yield(), ==, 0);
    void *library = dlopen(THROWING_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    cxx = dlsym(library, "throwing_calls");
    CHECK(cxx != NULL);
#else
    cxx = &throwing_calls;
#endif
}

static void yield(void *unused) {
    (void)unused;
    CHECK(green_yield(), ==, 0);
}

static void doze(void *unused) {
    (void)unused;
    CHECK(green_sleep(GREEN_MICROSECOND), ==, 0);
}

/* A thread does not see the exception that another thread handles. */
static int has_none(void *unused) {
    (void)unused;
    for (int i = 0; i < PAUSES; i++) {
        CHECK(cxx->state(), ==, 0);
        CHECK(green_yield(), ==, 0);
    }
    return 0;
}

static int throw_often(void *text) {
    for (int i = 0; i < PAUSES; i++) {
        CHECK(cxx->rethrow(text, yield, NULL));
        CHECK(cxx->unwind(text, yield, NULL));
        CHECK(cxx->rethrow(text, doze, NULL));
        CHECK(cxx->unwind(text, doze, NULL));
        CHECK(cxx->rethrow_nested(1 + i % 3, text, yield, NULL));
        CHECK(cxx->state(), ==, 0);
    }
    return 0;
}

static void throw_in_threads(void) {
    static const char *const texts[THREADS] = {"zero", "one", "two", "three", "four", "five", "six", "seven"};
    green_thread *threads[THREADS], *other = start(has_none, NULL);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(throw_often, (void *)texts[i]);
    for (int i = 0; i < THREADS; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(finish(other), ==, 0);
    CHECK(cxx->state(), ==, 0);
}

TEST(each_its_own, "threads that wait while they throw or handle exceptions keep their own exceptions") {
    load();
    throw_in_threads();
}

static void *throw_on_os_thread(void *unused) {
    CHECK(green_yield(), ==, 0);
    throw_in_threads();
    CHECK(green_hub_close(), ==, 0);
    return unused;
}

TEST(other_hubs, "threads of several OS threads keep their own exceptions") {
    pthread_t others[2];
    load();
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&others[i], NULL, throw_on_os_thread, NULL), ==, 0);
    throw_in_threads();
    for (int i = 0; i < 2; i++)
        pthread_join(others[i], NULL);
}

static void run_others(void *unused) {
    static const char *const texts[2] = {"here", "there"};
    (void)unused;
    for (int i = 0; i < 2; i++)
        CHECK(finish(start(throw_often, (void *)texts[i])), ==, 0);
}

TEST(main_context, "the OS thread's own context keeps its exception while it waits for threads") {
    load();
    CHECK(cxx->rethrow("main", run_others, NULL));
    CHECK(cxx->unwind("main", run_others, NULL));
    throw_in_threads();
}

static void sleep_until_killed(void *unused) {
    (void)unused;
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
}

static int handle_and_be_killed(void *text) {
    CHECK(cxx->rethrow(text, sleep_until_killed, NULL));
    CHECK(cxx->state(), ==, 0);
    return -ECANCELED;
}

TEST(killed, "a thread killed in a handler keeps its own exception") {
    load();
    green_thread *killed = start(handle_and_be_killed, "killed");
    let_run();
    CHECK(green_thread_kill(killed), ==, 0);
    throw_in_threads();
    CHECK(finish(killed), ==, -ECANCELED);
}

static void fork_and_continue(void *parent) {
    pid_t child = fork();
    CHECK(child, >=, 0);
    if (child == 0) {
        *(bool *)parent = false;
        return;
    }
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
}

static int fork_in_handler(void *text) {
    bool parent = true;
    CHECK(cxx->rethrow(text, fork_and_continue, &parent));
    if (!parent)
        _exit(cxx->state() == 0 ? 0 : 1);
    return 0;
}

TEST(forked, "a child forked in a handler keeps the exception") {
    load();
    green_thread *other = start(throw_often, "other"), *forking = start(fork_in_handler, "forking");
    CHECK(finish(forking), ==, 0);
    CHECK(finish(other), ==, 0);
    fork_in_handler("main");
}

/* As pthread_exit() in a patched library does. The shared library does not export it. */
extern void green__thread_exit(int result) __attribute__((weak));

static void end_here(void *unused) {
    (void)unused;
    green__thread_exit(7);
}

static int end_in_handler(void *text) {
    cxx->rethrow(text, end_here, NULL);
    return 0;
}

TEST(ended, "a thread that ends in a handler leaves no exception to other threads") {
    if (SANITIZED)
        skip("the exception is never freed");
    if (!green__thread_exit)
        skip("Green is a shared library");
    load();
    for (int i = 0; i < 3; i++)
        CHECK(finish(start(end_in_handler, "ended")), ==, 7);
    throw_in_threads();
}
