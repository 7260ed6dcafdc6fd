/* Green threads of pthread_create() when other code cancels a joiner, forks, undoes a patch or
 * uses their keys. */
#include "patched_threads.h"

#include <stdatomic.h>

static pthread_t worker;
static atomic_bool is_over;

static void *work(void *unused) {
    while (!is_over)
        CHECK(lib->usleep(1000), ==, 0);
    return unused;
}

/* Joiners ---------------------------------------------------------------------------- */

static void *join_worker(void *unused) {
    (void)lib->join(worker, NULL);
    pthread_testcancel();
    return unused;
}

TEST(cancelled_joiner, "an OS thread that is cancelled during a join completes it first") {
    pthread_t os_thread;
    void *result;
    if (SANITIZED)
        skip("sanitizers do not expect cancellation");
    begin();
    worker = create(work, NULL);
    CHECK(pthread_create(&os_thread, NULL, join_worker, NULL), ==, 0);
    CHECK(green_sleep(5 * GREEN_MILLISECOND), ==, 0);
    CHECK(pthread_cancel(os_thread), ==, 0);
    CHECK(green_sleep(5 * GREEN_MILLISECOND), ==, 0);
    CHECK(joined(create(give_back, NULL)) == NULL); /* the common lock is free */
    is_over = true;
    while (pthread_tryjoin_np(os_thread, &result) == EBUSY)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(result == PTHREAD_CANCELED);
    end();
}

/* Forks ------------------------------------------------------------------------------ */

static void stop_worker(void) {
    is_over = true;
    CHECK(lib->join(worker, NULL), ==, EDEADLK); /* the worker cannot run meanwhile */
}

static pthread_t restarted;

static void *end_at_once(void *value) {
    return value;
}

static void restart_worker(void) {
    CHECK(lib->create(&restarted, NULL, end_at_once, NULL), ==, 0);
    CHECK(!is_green_thread(restarted));
    CHECK(lib->join(restarted, NULL), ==, 0);
}

TEST(fork_handlers, "fork handlers may create OS threads, and may not wait for green threads") {
    CHECK(pthread_atfork(stop_worker, restart_worker, NULL), ==, 0); /* before Green's, so they run inside */
    begin();
    worker = create(work, NULL);
    fork_and_wait();
    joined(worker);
    end();
}

static void use_parents_ids(void) {
    struct sched_param parameters;
    int policy;
    CHECK(lib->cancel(worker), ==, ESRCH);
    CHECK(lib->kill(worker, 0), ==, ESRCH);
    CHECK(lib->setname(worker, "name"), ==, ESRCH);
    CHECK(lib->getschedparam(worker, &policy, &parameters), ==, ESRCH);
    CHECK(lib->join(worker, NULL), ==, ESRCH);
    CHECK(lib->detach(worker), ==, ESRCH);
}

TEST(forked, "a forked child has none of its parent's threads") {
    struct child child;
    begin();
    worker = create(work, NULL);
    run_child(&child, use_parents_ids);
    CHECK(child.status, ==, 0);
    is_over = true;
    joined(worker);
    end();
}

/* Ids -------------------------------------------------------------------------------- */

TEST(other_patch, "another patch does not expose ids to the C library's calls") {
    green_patch *other;
    begin();
    green_import_options options = {.families = GREEN_PATCH_ALL | GREEN_PATCH_THREAD};
    CHECK(green_import_patched(&other, PATCHED_NOW, &options), ==, 0);
    worker = create(work, NULL);
    CHECK(green_unpatch(patch), ==, -EBUSY);
    is_over = true;
    joined(worker);
    CHECK(green_unpatch(other), ==, 0);
    end();
}

TEST(detached, "undoing is refused while a detached thread runs, which may still call pthread_exit") {
    begin();
    worker = create(work, NULL);
    CHECK(lib->detach(worker), ==, 0);
    CHECK(green_unpatch(patch), ==, -EBUSY);
    is_over = true;
    UNTIL(green_unpatch(patch) == 0);
}

static pthread_t spawned;

static int return_id(void *unused) {
    (void)unused;
    spawned = lib->self();
    return 0;
}

TEST(ended, "calls on a thread that has ended fail") {
    pthread_attr_t attributes;
    struct sched_param parameters;
    clockid_t clock;
    int policy;
    begin();
    green_thread *thread = start(return_id, NULL);
    CHECK(green_thread_wait(thread, NULL, GREEN_FOREVER), ==, 0);
    worker = create(end_at_once, NULL);
    let_run();
    pthread_t ids[] = {spawned, worker};
    for (int i = 0; i < 2; i++) {
        CHECK(lib->kill(ids[i], 0), ==, ESRCH);
        CHECK(lib->getattr(ids[i], &attributes), ==, ESRCH);
        CHECK(lib->getschedparam(ids[i], &policy, &parameters), ==, ESRCH);
        CHECK(lib->getcpuclockid(ids[i], &clock), ==, ESRCH);
    }
    joined(worker);
    green_thread_release(thread);
    end();
}

/* Keys ------------------------------------------------------------------------------- */

static pthread_key_t key;
static int destroyed;

static void count(void *unused) {
    (void)unused;
    destroyed++;
}

static void *set_value(void *expected) {
    CHECK(lib->setspecific(key, &key), ==, (intptr_t)expected);
    CHECK(lib->getspecific(key) == (expected ? NULL : &key));
    return NULL;
}

TEST(unknown_key, "a key created by an object that is not patched has values, an invalid key has none") {
    begin();
    CHECK(lib->key_create(&key, count), ==, 0);
    CHECK(lib->key_delete(key), ==, 0);
    joined(create(set_value, (void *)EINVAL));
    pthread_key_t before = key;
    CHECK(pthread_key_create(&key, NULL), ==, 0); /* at the same index */
    CHECK(key, ==, before);
    joined(create(set_value, NULL));
    CHECK(pthread_key_delete(key), ==, 0);
    key = 500;
    joined(create(set_value, (void *)EINVAL));
    CHECK(destroyed, ==, 0);
    end();
}

static int keep_value(void *unused) {
    set_value(unused);
    return green_sleep(20 * GREEN_MILLISECOND);
}

TEST(forgotten_key, "after the patch is undone, no destructor of a key is called, because it may be unloaded") {
    begin();
    CHECK(lib->key_create(&key, count), ==, 0);
    green_thread *thread = start(keep_value, NULL);
    let_run();
    end();
    CHECK(pthread_key_delete(key), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(pthread_key_create(&key, NULL), ==, 0);
    begin();
    joined(create(set_value, NULL));
    CHECK(destroyed, ==, 0);
    CHECK(pthread_key_delete(key), ==, 0);
    end();
}
