/* A program whose threads are green, with Green's own calls among the patched ones. */
#include "patches.h"

#include <green/task_wait.h>
#include <pthread.h>
#include <sched.h>

static green_patch *patch;

static green_patch *everything(void) {
    green_patch *made;
    CHECK(green_monkey_patch(&made, GREEN_PATCH_ALL | GREEN_PATCH_THREAD), ==, 0);
    return made;
}

/* By the kernel: gettid() differs between green threads. */
static intptr_t this_os_thread(void) {
    char path[64] = ""; /* "PID/task/TID" */
    CHECK(readlink("/proc/thread-self", path, sizeof path - 1), >, 0);
    return atoi(strrchr(path, '/') + 1);
}

static void *os_thread_of(void *unused) {
    (void)unused;
    return (void *)this_os_thread();
}

/* Calls by address. In an executable that is not position-independent this is the address of a
 * stub, also for Green. */
static int (*volatile maker)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = pthread_create;

static intptr_t os_thread_of_new(void) {
    pthread_t thread;
    void *result;
    CHECK(maker(&thread, NULL, os_thread_of, NULL), ==, 0);
    CHECK(pthread_join(thread, &result), ==, 0);
    return (intptr_t)result;
}

TEST(own, "threads of the program are green until the patch is undone") {
    CHECK(green_sleep(1), ==, 0);
    patch = everything();
    CHECK(os_thread_of_new(), ==, this_os_thread());
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(os_thread_of_new(), !=, this_os_thread());
}

static int id_of_os_thread(void *result) {
    *(intptr_t *)result = this_os_thread();
    return 0;
}

static int use_green(void *unused) {
    (void)unused;
    intptr_t offloaded;
    green_address address;
    CHECK(green_offload(NULL, id_of_os_thread, &offloaded, NULL, NULL, GREEN_FOREVER), ==, 0);
    CHECK(offloaded, !=, this_os_thread());
    CHECK(green_resolve(&address, 1, "localhost:80"), ==, 1);
    return green_sleep(GREEN_MILLISECOND);
}

static void *run_hub(void *unused) {
    CHECK(finish(start(use_green, unused)), ==, 0);
    CHECK(os_thread_of_new(), ==, this_os_thread());
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(green_itself, "Green's own threads remain OS threads: hubs open and close, and the monitor reports") {
    patch = everything();
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) /* there is no hub here yet */
        CHECK(pthread_create(&threads[i], NULL, run_hub, NULL), ==, 0);
    CHECK(green_monitor_start(NULL), ==, 0);
    CHECK(finish(start(use_green, NULL)), ==, 0);
    CHECK(os_thread_of_new(), ==, this_os_thread());
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static void block_os_thread(void *os_thread) {
    *(intptr_t *)os_thread = this_os_thread();
    usleep(1000); /* others would run meanwhile, if this let them */
}

static int call_elsewhere(void *unused) {
    (void)unused;
    intptr_t os_thread = 0;
    mark('<');
    CHECK(green_task_call_elsewhere(block_os_thread, &os_thread), ==, 0);
    mark('>');
    CHECK(os_thread, !=, 0);
    CHECK(os_thread, !=, this_os_thread());
    return 0;
}

TEST(elsewhere, "a call on a new OS thread lets no other green thread run") {
    CHECK(green_sleep(1), ==, 0);
    patch = everything();
    green_thread *first = start(call_elsewhere, NULL), *second = start(call_elsewhere, NULL);
    CHECK(finish(first), ==, 0);
    CHECK(finish(second), ==, 0);
    CHECK_TEXT(marks(), "<><>");
    CHECK(green_unpatch(patch), ==, 0);
}

static pthread_key_t key;

static void *use_key(void *value) {
    CHECK(pthread_getspecific(key) == NULL);
    CHECK(pthread_setspecific(key, value), ==, 0);
    CHECK(sched_yield(), ==, 0);
    return pthread_getspecific(key) == value ? value : NULL;
}

TEST(keys, "keys created before the patch keep their values in the OS thread's own context") {
    CHECK(pthread_key_create(&key, NULL), ==, 0);
    CHECK(pthread_setspecific(key, &key), ==, 0);
    CHECK(green_sleep(1), ==, 0);
    patch = everything();
    pthread_t threads[2];
    for (intptr_t i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, use_key, (void *)(i + 1)), ==, 0);
    for (intptr_t i = 0; i < 2; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result), ==, 0);
        CHECK((intptr_t)result, ==, i + 1);
    }
    CHECK(pthread_getspecific(key) == &key);
    CHECK(pthread_key_delete(key), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static void *end_here(void *unused) {
    CHECK(sched_yield(), ==, 0);
    pthread_exit(unused);
}

TEST(exits, "pthread_exit of the program ends its green threads") {
    CHECK(green_sleep(1), ==, 0);
    patch = everything();
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, end_here, &key), ==, 0);
    CHECK(pthread_join(thread, &result), ==, 0);
    CHECK(result == &key);
    CHECK(green_unpatch(patch), ==, 0);
}
