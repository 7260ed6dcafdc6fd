/* Remote threads of hubs that end, of OS threads that end, and of a parent process. */
#include "helpers.h"
#include "other_hub.h"

#include <sys/wait.h>

static struct other_hub other;

static int never_runs(void *argument) {
    (void)argument;
    check_failed(__FILE__, __LINE__, "a thread ran on a hub that had ended");
}

static void never_discards(void *argument) {
    (void)argument;
    check_failed(__FILE__, __LINE__, "the argument of a spawn that failed was discarded");
}

TEST(after_end, "a spawn on a hub that has ended is -ESRCH: neither the function nor discard is called") {
    green_remote_thread *thread = NULL;
    int value = 1;
    other_hub_start(&other);
    green_remote_thread *before = NULL;
    CHECK(green_hub_spawn(other.hub, &before, NULL, give, &value), ==, 0);
    other_hub_close(&other);
    green_spawn_options options = {.discard = never_discards};
    CHECK(green_hub_spawn(other.hub, &thread, &options, never_runs, NULL), ==, -ESRCH);
    CHECK_CONTAINS(green_explain(-ESRCH), "hub that has ended");
    CHECK(thread == NULL);
    CHECK(green_hub_spawn(other.hub, NULL, &options, never_runs, NULL), ==, -ESRCH);
    /* The result of an earlier thread stays. */
    int result = 0;
    CHECK(green_remote_thread_wait(before, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, 1);
    CHECK(green_remote_thread_kill(before), ==, 0);
    CHECK(green_remote_thread_hub(before) == other.hub);
    other_hub_release(&other);
    green_remote_thread_release(before);
}

/* An OS thread that ends ------------------------------------------------------- */

static bool naps; /* atomic */
static int discards;

static void count_discard(void *argument) {
    CHECK(argument == &discards);
    CHECK(green_yield(), ==, -EWOULDBLOCK);
    __atomic_fetch_add(&discards, 1, __ATOMIC_RELAXED);
}

static int wait_for(void *thread) {
    int error = green_remote_thread_wait(thread, NULL, GREEN_FOREVER);
    CHECK_CONTAINS(green_explain(error), "before the OS thread of its hub ended");
    return error;
}

static int spawn_and_nap(void *argument) {
    green_remote_thread **threads = argument;
    green_spawn_options later = {.name = "later", .delay = 3600 * GREEN_SECOND, .discard = count_discard};
    CHECK(green_hub_spawn(green_hub_current(), &threads[0], &later, never_runs, &discards), ==, 0);
    __atomic_store_n(&naps, true, __ATOMIC_RELEASE);
    return nap(NULL);
}

static void lose_hub(void) {
    green_remote_thread *threads[2];
    green_thread *waiter;
    struct os_thread os_thread;
    other_hub_start(&other);
    CHECK(green_hub_spawn(other.hub, &threads[1], &(green_spawn_options){.name = "lost"}, spawn_and_nap, threads), ==,
          0);
    waiter = start(wait_for, threads[1]);
    os_thread_start(&os_thread, wait_for, threads[1]);
    UNTIL(__atomic_load_n(&naps, __ATOMIC_ACQUIRE));
    other_hub_lose(&other);
    CHECK(finish(waiter), ==, -ESRCH);
    CHECK(os_thread_finish(&os_thread), ==, -ESRCH);
    CHECK(wait_for(threads[0]), ==, -ESRCH);
    CHECK(green_remote_thread_is_finished(threads[0]), ==, true);
    CHECK(green_remote_thread_kill(threads[0]), ==, 0);
    CHECK(green_hub_spawn(other.hub, NULL, NULL, never_runs, NULL), ==, -ESRCH);
    green_remote_thread_release(threads[0]);
    green_remote_thread_release(threads[1]);
    other_hub_release(&other);
}

TEST(lost, "threads of a hub whose OS thread ends are -ESRCH for all waiters, and those that come later") {
    static struct child child;
    run_child(&child, lose_hub);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(strstr(child.output, "no thread waited") == NULL);
    CHECK(child.status, ==, 0);
}

/* The hub is busy until its OS thread ends: it calls pthread_exit(). */
static int exit_when_told(void *told) {
    __atomic_store_n(&naps, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n((bool *)told, __ATOMIC_ACQUIRE))
        usleep(100);
    pthread_exit(NULL);
}

static void lose_unstarted(void) {
    static bool told;
    green_remote_thread *busy, *unstarted, *unobserved;
    green_spawn_options options = {.name = "unstarted", .discard = count_discard};
    other_hub_start(&other);
    CHECK(green_hub_spawn(other.hub, &busy, NULL, exit_when_told, &told), ==, 0);
    UNTIL(__atomic_load_n(&naps, __ATOMIC_ACQUIRE));
    CHECK(green_hub_spawn(other.hub, &unstarted, &options, never_runs, &discards), ==, 0);
    CHECK(green_remote_thread_kill_with(unstarted, &discards, count_discard), ==, 0);
    options.name = "unobserved";
    CHECK(green_hub_spawn(other.hub, &unobserved, &options, never_runs, &discards), ==, 0);
    __atomic_store_n(&told, true, __ATOMIC_RELEASE);
    CHECK(wait_for(busy), ==, -ESRCH);
    CHECK(wait_for(unstarted), ==, -ESRCH);
    CHECK(pthread_join(other.os_thread.id, NULL), ==, 0);
    CHECK(__atomic_load_n(&discards, __ATOMIC_RELAXED), ==, 3);
    green_remote_thread_release(busy);
    green_remote_thread_release(unstarted);
    green_remote_thread_release(unobserved);
    other_hub_release(&other);
}

TEST(lost_unstarted, "a thread that a hub never started is -ESRCH, and discard is called with its argument") {
    static struct child child;
    needs_exit_of_os_thread();
    run_child(&child, lose_unstarted);
    CHECK_CONTAINS(child.output, "remote thread 'unobserved' did not finish before the OS thread of its hub ended");
    CHECK(child.status, ==, 0);
}

/* Forks ------------------------------------------------------------------------ */

static void use_parents(green_remote_thread *running, green_remote_thread *finished) {
    int reason = 0;
    CHECK(green_remote_thread_wait(running, NULL, GREEN_FOREVER), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "belongs to the process before the fork");
    CHECK(green_remote_thread_wait(finished, NULL, 0), ==, -EXDEV);
    CHECK(green_remote_thread_kill(running), ==, -EXDEV);
    CHECK(green_remote_thread_kill_with(running, &reason, NULL), ==, -EXDEV);
    CHECK(green_hub_spawn(other.hub, NULL, NULL, never_runs, NULL), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "belongs to the process before the fork");
    green_remote_thread_release(running);
    green_remote_thread_release(finished);
}

TEST(forked, "a child cannot use remote threads of its parent, may release them, and the parent continues") {
    green_remote_thread *running, *finished;
    int status, value = 9, result;
    other_hub_start(&other);
    CHECK(green_hub_spawn(other.hub, &running, NULL, nap, NULL), ==, 0);
    CHECK(green_hub_spawn(other.hub, &finished, NULL, give, &value), ==, 0);
    CHECK(green_remote_thread_wait(finished, NULL, GREEN_FOREVER), ==, 0);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        alarm(30 * time_factor());
        use_parents(running, finished);
        CHECK(green_yield(), ==, 0); /* a hub of its own */
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
    CHECK(green_remote_thread_kill(running), ==, 0);
    CHECK(green_remote_thread_wait(running, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, -ECANCELED);
    green_remote_thread_release(running);
    green_remote_thread_release(finished);
    other_hub_close(&other);
    other_hub_release(&other);
}
