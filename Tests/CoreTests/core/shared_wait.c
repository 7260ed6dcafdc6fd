/* Waits that any OS thread may end, on an object with nothing but a lock and a list. */
#include "../../../csrc/core/shared_wait.h"
#include "../../../csrc/base/short_lock.h"
#include "asleep.h"
#include "helpers.h"
#include "other_hub.h"

#include <sched.h>
#include <signal.h>

static struct {
    green_short_lock lock;
    green_wait_list waiters;
    int waiting;
} box;

struct box_wait {
    green_shared_wait wait;
    int value;
};

__attribute__((constructor)) static void box_init(void) {
    green__wait_list_init(&box.waiters);
}

static bool leave(green_shared_wait *wait) {
    green__short_lock(&box.lock);
    bool left = green__shared_wait_remove(wait);
    box.waiting -= left;
    green__short_unlock(&box.lock);
    return left;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for the box");
}

static const green_shared_wait_kind kind = {{green__shared_wait_cancel, describe}, leave};

/* Waits for a value. Returns it, or an error. */
static int take_within(int64_t timeout) {
    struct box_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    int error = green__shared_begin(timeout);
    if (error < 0)
        return error;
    green__shared_wait_init(&wait->wait, &kind);
    green__short_lock(&box.lock);
    green__wait_list_append(&box.waiters, &wait->wait.wait);
    box.waiting++;
    green__short_unlock(&box.lock);
    error = green__shared_wait(&wait->wait, timeout);
    return error < 0 ? error : wait->value;
}

static int take(void *unused) {
    (void)unused;
    return take_within(GREEN_FOREVER);
}

static int waiting(void) {
    green__short_lock(&box.lock);
    int count = box.waiting;
    green__short_unlock(&box.lock);
    return count;
}

/* Serves the first wait. Returns it, to be woken, or NULL. */
static green_shared_wait *serve(int value) {
    green__short_lock(&box.lock);
    green_shared_wait *first = green__shared_wait_take(&box.waiters);
    box.waiting -= first != NULL;
    if (first)
        GREEN_CONTAINER(first, struct box_wait, wait)->value = value;
    green__short_unlock(&box.lock);
    return first;
}

static bool give_value(int value) {
    green_shared_wait *first = serve(value);
    if (first)
        green__shared_wait_wake(first);
    return first;
}

static int give_seven(void *unused) {
    (void)unused;
    CHECK(give_value(7));
    return 0;
}

TEST(same_hub, "a wait is served by a thread of the same hub") {
    green_thread *waiter = start(take, NULL);
    let_run();
    CHECK(give_value(7));
    CHECK(finish(waiter), ==, 7);
    CHECK(!give_value(8));
}

TEST(other_os_threads, "a wait is served by an OS thread without a hub, and by another hub") {
    struct os_thread os_thread;
    struct other_hub other;
    green_thread *waiter = start(take, NULL);
    let_run();
    os_thread_start(&os_thread, give_seven, NULL);
    CHECK(finish(waiter), ==, 7);
    CHECK(os_thread_finish(&os_thread), ==, 0);

    other_hub_start(&other);
    waiter = start(take, NULL);
    let_run();
    CHECK(on_hub(other.hub, give_seven, NULL), ==, 0);
    CHECK(finish(waiter), ==, 7);
    other_hub_close(&other);
    other_hub_release(&other);
}

TEST(without_hub, "an OS thread without a hub blocks until it is served, and errno stays") {
    struct os_thread os_thread;
    green_statistics now;
    let_run(); /* makes the hub of this OS thread */
    os_thread_start(&os_thread, take, NULL);
    UNTIL(give_value(7));
    CHECK(os_thread_finish(&os_thread), ==, 7);
    CHECK(green_hub_close(), ==, 0);
    errno = EPROTO;
    CHECK(take_within(1), ==, -ETIMEDOUT);
    CHECK(errno, ==, EPROTO);
    CHECK(waiting(), ==, 0);
    CHECK(green_hub_statistics(&now), ==, -ENOENT);
}

TEST(gives_up, "a wait that is killed or times out leaves the list") {
    green_thread *waiter = start(take, NULL);
    let_run();
    CHECK(waiting(), ==, 1);
    CHECK(kill_and_finish(waiter), ==, -ECANCELED);
    CHECK(waiting(), ==, 0);
    CHECK(take_within(1), ==, -ETIMEDOUT);
    CHECK(waiting(), ==, 0);
    CHECK(!give_value(7));
}

static int take_then_yield(void *unused) {
    CHECK(take(unused), ==, 7);
    return green_yield();
}

TEST(served_first, "a kill after the wait was served and before it was woken goes to the next call") {
    green_thread *waiter = start(take_then_yield, NULL);
    let_run();
    green_shared_wait *served = serve(7);
    CHECK(green_thread_kill(waiter), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(waiter));
    green__shared_wait_wake(served);
    CHECK(finish(waiter), ==, -ECANCELED);
}

static int take_until_due(void *due) {
    int result = take_within(GREEN_MILLISECOND);
    *(bool *)due = true;
    return result;
}

TEST(served_at_deadline, "a timeout after the wait was served and before it was woken does not end it") {
    bool due = false;
    green_thread *waiter = start(take_until_due, &due);
    let_run();
    green_shared_wait *served = serve(7);
    CHECK(green_sleep(3 * GREEN_MILLISECOND), ==, 0); /* its timer fires earlier */
    CHECK(!due);
    green__shared_wait_wake(served);
    CHECK(finish(waiter), ==, 7);
}

static int take_os_thread(void *unused) {
    (void)unused;
    return take_within(GREEN_MILLISECOND);
}

TEST(os_thread_served_at_deadline, "the same holds for an OS thread, which waits for its wake-up") {
    struct os_thread os_thread;
    green_shared_wait *served = NULL;
    for (int tries = 0; !served; tries++) { /* it may time out before it is served */
        if (tries > 0)
            CHECK(os_thread_finish(&os_thread), ==, -ETIMEDOUT);
        os_thread_start(&os_thread, take_os_thread, NULL);
        while (!(served = serve(7)) && !__atomic_load_n(&os_thread.ended, __ATOMIC_ACQUIRE))
            sched_yield();
    }
    CHECK(green_sleep(3 * GREEN_MILLISECOND), ==, 0);
    CHECK(!__atomic_load_n(&os_thread.ended, __ATOMIC_ACQUIRE));
    green__shared_wait_wake(served);
    CHECK(os_thread_finish(&os_thread), ==, 7);
}

static void ignore(int number) {
    (void)number;
}

TEST(signals, "a signal handler does not end the wait of an OS thread") {
    struct os_thread os_thread;
    struct sigaction action = {.sa_handler = ignore}, former;
    CHECK(sigaction(SIGUSR1, &action, &former), ==, 0);
    os_thread_start(&os_thread, take, NULL);
    UNTIL(waiting() == 1);
    for (int i = 0; i < 100; i++) {
        CHECK(pthread_kill(os_thread.id, SIGUSR1), ==, 0);
        CHECK(green_yield(), ==, 0);
    }
    CHECK(waiting(), ==, 1);
    CHECK(give_value(7));
    CHECK(os_thread_finish(&os_thread), ==, 7);
    CHECK(sigaction(SIGUSR1, &former, NULL), ==, 0);
}

/* OS threads that end ------------------------------------------------------- */

static void exit_os_thread(int number) {
    (void)number;
    pthread_exit(NULL);
}

static void *run_take(void *unused) {
    take(unused);
    return NULL;
}

/* Starts an OS thread, and ends it by a signal handler while it waits. */
static void end_while_waiting(void *(*function)(void *), int waits) {
    pthread_t id;
    struct sigaction action = {.sa_handler = exit_os_thread}, former;
    CHECK(sigaction(SIGUSR1, &action, &former), ==, 0);
    CHECK(pthread_create(&id, NULL, function, NULL), ==, 0);
    while (waiting() < waits)
        sched_yield();
    wait_until_others_sleep(); /* until then, it holds locks */
    CHECK(pthread_kill(id, SIGUSR1), ==, 0);
    CHECK(pthread_join(id, NULL), ==, 0);
    CHECK(sigaction(SIGUSR1, &former, NULL), ==, 0);
}

TEST(os_thread_ends, "an OS thread without a hub that ends while it waits leaves the list") {
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer does not allow pthread_exit() in a signal handler");
    end_while_waiting(run_take, 1);
    CHECK(waiting(), ==, 0);
    CHECK(!give_value(7));
}

static void *take_on_hub(void *unused) {
    for (int i = 0; i < 3; i++)
        green_thread_release(start(take, unused));
    CHECK(green_yield(), ==, 0);
    take(unused);
    return NULL;
}

static void lose_hub(void) {
    end_while_waiting(take_on_hub, 4);
    CHECK(waiting(), ==, 0);
    CHECK(!give_value(7));
}

TEST(hub_ends, "a hub whose OS thread ends while its threads and its context wait leaves no wait") {
    static struct child child;
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer does not allow pthread_exit() in a signal handler");
    run_child(&child, lose_hub);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}
