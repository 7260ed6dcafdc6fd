/* Mutexes: who holds them, the order of waiting threads, errors, and lifetimes. */
#include "helpers.h"

#include <pthread.h>

static green_mutex *new_mutex(void) {
    green_mutex *mutex = NULL;
    CHECK(green_mutex_make(&mutex), ==, 0);
    return mutex;
}

/* A thread that locks, yields, and unlocks. */
struct user {
    green_mutex *mutex;
    int64_t timeout;
    char letter;
    int next; /* the result of its next blocking call */
};

static int use(void *argument) {
    struct user *user = argument;
    int error = green_mutex_lock(user->mutex, user->timeout);
    user->next = green_yield();
    if (error < 0)
        return error;
    if (user->letter)
        mark(user->letter);
    return green_mutex_unlock(user->mutex);
}

static green_thread *start_user(struct user *user, green_mutex *mutex, char letter) {
    *user = (struct user){mutex, GREEN_FOREVER, letter, 1};
    return start_named("worker", use, user);
}

/* Locking ------------------------------------------------------------------- */

TEST(lock, "a mutex has one holder, which locks and unlocks without blocking") {
    green_mutex *mutex = new_mutex();
    green_thread *other = start(mark_it, "r");
    CHECK(green_mutex_holder(mutex) == NULL);
    for (int i = 0; i < 3; i++) {
        CHECK(green_mutex_lock(mutex, i - 1), ==, 0);
        CHECK(green_mutex_holder(mutex) == green_current());
        CHECK(green_mutex_unlock(mutex), ==, 0);
        CHECK(green_mutex_holder(mutex) == NULL);
    }
    CHECK(green_mutex_try_lock(mutex), ==, 1);
    CHECK(green_mutex_try_lock(mutex), ==, 0);
    CHECK(green_mutex_unlock(mutex), ==, 0);
    CHECK_TEXT(marks(), ""); /* no other thread ran */
    CHECK(finish(other), ==, 0);
    green_mutex_free(mutex);
    green_mutex_free(NULL);
}

TEST(order, "an unlock gives the mutex to the thread that has waited longest, and a newcomer cannot take it") {
    enum { USERS = 9 };
    green_mutex *mutex = new_mutex();
    struct user users[USERS];
    green_thread *threads[USERS];
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    for (int i = 0; i < USERS; i++)
        threads[i] = start_user(&users[i], mutex, (char)('1' + i));
    let_run();
    CHECK(green_mutex_waiting(mutex), ==, USERS);
    for (int i = 0; i < USERS; i += 4) /* the first, the middle one and the last */
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    CHECK(green_mutex_unlock(mutex), ==, 0);
    CHECK(green_mutex_holder(mutex) == threads[1]);
    CHECK(green_mutex_try_lock(mutex), ==, 0);
    CHECK(green_mutex_lock(mutex, 0), ==, -ETIMEDOUT);
    for (int i = 0; i < USERS; i++)
        if (i % 4)
            CHECK(finish(threads[i]), ==, 0);
    CHECK_TEXT(marks(), "234678");
    CHECK(green_mutex_holder(mutex) == NULL);
    green_mutex_free(mutex);
}

TEST(timeout, "a lock that times out is -ETIMEDOUT with a message that names the holder, and takes nothing") {
    green_mutex *mutex = new_mutex();
    struct user user;
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    green_thread *thread = start_user(&user, mutex, 0);
    let_run();
    CHECK(green_mutex_unlock(mutex), ==, 0); /* now the thread holds it */
    char expected[128];
    snprintf(expected, sizeof expected, "cannot lock a mutex: thread %llu 'worker' holds it (ETIMEDOUT)",
             (unsigned long long)green_thread_id(thread));
    CHECK(green_mutex_lock(mutex, 0), ==, -ETIMEDOUT);
    CHECK_TEXT(green_explain(-ETIMEDOUT), expected);
    CHECK(finish(thread), ==, 0);
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    user.timeout = GREEN_MILLISECOND;
    CHECK(finish(start(use, &user)), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot lock a mutex: thread 1 'main' did not unlock it within 1 ms");
    CHECK(green_mutex_waiting(mutex), ==, 0);
    CHECK(green_mutex_unlock(mutex), ==, 0);
    CHECK(green_mutex_holder(mutex) == NULL);
    green_mutex_free(mutex);
}

/* Errors of the program ------------------------------------------------------- */

static int unlock(void *mutex) {
    return green_mutex_unlock(mutex);
}

TEST(not_holder, "an unlock by a thread that does not hold the mutex is -EPERM, and the message names the holder") {
    green_mutex *mutex = new_mutex();
    CHECK(green_mutex_unlock(mutex), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "cannot unlock a mutex that no thread holds");
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    CHECK(finish(start(unlock, mutex)), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "cannot unlock a mutex that thread 1 'main' holds");
    CHECK(green_mutex_holder(mutex) == green_current());
    CHECK(green_mutex_unlock(mutex), ==, 0);
    green_mutex_free(mutex);
}

TEST(relock, "a lock by the holder is -EDEADLK with a message, and it still holds the mutex") {
    green_mutex *mutex = new_mutex();
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    for (int64_t timeout = -1; timeout <= 1; timeout++) {
        CHECK(green_mutex_lock(mutex, timeout), ==, -EDEADLK);
        CHECK_CONTAINS(green_explain(-EDEADLK), "thread 1 'main' cannot lock a mutex that it holds already");
    }
    CHECK(green_mutex_holder(mutex) == green_current());
    CHECK(green_mutex_unlock(mutex), ==, 0);
    green_mutex_free(mutex);
}

static int lock_and_end(void *mutex) {
    return green_mutex_lock(mutex, GREEN_FOREVER);
}

TEST(holder_ends, "if the holder ends, that is reported with its name, and the next thread gets the mutex") {
    green_mutex *mutex = new_mutex();
    struct user user;
    green_thread *holder = start_named("careless", lock_and_end, mutex), *next = start_user(&user, mutex, 'n');
    capture_begin();
    CHECK(finish(holder), ==, 0);
    CHECK(finish(next), ==, 0);
    const char *output = capture_end();
    CHECK_CONTAINS(output, "'careless' ended while it held a mutex");
    CHECK_TEXT(marks(), "n");
    CHECK(green_mutex_holder(mutex) == NULL);
    green_mutex_free(mutex);
}

static void unlock_in_link(green_thread *thread, void *mutex) {
    (void)thread;
    CHECK(green_mutex_unlock(mutex), ==, 0);
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0); /* no thread waits */
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, -EDEADLK);
    CHECK(green_mutex_unlock(mutex), ==, 0);
}

static int hold_until_told(void *argument) {
    struct user *user = argument;
    CHECK(green_mutex_lock(user->mutex, GREEN_FOREVER), ==, 0);
    while (!user->letter)
        CHECK(green_yield(), ==, 0);
    return green_mutex_unlock(user->mutex);
}

static void wait_in_link(green_thread *thread, void *mutex) {
    (void)thread;
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_mutex_lock(mutex, GREEN_SECOND), ==, -EWOULDBLOCK);
    CHECK(green_mutex_lock(mutex, 0), ==, -ETIMEDOUT);
    CHECK(green_mutex_try_lock(mutex), ==, 0);
    CHECK(green_mutex_unlock(mutex), ==, -EPERM);
}

TEST(in_link, "a link may unlock the mutex of its thread, and lock one that is free, but not wait for one") {
    green_mutex *mutex = new_mutex();
    green_thread *thread = start(lock_and_end, mutex);
    CHECK(green_thread_link(thread, NULL, unlock_in_link, mutex), ==, 0);
    CHECK(finish(thread), ==, 0);
    struct user holder = {mutex, GREEN_FOREVER, 0, 1};
    green_thread *holding = start(hold_until_told, &holder);
    let_run();
    int value = 3;
    thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, wait_in_link, mutex), ==, 0);
    CHECK(finish(thread), ==, 3);
    holder.letter = 'x';
    CHECK(finish(holding), ==, 0);
    green_mutex_free(mutex);
}

/* Interrupts and lifetimes ------------------------------------------------------ */

TEST(killed_after_unlock, "a thread killed after it was given the mutex holds it, and its next call gets the kill") {
    green_mutex *mutex = new_mutex();
    struct user user;
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    green_thread *thread = start_user(&user, mutex, 'k');
    let_run();
    CHECK(green_mutex_unlock(mutex), ==, 0);
    CHECK(kill_and_finish(thread), ==, 0);
    CHECK(user.next, ==, -ECANCELED);
    CHECK_TEXT(marks(), "k");
    CHECK(green_mutex_holder(mutex) == NULL);
    green_mutex_free(mutex);
}

TEST(timeout_of_thread, "a green_timeout ends the wait for a mutex, which stays with its holder") {
    green_mutex *mutex = new_mutex();
    struct user holder = {mutex, GREEN_FOREVER, 0, 1};
    green_thread *thread = start(hold_until_told, &holder);
    green_timeout *timeout;
    let_run();
    CHECK(green_timeout_start(&timeout, GREEN_MILLISECOND), ==, 0);
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, -ETIME);
    green_timeout_free(timeout);
    CHECK(green_mutex_holder(mutex) == thread);
    CHECK(green_mutex_waiting(mutex), ==, 0);
    holder.letter = 'x';
    CHECK(finish(thread), ==, 0);
    green_mutex_free(mutex);
}

TEST(freed, "threads that wait for a freed mutex get -EBADF and do not access it, even one that has just got it") {
    for (int unlocked = 0; unlocked <= 1; unlocked++) {
        green_mutex *mutex = new_mutex();
        struct user users[3];
        green_thread *threads[3];
        CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
        for (int i = 0; i < 3; i++) {
            threads[i] = start_user(&users[i], mutex, 'x');
            users[i].timeout = i == 1 ? 3600 * GREEN_SECOND : GREEN_FOREVER;
        }
        let_run();
        if (unlocked)
            CHECK(green_mutex_unlock(mutex), ==, 0);
        green_mutex_free(mutex);
        for (int i = 0; i < 3; i++)
            CHECK(finish(threads[i]), ==, -EBADF);
        CHECK_CONTAINS(green_explain(-EBADF), "locking a mutex: it was freed");
    }
    CHECK_TEXT(marks(), "");
}

/* Dumps, deadlocks, other OS threads ---------------------------------------------- */

TEST(dump, "a dump names the holder of the mutex that a thread waits for") {
    green_mutex *mutex = new_mutex();
    struct user users[2];
    green_thread *threads[2];
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    for (int i = 0; i < 2; i++)
        threads[i] = start_user(&users[i], mutex, 0);
    let_run();
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    CHECK_CONTAINS(capture_end(), "locking a mutex held by thread 1 'main'");
    CHECK(green_mutex_unlock(mutex), ==, 0);
    char expected[64];
    snprintf(expected, sizeof expected, "locking a mutex held by thread %llu 'worker'",
             (unsigned long long)green_thread_id(threads[0]));
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    CHECK_CONTAINS(capture_end(), expected);
    for (int i = 0; i < 2; i++)
        CHECK(finish(threads[i]), ==, 0);
    green_mutex_free(mutex);
}

/* Holds the first mutex, and waits for the second one. */
static int lock_both(void *argument) {
    green_mutex *const *mutexes = argument;
    int error = green_mutex_lock(mutexes[0], GREEN_FOREVER);
    if (error == 0)
        error = green_mutex_lock(mutexes[1], GREEN_FOREVER);
    if (error == 0)
        error = green_mutex_unlock(mutexes[1]);
    CHECK(green_mutex_unlock(mutexes[0]), ==, 0);
    return error;
}

TEST(deadlock, "two threads that wait for each other's mutex are a deadlock, which the dump shows") {
    green_mutex *mutexes[] = {new_mutex(), new_mutex()};
    CHECK(green_mutex_lock(mutexes[1], GREEN_FOREVER), ==, 0);
    green_thread *thread = start_named("other", lock_both, mutexes);
    let_run();
    capture_begin();
    int error = green_mutex_lock(mutexes[0], GREEN_FOREVER);
    const char *output = capture_end();
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(output, "locking a mutex held by thread 1 'main'");
    CHECK_CONTAINS(output, "'other'");
    CHECK_CONTAINS(green_explain(-EDEADLK), "locking a mutex held by thread");
    CHECK(green_mutex_holder(mutexes[0]) == thread);
    CHECK(green_mutex_unlock(mutexes[1]), ==, 0);
    CHECK(finish(thread), ==, 0);
    for (int i = 0; i < 2; i++)
        green_mutex_free(mutexes[i]);
}

static void *use_foreign(void *argument) {
    green_mutex *mutex = argument;
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "use a channel");
    CHECK(green_mutex_lock(mutex, 0), ==, -EXDEV);
    CHECK(green_mutex_try_lock(mutex), ==, -EXDEV);
    CHECK(green_mutex_unlock(mutex), ==, -EXDEV);
    return NULL;
}

TEST(foreign, "a mutex of another OS thread is -EXDEV, and the call has no effect") {
    green_mutex *mutex = new_mutex();
    pthread_t thread;
    CHECK(green_mutex_lock(mutex, GREEN_FOREVER), ==, 0);
    CHECK(pthread_create(&thread, NULL, use_foreign, mutex), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(green_mutex_holder(mutex) == green_current());
    CHECK(green_mutex_waiting(mutex), ==, 0);
    CHECK(green_mutex_unlock(mutex), ==, 0);
    green_mutex_free(mutex);
}

static void *lock_and_leave(void *argument) {
    CHECK(green_mutex_lock(argument, GREEN_FOREVER), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(hub_ended, "a mutex that the context of an ended OS thread holds can be freed") {
    green_mutex *mutex = new_mutex();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, lock_and_leave, mutex), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(green_mutex_try_lock(mutex), ==, -EXDEV);
    green_mutex_free(mutex);
}

/* Locks repeatedly, among other threads that do the same. */
struct share {
    green_mutex *mutex;
    int inside, most;
};

static int work_in_turn(void *argument) {
    struct share *share = argument;
    for (int i = 0; i < 50; i++) {
        CHECK(green_mutex_lock(share->mutex, GREEN_FOREVER), ==, 0);
        share->inside++;
        if (share->inside > share->most)
            share->most = share->inside;
        CHECK(green_yield(), ==, 0);
        share->inside--;
        CHECK(green_mutex_unlock(share->mutex), ==, 0);
    }
    return 0;
}

TEST(exclusion, "at most one thread is inside, also across blocking calls, and all get in") {
    green_mutex *mutex = new_mutex();
    struct share share = {mutex, 0, 0};
    green_thread *threads[100];
    for (int i = 0; i < 100; i++)
        threads[i] = start(work_in_turn, &share);
    for (int i = 0; i < 100; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(share.most, ==, 1);
    green_mutex_free(mutex);
}
