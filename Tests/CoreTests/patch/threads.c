/* Green threads of a patched library: how they start and end. */
#include "patched_threads.h"

#include <sys/wait.h>

TEST(green, "a thread created by a patched library is green and runs on the same OS thread") {
    begin();
    pthread_t thread = create(os_thread_of, NULL);
    CHECK(is_green_thread(thread));
    CHECK((intptr_t)joined(thread), ==, gettid());
    end();
}

TEST(concurrent, "sleeps and joins of green threads let other threads run") {
    begin();
    bool going = true;
    pthread_t counting = create(count_while, &going), sleeping = create(sleep_a_little, &going);
    CHECK(joined(sleeping) == &going);
    going = false;
    CHECK((intptr_t)joined(counting), >, 1);
    end();
}

TEST(pool, "a thread pool with a mutex and a condition variable works") {
    begin();
    green_statistics before, after;
    CHECK(green_hub_statistics(&before), ==, 0);
    CHECK(lib->sum_squares(4, 200), ==, 200L * 201 * 401 / 6);
    CHECK(green_hub_statistics(&after), ==, 0);
    CHECK(after.switches - before.switches, >, 200);
    end();
}

static int sum_in_thread(void *unused) {
    (void)unused;
    return lib->sum_squares(4, 100) == 100L * 101 * 201 / 6 ? 0 : -EIO;
}

TEST(pools, "several green threads use thread pools concurrently") {
    begin();
    green_thread *threads[5];
    for (int i = 0; i < 5; i++)
        threads[i] = start(sum_in_thread, NULL);
    for (int i = 0; i < 5; i++)
        CHECK(finish(threads[i]), ==, 0);
    end();
}

TEST(many, "ten thousand threads are created, run at the same time and are joined") {
    enum { COUNT = SCALED(10000) };
    static pthread_t threads[COUNT];
    begin();
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes), ==, 0);
    CHECK(pthread_attr_setstacksize(&attributes, 128 << 10), ==, 0);
    for (intptr_t i = 0; i < COUNT; i++)
        CHECK(lib->create(&threads[i], &attributes, sleep_a_little, (void *)i), ==, 0);
    for (intptr_t i = 0; i < COUNT; i++)
        CHECK((intptr_t)joined(threads[i]), ==, i);
    CHECK(pthread_attr_destroy(&attributes), ==, 0);
    end();
}

/* Where threads are OS threads ------------------------------------------------------ */

static void *make_os_thread(void *unused) {
    (void)unused;
    pthread_t thread = create(os_thread_of, NULL);
    CHECK(!is_green_thread(thread));
    CHECK((intptr_t)joined(thread), !=, gettid());
    return NULL;
}

TEST(without_hub, "if the caller cannot park, an OS thread is created") {
    begin();
    on_os_thread(make_os_thread, NULL);
    end();
}

static void make_in_link(green_thread *thread, void *made) {
    (void)thread;
    *(pthread_t *)made = create(os_thread_of, NULL);
}

TEST(in_link, "in a link, which must not block, an OS thread is created") {
    begin();
    pthread_t made;
    int zero = 0;
    green_thread *thread = start(give, &zero);
    CHECK(green_thread_link(thread, NULL, make_in_link, &made), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(!is_green_thread(made));
    CHECK((intptr_t)joined(made), !=, gettid());
    end();
}

/* Attributes, limits, families ------------------------------------------------------ */

TEST(detached, "a thread created detached cannot be joined and leaves nothing behind") {
    begin();
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes), ==, 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), ==, 0);
    CHECK(lib->create(&thread, &attributes, sleep_a_little, NULL), ==, 0);
    CHECK(lib->join(thread, NULL), ==, EINVAL);
    CHECK(lib->usleep(20000), ==, 0);
    CHECK(pthread_attr_destroy(&attributes), ==, 0);
    end();
}

TEST(no_stack, "without address space for its stack, creating a thread is EAGAIN") {
    needs_kernel();
    begin();
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes), ==, 0);
    CHECK(pthread_attr_setstacksize(&attributes, (size_t)1 << 50), ==, 0);
    CHECK(lib->create(&thread, &attributes, give_back, NULL), ==, EAGAIN);
    CHECK(pthread_attr_destroy(&attributes), ==, 0);
    end();
}

TEST(not_requested, "threads are OS threads unless the family is requested by name") {
    patch = import_families(0);
    load();
    CHECK(green_sleep(1), ==, 0);
    CHECK(slots_of(patch, "core-patched-threads", "pthread_create"), ==, 0);
    CHECK((intptr_t)joined(create(os_thread_of, NULL)), !=, gettid());
    end();
    patch = import_families(GREEN_PATCH_LOCK);
    CHECK((intptr_t)joined(create(os_thread_of, NULL)), !=, gettid());
    end();
}

TEST(has_locks, "the family of threads includes that of locks") {
    begin();
    CHECK(slots_of(patch, "core-patched-threads", "pthread_create"), >, 0);
    CHECK(slots_of(patch, "core-patched-threads", "pthread_mutex_lock"), >, 0);
    CHECK(slots_of(patch, "core-patched-threads", "usleep"), >, 0);
    end();
}

TEST(left_alone, "Swift's libraries keep OS threads, but have green locks") {
    static const green_import_options threads = {.families = GREEN_PATCH_THREAD};
    CHECK(green_import_patched(&patch, PATCHED_NATIVE, &threads), ==, 0);
    CHECK(slots_of(patch, "libFoundation_patched", "pthread_create"), ==, 0);
    CHECK(slots_of(patch, "libFoundation_patched", "pthread_self"), ==, 0);
    CHECK(slots_of(patch, "libFoundation_patched", "pthread_mutex_lock"), >, 0);
    end();
}

TEST(held, "undoing is refused while ids exist that only green calls know") {
    begin();
    pthread_t thread = create(give_back, NULL), other = create(give_back, NULL);
    CHECK(green_unpatch(patch), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "2 green threads of pthread_create()");
    green_patch *second = import_families(GREEN_PATCH_THREAD);
    CHECK(green_unpatch(second), ==, 0);
    joined(thread);
    CHECK(green_unpatch(patch), ==, -EBUSY);
    CHECK(lib->detach(other), ==, 0);
    let_run();
    end();
}

/* Ending -------------------------------------------------------------------------- */

static void *exit_from_deep(void *depth) {
    volatile char frame[512];
    frame[0] = 1;
    if ((intptr_t)depth > 0)
        exit_from_deep((void *)((intptr_t)depth - 1));
    else
        lib->exit((void *)42);
    return (void *)(intptr_t)frame[0];
}

TEST(exits, "pthread_exit ends the thread from a nested call, with a result") {
    begin();
    for (int i = 0; i < 100; i++)
        CHECK((intptr_t)joined(create(exit_from_deep, (void *)20)), ==, 42);
    end();
}

static int exit_spawned(void *unused) {
    (void)unused;
    lib->exit((void *)42);
    return -EIO;
}

static void *exit_plainly(void *unused) {
    (void)unused;
    CHECK(green_sleep(1), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    lib->exit(NULL);
    return NULL;
}

TEST(other_exits, "pthread_exit ends a green thread of the program, and from its own context an OS thread") {
    begin();
    CHECK(finish(start(exit_spawned, NULL)), ==, 0);
    on_os_thread(exit_plainly, NULL);
    end();
}

static void end_in_child(void) {
    begin();
    CHECK((intptr_t)joined(create(os_thread_of, NULL)), ==, gettid());
    end();
}

static void *fork_and_return(void *unused) {
    (void)unused;
    pid_t child = fork();
    return (void *)(intptr_t)child;
}

TEST(forks, "a forked child creates threads of its own, and ends where the thread that forked ends") {
    struct child child;
    run_child(&child, end_in_child);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
    begin();
    pthread_t waiting = create(sleep_a_little, NULL);
    pid_t pid = (pid_t)(intptr_t)joined(create(fork_and_return, NULL));
    int status;
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    joined(waiting);
    end();
}
