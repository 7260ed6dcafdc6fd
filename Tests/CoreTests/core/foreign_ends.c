/* Objects whose last release is on another OS thread than that of their hub. */
#include "os_threads.h"
#include "sleepers.h"

#include <green/local.h>

static void release_thread(void *thread) {
    green_thread_release(thread);
}

static uint64_t handles(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.handles;
}

TEST(finished_thread, "a handle of a finished thread that another OS thread releases is freed by its hub") {
    enum { COUNT = 100 };
    static green_thread *threads[COUNT];
    int value = 0;
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(give, &value);
    let_run();
    CHECK(handles(), ==, COUNT);
    for (int i = 0; i < COUNT; i++)
        on_os_thread(release_thread, threads[i]);
    UNTIL(handles() == 0);
}

TEST(running_thread, "a handle of a running thread may be released on another OS thread") {
    struct sleeper sleeper;
    start_sleepers(&sleeper, 1);
    on_os_thread(release_thread, green_thread_retain(sleeper.thread));
    on_os_thread(release_thread, green_thread_retain(sleeper.thread));
    end_sleepers(&sleeper, 1);
    CHECK(handles(), ==, 0);
}

static int give_error(void *argument) {
    (void)argument;
    return -EIO;
}

TEST(unobserved, "an error that no thread waited for is reported when another OS thread releases the handle") {
    green_thread *thread = start(give_error, NULL);
    let_run();
    capture_begin();
    on_os_thread(release_thread, thread);
    UNTIL(handles() == 0);
    CHECK_CONTAINS(capture_end(), "no thread waited for");
}

enum { RELEASERS = 8, ROUNDS = 200 };

struct release_race {
    green_thread *threads[ROUNDS];
    pthread_barrier_t barrier;
};

static void *release_all(void *argument) {
    struct release_race *race = argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&race->barrier);
        green_thread_release(race->threads[i]);
    }
    return NULL;
}

static void check_release_race(void (*meanwhile)(void)) {
    static struct release_race race;
    pthread_t releasers[RELEASERS];
    int value = 0;
    CHECK(pthread_barrier_init(&race.barrier, NULL, RELEASERS), ==, 0);
    for (int i = 0; i < ROUNDS; i++) {
        race.threads[i] = start(give, &value);
        for (int owner = 1; owner < RELEASERS; owner++)
            green_thread_retain(race.threads[i]);
    }
    let_run();
    CHECK(handles(), ==, ROUNDS);
    for (int i = 0; i < RELEASERS; i++)
        CHECK(pthread_create(&releasers[i], NULL, release_all, &race), ==, 0);
    meanwhile();
    for (int i = 0; i < RELEASERS; i++)
        CHECK(pthread_join(releasers[i], NULL), ==, 0);
    UNTIL(handles() == 0);
    CHECK(pthread_barrier_destroy(&race.barrier), ==, 0);
}

static void do_nothing(void) {
}

static void run_hub(void) {
    UNTIL(handles() == 0);
}

TEST(several_idle, "several OS threads may release the last handles of a thread at once while its hub is idle") {
    check_release_race(do_nothing);
}

TEST(several_busy, "several OS threads may release the last handles of a thread at once while its hub runs") {
    check_release_race(run_hub);
}

TEST(close, "a hub closes after another OS thread has released the last handle") {
    int value = 0;
    green_thread *thread = start(give, &value);
    let_run();
    CHECK(green_hub_close(), ==, -EBUSY);
    on_os_thread(release_thread, thread);
    CHECK(green_hub_close(), ==, 0);
}

TEST(root, "the handle of an OS thread's context may be released after its hub, on any OS thread") {
    green_thread *root = green_thread_retain(green_current());
    on_os_thread(release_thread, green_thread_retain(root));
    green_thread_set_name(root, "root");
    CHECK(green_hub_close(), ==, 0);
    CHECK_TEXT(green_thread_name(root), "");
    on_os_thread(release_thread, green_thread_retain(root));
    green_thread_release(root);
}

TEST(root_deadlock, "a handle of the context of an OS thread does not prevent the report of a deadlock") {
    green_thread *root = green_thread_retain(green_current());
    green_event *event;
    CHECK(green_event_make(&event), ==, 0);
    capture_begin();
    CHECK(green_event_wait(event, NULL, GREEN_FOREVER), ==, -EDEADLK);
    capture_end();
    green_event_free(event);
    green_thread_release(root);
}

/* An OS thread that ends while its hub is in use, and the handles it leaves. */
static green_thread *left[2];

static void *leave_hub_in_use(void *unused) {
    int value = 0;
    left[0] = start(give, &value);
    left[1] = start(nap, NULL);
    let_run();
    for (int owner = 1; owner < RELEASERS; owner++) {
        green_thread_retain(left[0]);
        green_thread_retain(left[1]);
    }
    return unused;
}

static void *release_left(void *unused) {
    green_thread_release(left[0]);
    green_thread_release(left[1]);
    return unused;
}

/* In a child, because such a hub keeps its memory and descriptors. */
static void in_child(void body(void)) {
    struct child child;
    run_child(&child, body);
    CHECK_CONTAINS(child.output, "ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

static void release_left_at_once(void) {
    pthread_t os_thread, releasers[RELEASERS];
    CHECK(pthread_create(&os_thread, NULL, leave_hub_in_use, NULL), ==, 0);
    CHECK(pthread_join(os_thread, NULL), ==, 0);
    for (int i = 0; i < RELEASERS; i++)
        CHECK(pthread_create(&releasers[i], NULL, release_left, NULL), ==, 0);
    for (int i = 0; i < RELEASERS; i++)
        CHECK(pthread_join(releasers[i], NULL), ==, 0);
}

TEST(ended_in_use, "handles of a hub whose OS thread ended in use may be released on several OS threads at once") {
    in_child(release_left_at_once);
}

/* A release that is in the inbox when the OS thread ends. */
static void *post_and_end(void *unused) {
    int value = 0;
    left[0] = start(give, &value);
    left[1] = start(nap, NULL);
    let_run();
    on_os_thread(release_thread, green_thread_retain(left[0]));
    on_os_thread(release_thread, green_thread_retain(left[1]));
    return unused;
}

static void release_before_end(void) {
    pthread_t os_thread;
    CHECK(pthread_create(&os_thread, NULL, post_and_end, NULL), ==, 0);
    CHECK(pthread_join(os_thread, NULL), ==, 0);
    green_thread_release(left[0]);
    green_thread_release(left[1]);
}

TEST(posted_before_end, "a release before the OS thread of the hub ends in use is done") {
    in_child(release_before_end);
}

static void free_key(void *key) {
    green_local_free(key);
}

TEST(local, "a key may be freed on another OS thread") {
    green_local *key;
    CHECK(green_local_make(&key, free), ==, 0);
    CHECK(green_local_set(key, strdup("value")), ==, 0);
    on_os_thread(free_key, key);
    CHECK(green_hub_close(), ==, 0); /* destroys the value */
}
