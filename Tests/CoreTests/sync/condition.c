/* Conditions: signals, the mutex after each end of a wait, and lifetimes. */
#include "helpers.h"

#include <pthread.h>

static struct {
    green_mutex *mutex;
    green_condition *condition;
} w;

static void prepare(void) {
    CHECK(green_mutex_make(&w.mutex), ==, 0);
    CHECK(green_condition_make(&w.condition), ==, 0);
}

static void end(void) {
    CHECK(green_mutex_holder(w.mutex) == NULL);
    CHECK(green_condition_waiting(w.condition), ==, 0);
    green_condition_free(w.condition);
    green_mutex_free(w.mutex);
}

static void lock(void) {
    CHECK(green_mutex_lock(w.mutex, GREEN_FOREVER), ==, 0);
}

static void unlock(void) {
    CHECK(green_mutex_unlock(w.mutex), ==, 0);
}

/* A thread that waits for a signal, and checks that it holds the mutex then. */
struct waiter {
    int64_t timeout;
    char letter;
    int next; /* the result of its next blocking call */
};

static int wait_for_signal(void *argument) {
    struct waiter *waiter = argument;
    lock();
    int error = green_condition_wait(w.condition, w.mutex, waiter->timeout);
    CHECK(green_mutex_holder(w.mutex) == green_current());
    if (waiter->letter)
        mark(waiter->letter);
    unlock();
    waiter->next = green_yield();
    return error;
}

static green_thread *start_waiter(struct waiter *waiter, char letter) {
    *waiter = (struct waiter){GREEN_FOREVER, letter, 1};
    return start(wait_for_signal, waiter);
}

/* Signals --------------------------------------------------------------------- */

TEST(signal, "a signal wakes the thread that has waited longest, and one without a waiter is lost") {
    prepare();
    struct waiter waiters[3];
    green_thread *threads[3];
    CHECK(green_condition_signal(w.condition), ==, 0);
    for (int i = 0; i < 3; i++)
        threads[i] = start_waiter(&waiters[i], (char)('1' + i));
    let_run();
    CHECK(green_condition_waiting(w.condition), ==, 3);
    for (int i = 0; i < 3; i++) {
        CHECK(green_condition_signal(w.condition), ==, 0);
        CHECK(green_condition_waiting(w.condition), ==, 2 - i);
    }
    for (int i = 0; i < 3; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK_TEXT(marks(), "123");
    end();
    green_condition_free(NULL);
}

TEST(broadcast, "a broadcast wakes all, which get the mutex in the order of their calls after its holder") {
    prepare();
    struct waiter waiters[4];
    green_thread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start_waiter(&waiters[i], (char)('a' + i));
    let_run();
    lock();
    CHECK(green_condition_broadcast(w.condition), ==, 0);
    CHECK(green_condition_waiting(w.condition), ==, 0);
    CHECK(green_mutex_waiting(w.mutex), ==, 4);
    let_run();
    CHECK_TEXT(marks(), "");
    unlock();
    for (int i = 0; i < 4; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK_TEXT(marks(), "abcd");
    CHECK(green_condition_broadcast(w.condition), ==, 0);
    end();
}

/* A bounded buffer, as in a textbook. */
static struct {
    green_condition *not_full;
    int count, taken;
} buffer;

static int produce(void *argument) {
    for (int i = 0; i < *(int *)argument; i++) {
        lock();
        while (buffer.count == 2)
            CHECK(green_condition_wait(buffer.not_full, w.mutex, GREEN_FOREVER), ==, 0);
        CHECK(green_yield(), ==, 0);
        buffer.count++;
        CHECK(buffer.count, <=, 2);
        CHECK(green_condition_signal(w.condition), ==, 0);
        unlock();
    }
    return 0;
}

static int consume(void *argument) {
    for (int i = 0; i < *(int *)argument; i++) {
        lock();
        while (buffer.count == 0)
            CHECK(green_condition_wait(w.condition, w.mutex, GREEN_FOREVER), ==, 0);
        CHECK(green_yield(), ==, 0);
        buffer.count--;
        buffer.taken++;
        CHECK(buffer.count, >=, 0);
        CHECK(green_condition_signal(buffer.not_full), ==, 0);
        unlock();
    }
    return 0;
}

TEST(buffer, "producers and consumers that share a buffer lose no wake-up") {
    enum { PAIRS = 5 };
    int each = 100;
    green_thread *threads[2 * PAIRS];
    prepare();
    CHECK(green_condition_make(&buffer.not_full), ==, 0);
    for (int i = 0; i < 2 * PAIRS; i++)
        threads[i] = start(i % 2 ? produce : consume, &each);
    for (int i = 0; i < 2 * PAIRS; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(buffer.taken, ==, PAIRS * each);
    CHECK(buffer.count, ==, 0);
    green_condition_free(buffer.not_full);
    end();
}

/* Ends of a wait ----------------------------------------------------------------- */

TEST(timeout, "a wait that times out is -ETIMEDOUT with a message, and the caller holds the mutex") {
    prepare();
    struct waiter waiter = {GREEN_MILLISECOND, 0, 1};
    CHECK(finish(start(wait_for_signal, &waiter)), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "a condition was not signalled within 1 ms (ETIMEDOUT)");
    CHECK(waiter.next, ==, 0);
    end();
}

TEST(timeout_zero, "with a timeout of 0 the mutex stays locked meanwhile") {
    prepare();
    lock();
    struct waiter waiter;
    green_thread *thread = start_waiter(&waiter, 'w');
    CHECK(green_condition_wait(w.condition, w.mutex, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "a condition was not signalled (ETIMEDOUT)");
    CHECK_TEXT(marks(), "");
    unlock();
    let_run();
    CHECK(green_condition_signal(w.condition), ==, 0);
    CHECK(finish(thread), ==, 0);
    end();
}

TEST(late_timeout, "a timeout or a kill during the lock after a wait does not end it, and the caller has the mutex") {
    prepare();
    struct waiter waiters[2] = {{GREEN_MILLISECOND, 't', 1}, {GREEN_FOREVER, 'k', 1}};
    green_thread *threads[2];
    lock();
    for (int i = 0; i < 2; i++)
        threads[i] = start(wait_for_signal, &waiters[i]);
    let_run();
    unlock(); /* each thread waits for the condition in turn, and then this one has the mutex */
    lock();
    CHECK(green_thread_kill(threads[1]), ==, 0);
    UNTIL(green_mutex_waiting(w.mutex) == 2);
    CHECK(green_thread_kill(threads[0]), ==, 0); /* while it waits for the mutex */
    CHECK(green_thread_kill(threads[1]), ==, 0);
    let_run();
    CHECK(green_mutex_waiting(w.mutex), ==, 2);
    CHECK_TEXT(marks(), "");
    unlock();
    CHECK(finish(threads[0]), ==, -ETIMEDOUT);
    CHECK(finish(threads[1]), ==, -ECANCELED);
    CHECK(waiters[0].next, ==, -ECANCELED);
    CHECK(waiters[1].next, ==, -ECANCELED);
    end();
}

TEST(signalled_then_killed, "a signalled thread that is killed before it has the mutex returns 0 and keeps the kill") {
    prepare();
    struct waiter waiters[2];
    green_thread *threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = start_waiter(&waiters[i], (char)('1' + i));
    let_run();
    lock();
    CHECK(green_condition_signal(w.condition), ==, 0);
    CHECK(green_thread_kill(threads[0]), ==, 0);
    CHECK(green_condition_waiting(w.condition), ==, 1);
    let_run();
    unlock();
    CHECK(finish(threads[0]), ==, 0);
    CHECK(waiters[0].next, ==, -ECANCELED);
    CHECK(green_thread_is_finished(threads[1]), ==, false);
    CHECK(green_condition_signal(w.condition), ==, 0);
    CHECK(finish(threads[1]), ==, 0);
    end();
}

TEST(killed_then_signalled, "a signal after the kill of the first waiter goes to the second one") {
    prepare();
    struct waiter waiters[2];
    green_thread *threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = start_waiter(&waiters[i], (char)('1' + i));
    let_run();
    CHECK(green_thread_kill(threads[0]), ==, 0);
    CHECK(green_condition_signal(w.condition), ==, 0);
    CHECK(finish(threads[0]), ==, -ECANCELED);
    CHECK(finish(threads[1]), ==, 0);
    end();
}

TEST(pending_kill, "a pending kill comes first, and the mutex stays locked") {
    prepare();
    struct waiter waiter = {GREEN_FOREVER, 0, 1};
    lock();
    green_thread *thread = start(wait_for_signal, &waiter);
    let_run();
    unlock();
    CHECK(green_thread_kill(thread), ==, 0); /* it has the mutex, and its wait for a signal gets the kill */
    CHECK(green_mutex_holder(w.mutex) == thread);
    CHECK(finish(thread), ==, -ECANCELED);
    CHECK(waiter.next, ==, 0);
    end();
}

/* Holds the mutex from before the scope expires until after it. */
static int hold_past(void *scope) {
    lock();
    while (!green_timeout_has_fired(scope))
        CHECK(green_yield(), ==, 0);
    for (int i = 0; i < 5; i++)
        CHECK(green_yield(), ==, 0);
    CHECK(green_mutex_waiting(w.mutex), ==, 1);
    unlock();
    return 0;
}

TEST(scope, "an expired scope ends the wait for a signal and each later one, and never the lock after it") {
    green_timeout *scope;
    prepare();
    lock();
    CHECK(green_timeout_start_scope(&scope, GREEN_MILLISECOND), ==, 0);
    green_thread *holder = start(hold_past, scope);
    for (int i = 0; i < 3; i++) {
        CHECK(green_condition_wait(w.condition, w.mutex, GREEN_FOREVER), ==, -ETIME);
        CHECK(green_mutex_holder(w.mutex) == green_current());
        CHECK(green_thread_is_finished(holder));
    }
    unlock();
    CHECK(green_mutex_lock(w.mutex, GREEN_FOREVER), ==, -ETIME);
    green_timeout_free(scope);
    CHECK(finish(holder), ==, 0);
    end();
}

TEST(not_holder, "a wait without the mutex is -EPERM with a message, and waits for nothing") {
    prepare();
    CHECK(green_condition_wait(w.condition, w.mutex, GREEN_FOREVER), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "cannot wait for a condition with a mutex that no thread holds");
    end();
}

static void wait_in_link(green_thread *thread, void *argument) {
    (void)thread;
    (void)argument;
    lock();
    CHECK(green_condition_wait(w.condition, w.mutex, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_condition_wait(w.condition, w.mutex, GREEN_SECOND), ==, -EWOULDBLOCK);
    CHECK(green_condition_wait(w.condition, w.mutex, 0), ==, -ETIMEDOUT);
    CHECK(green_mutex_holder(w.mutex) == green_current());
    CHECK(green_condition_signal(w.condition), ==, 0);
    unlock();
}

TEST(in_link, "a link may signal a condition but not wait for one") {
    prepare();
    struct waiter waiter;
    green_thread *waiting = start_waiter(&waiter, 'w');
    let_run();
    int value = 3;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, wait_in_link, NULL), ==, 0);
    CHECK(finish(thread), ==, 3);
    CHECK(finish(waiting), ==, 0);
    end();
}

/* Lifetimes --------------------------------------------------------------------- */

TEST(freed, "threads that wait for a freed condition get -EBADF and hold the mutex") {
    prepare();
    struct waiter waiters[3];
    green_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start_waiter(&waiters[i], (char)('1' + i));
    let_run();
    lock();
    green_condition_free(w.condition);
    let_run();
    unlock();
    for (int i = 0; i < 3; i++)
        CHECK(finish(threads[i]), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "waiting for a condition: it was freed meanwhile");
    CHECK_TEXT(marks(), "123");
    CHECK(green_condition_make(&w.condition), ==, 0);
    end();
}

static int wait_for_lost_mutex(void *argument) {
    (void)argument;
    lock();
    int error = green_condition_wait(w.condition, w.mutex, GREEN_FOREVER);
    CHECK(error, <, 0);
    return error;
}

TEST(mutex_freed, "if the mutex is freed, each wait with it is -EBADF, whatever it waits for, and leaves nothing") {
    prepare();
    green_thread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start(wait_for_lost_mutex, NULL);
    let_run();
    lock();
    CHECK(green_condition_signal(w.condition), ==, 0); /* the first waits for the mutex */
    CHECK(green_thread_kill(threads[1]), ==, 0);
    let_run(); /* so does the second */
    CHECK(green_mutex_waiting(w.mutex), ==, 2);
    CHECK(green_thread_kill(threads[2]), ==, 0); /* has not run, and gets its kill afterwards */
    green_mutex_free(w.mutex);
    CHECK(green_condition_waiting(w.condition), ==, 0);
    for (int i = 0; i < 4; i++)
        CHECK(finish(threads[i]), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "the mutex was freed meanwhile");
    CHECK(green_mutex_make(&w.mutex), ==, 0);
    end();
}

/* Dumps, deadlocks, other OS threads ---------------------------------------------- */

TEST(dump, "a dump shows a wait for a condition, and the holder of the mutex after the signal") {
    prepare();
    struct waiter waiter;
    green_thread *thread = start_waiter(&waiter, 0);
    let_run();
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    CHECK_CONTAINS(capture_end(), "waiting for a condition");
    lock();
    CHECK(green_condition_signal(w.condition), ==, 0);
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    CHECK_CONTAINS(capture_end(), "locking a mutex held by thread 1 'main', after a wait for a condition");
    unlock();
    CHECK(finish(thread), ==, 0);
    end();
}

TEST(deadlock, "main gets -EDEADLK and its mutex back when it waits for a signal that no thread can send") {
    prepare();
    lock();
    capture_begin();
    int error = green_condition_wait(w.condition, w.mutex, GREEN_FOREVER);
    const char *output = capture_end();
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(output, "waiting for a condition");
    CHECK(green_mutex_holder(w.mutex) == green_current());
    unlock();
    end();
}

static green_event *never;

/* Holds the mutex, and waits for ever. */
static int hold(void *argument) {
    void *value;
    (void)argument;
    lock();
    int error = green_event_wait(never, &value, GREEN_FOREVER);
    unlock();
    return error;
}

TEST(deadlock_with_mutex, "main gets -EDEADLK without the mutex if its holder can never unlock it, signalled or not") {
    CHECK(green_event_make(&never), ==, 0);
    prepare();
    for (int signalled = 0; signalled <= 1; signalled++) {
        lock();
        green_thread *holder = start(hold, NULL);
        green_timeout *timeout = NULL;
        if (!signalled) /* ends the wait for a signal, so that main waits for the mutex */
            CHECK(green_timeout_start(&timeout, GREEN_MILLISECOND), ==, 0);
        capture_begin();
        int error = green_condition_wait(w.condition, w.mutex, GREEN_FOREVER);
        const char *output = capture_end();
        CHECK(error, ==, -EDEADLK);
        CHECK_CONTAINS(output, signalled ? "waiting for a condition" : "after a wait for a condition");
        CHECK(green_mutex_holder(w.mutex) == holder);
        green_timeout_free(timeout);
        CHECK(kill_and_finish(holder), ==, -ECANCELED);
    }
    green_event_free(never);
    end();
}

static void *use_foreign(void *argument) {
    (void)argument;
    CHECK(green_condition_wait(w.condition, w.mutex, GREEN_FOREVER), ==, -EXDEV);
    CHECK(green_condition_signal(w.condition), ==, -EXDEV);
    CHECK(green_condition_broadcast(w.condition), ==, -EXDEV);
    return NULL;
}

TEST(foreign, "a condition of another OS thread is -EXDEV, and the call has no effect") {
    pthread_t os_thread;
    prepare();
    struct waiter waiter;
    green_thread *thread = start_waiter(&waiter, 0);
    let_run();
    CHECK(pthread_create(&os_thread, NULL, use_foreign, NULL), ==, 0);
    CHECK(pthread_join(os_thread, NULL), ==, 0);
    CHECK(green_condition_waiting(w.condition), ==, 1);
    CHECK(green_condition_signal(w.condition), ==, 0);
    CHECK(finish(thread), ==, 0);
    end();
}
