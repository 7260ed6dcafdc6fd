/* Read-write locks: the order of readers and writers, errors, and lifetimes. */
#include "helpers.h"

#include <pthread.h>

static green_rwlock *lock;

static void prepare(void) {
    CHECK(green_rwlock_make(&lock), ==, 0);
}

static void check_state(size_t readers, const green_thread *writer, size_t waiting) {
    CHECK(green_rwlock_readers(lock), ==, readers);
    CHECK(green_rwlock_writer(lock) == writer);
    CHECK(green_rwlock_waiting(lock), ==, waiting);
}

static void end(void) {
    check_state(0, NULL, 0);
    green_rwlock_free(lock);
}

/* A thread that locks, holds the lock until it may leave, and unlocks. */
struct user {
    bool writes, may_leave;
    char letter;
    int64_t timeout;
    int next; /* the result of its next blocking call */
};

static int use(void *argument) {
    struct user *user = argument;
    int error =
        user->writes ? green_rwlock_write_lock(lock, user->timeout) : green_rwlock_read_lock(lock, user->timeout);
    user->next = green_yield();
    if (error < 0)
        return error;
    mark(user->letter);
    while (!user->may_leave)
        CHECK(green_yield(), ==, 0);
    return green_rwlock_unlock(lock);
}

/* One thread for each letter: 'w' writes, 'r' reads. A capital does not leave until it is allowed to. */
enum { USERS_MAX = 8 };
static struct user users[USERS_MAX];
static green_thread *threads[USERS_MAX];

static void start_users(const char *kinds) {
    for (int i = 0; kinds[i]; i++) {
        char kind = kinds[i];
        users[i] = (struct user){kind == 'w' || kind == 'W', kind >= 'a', (char)('1' + i), GREEN_FOREVER, 1};
        threads[i] = start_named(users[i].writes ? "writer" : "reader", use, &users[i]);
    }
    let_run();
}

static void finish_users(const char *kinds) {
    for (int i = 0; kinds[i]; i++) {
        users[i].may_leave = true;
        CHECK(finish(threads[i]), ==, 0);
    }
}

/* Locking ---------------------------------------------------------------------- */

TEST(shared, "several readers hold the lock at a time, and a writer holds it alone") {
    prepare();
    start_users("RRR");
    check_state(3, NULL, 0);
    CHECK(green_rwlock_try_read_lock(lock), ==, 1);
    check_state(4, NULL, 0);
    CHECK(green_rwlock_unlock(lock), ==, 0);
    CHECK(green_rwlock_try_write_lock(lock), ==, 0);
    CHECK(green_rwlock_write_lock(lock, 0), ==, -ETIMEDOUT);
    finish_users("RRR");
    CHECK(green_rwlock_write_lock(lock, GREEN_FOREVER), ==, 0);
    check_state(0, green_current(), 0);
    CHECK(green_rwlock_try_read_lock(lock), ==, 0);
    CHECK(green_rwlock_unlock(lock), ==, 0);
    CHECK(green_rwlock_try_write_lock(lock), ==, 1);
    CHECK(green_rwlock_unlock(lock), ==, 0);
    end();
    green_rwlock_free(NULL);
}

TEST(fair, "a reader that comes after a waiting writer waits, and the readers in a row get the lock together") {
    prepare();
    start_users("RwRRwr");
    check_state(1, NULL, 5);
    CHECK(green_rwlock_try_read_lock(lock), ==, 0);
    CHECK(green_rwlock_read_lock(lock, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "'reader' holds it for reading, and a writer waits");
    users[0].may_leave = true;
    let_run();
    CHECK_TEXT(marks(), "1234");
    check_state(2, NULL, 2);
    finish_users("RwRRwr");
    CHECK_TEXT(marks(), "123456");
    end();
}

TEST(killed_writer, "a waiting writer that is killed lets the readers behind it proceed") {
    prepare();
    start_users("RWrr");
    CHECK(green_thread_kill(threads[1]), ==, 0);
    check_state(3, NULL, 0);
    CHECK(finish(threads[1]), ==, -ECANCELED);
    for (int i = 0; i < 4; i++) {
        users[i].may_leave = true;
        if (i != 1)
            CHECK(finish(threads[i]), ==, 0);
    }
    end();
}

TEST(downgrade, "a downgrade keeps the lock for reading, admits the readers in front, and no writer in between") {
    prepare();
    CHECK(green_rwlock_write_lock(lock, GREEN_FOREVER), ==, 0);
    start_users("Rw");
    CHECK(green_rwlock_downgrade(lock), ==, 0);
    check_state(2, NULL, 1);
    CHECK(green_rwlock_downgrade(lock), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "cannot downgrade a read-write lock that thread");
    let_run();
    CHECK_TEXT(marks(), "1");
    CHECK(green_rwlock_unlock(lock), ==, 0);
    finish_users("Rw");
    CHECK_TEXT(marks(), "12");
    CHECK(green_rwlock_downgrade(lock), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "that no thread holds");
    end();
}

TEST(timeout, "a lock that times out is -ETIMEDOUT with a message that names the holders, and takes nothing") {
    prepare();
    start_users("RRR");
    CHECK(green_rwlock_write_lock(lock, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot lock a read-write lock for writing: thread");
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "'reader' and 2 others did not unlock it within 1 ms");
    check_state(3, NULL, 0);
    finish_users("RRR");
    start_users("W");
    CHECK(green_rwlock_read_lock(lock, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "'writer' did not unlock it within 1 ms");
    finish_users("W");
    end();
}

/* Errors of the program ---------------------------------------------------------- */

TEST(not_holder, "an unlock by a thread that does not hold the lock is -EPERM, and the message names a holder") {
    prepare();
    CHECK(green_rwlock_unlock(lock), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "cannot unlock a read-write lock that no thread holds");
    start_users("R");
    CHECK(green_rwlock_unlock(lock), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "'reader' holds for reading");
    finish_users("R");
    end();
}

TEST(relock, "a lock by a thread that holds it in any way is -EDEADLK, and a try gets nothing") {
    prepare();
    for (int writes = 0; writes <= 1; writes++) {
        CHECK(writes ? green_rwlock_try_write_lock(lock) : green_rwlock_try_read_lock(lock), ==, 1);
        for (int64_t timeout = -1; timeout <= 1; timeout++) {
            CHECK(green_rwlock_read_lock(lock, timeout), ==, -EDEADLK);
            CHECK(green_rwlock_write_lock(lock, timeout), ==, -EDEADLK);
        }
        CHECK_CONTAINS(green_explain(-EDEADLK),
                       writes ? "it holds it for writing already" : "it holds it for reading already");
        CHECK(green_rwlock_try_read_lock(lock), ==, 0);
        CHECK(green_rwlock_try_write_lock(lock), ==, 0);
        CHECK(green_rwlock_unlock(lock), ==, 0);
    }
    end();
}

static int lock_and_end(void *argument) {
    return *(bool *)argument ? green_rwlock_write_lock(lock, GREEN_FOREVER)
                             : green_rwlock_read_lock(lock, GREEN_FOREVER);
}

TEST(holder_ends, "if a holder ends, that is reported with its name, and the next threads get the lock") {
    prepare();
    for (int writes = 0; writes <= 1; writes++) {
        bool argument = writes;
        capture_begin();
        CHECK(finish(start_named("careless", lock_and_end, &argument)), ==, 0);
        CHECK_CONTAINS(capture_end(), writes ? "'careless' ended while it held a read-write lock for writing"
                                             : "'careless' ended while it held a read-write lock for reading");
        check_state(0, NULL, 0);
    }
    end();
}

/* Many locks of one thread, unlocked in another order. */
TEST(many, "a thread holds many locks, and unlocks them in any order") {
    enum { LOCKS = 20 };
    green_rwlock *locks[LOCKS];
    for (int i = 0; i < LOCKS; i++) {
        CHECK(green_rwlock_make(&locks[i]), ==, 0);
        CHECK(i % 2 ? green_rwlock_read_lock(locks[i], 0) : green_rwlock_write_lock(locks[i], 0), ==, 0);
    }
    for (int i = 0; i < LOCKS; i++) {
        int other = (i * 7) % LOCKS;
        CHECK(green_rwlock_unlock(locks[other]), ==, 0);
        CHECK(green_rwlock_unlock(locks[other]), ==, -EPERM);
        green_rwlock_free(locks[other]);
    }
}

/* Interrupts and lifetimes --------------------------------------------------------- */

TEST(killed_after_unlock, "a thread killed after it was given the lock holds it, and its next call gets the kill") {
    prepare();
    CHECK(green_rwlock_write_lock(lock, GREEN_FOREVER), ==, 0);
    start_users("rw");
    CHECK(green_rwlock_unlock(lock), ==, 0);
    CHECK(kill_and_finish(threads[0]), ==, 0);
    CHECK(users[0].next, ==, -ECANCELED);
    CHECK(finish(threads[1]), ==, 0);
    end();
}

TEST(freed, "threads that wait for a freed lock get -EBADF and do not access it, even those that have just got it") {
    for (int unlocked = 0; unlocked <= 1; unlocked++) {
        prepare();
        CHECK(green_rwlock_write_lock(lock, GREEN_FOREVER), ==, 0);
        start_users("rrwr");
        if (unlocked)
            CHECK(green_rwlock_unlock(lock), ==, 0);
        green_rwlock_free(lock);
        for (int i = 0; i < 4; i++)
            CHECK(finish(threads[i]), ==, -EBADF);
        CHECK_CONTAINS(green_explain(-EBADF), "locking a read-write lock for reading: it was freed");
    }
    CHECK_TEXT(marks(), "");
}

/* Dumps, other OS threads ------------------------------------------------------------ */

TEST(dump, "a dump names a holder of the lock that a thread waits for") {
    prepare();
    start_users("RRwr");
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    const char *output = capture_end();
    CHECK_CONTAINS(output, "locking a read-write lock for writing, held for reading by thread");
    CHECK_CONTAINS(output, "'reader' and 1 other");
    CHECK_CONTAINS(output, "locking a read-write lock for reading, held for reading by thread");
    finish_users("RRwr");
    end();
}

TEST(deadlock, "main gets -EDEADLK with a message when it waits for a lock that no thread can unlock") {
    prepare();
    green_event *event;
    CHECK(green_event_make(&event), ==, 0);
    bool writes = true;
    capture_begin();
    CHECK(green_rwlock_read_lock(lock, GREEN_FOREVER), ==, 0);
    green_thread *thread = start(lock_and_end, &writes);
    void *value;
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, -EDEADLK); /* the thread waits for main's lock */
    CHECK_CONTAINS(capture_end(), "locking a read-write lock for writing, held for reading by thread 1 'main'");
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(green_rwlock_unlock(lock), ==, 0);
    green_event_free(event);
    end();
}

static void *use_foreign(void *argument) {
    (void)argument;
    CHECK(green_rwlock_read_lock(lock, GREEN_FOREVER), ==, -EXDEV);
    CHECK(green_rwlock_write_lock(lock, 0), ==, -EXDEV);
    CHECK(green_rwlock_try_read_lock(lock), ==, -EXDEV);
    CHECK(green_rwlock_try_write_lock(lock), ==, -EXDEV);
    CHECK(green_rwlock_unlock(lock), ==, -EXDEV);
    CHECK(green_rwlock_downgrade(lock), ==, -EXDEV);
    return NULL;
}

TEST(foreign, "a lock of another OS thread is -EXDEV, and the call has no effect") {
    pthread_t thread;
    prepare();
    CHECK(green_rwlock_write_lock(lock, GREEN_FOREVER), ==, 0);
    CHECK(pthread_create(&thread, NULL, use_foreign, NULL), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    check_state(0, green_current(), 0);
    CHECK(green_rwlock_unlock(lock), ==, 0);
    end();
}

static void *lock_and_leave(void *argument) {
    (void)argument;
    CHECK(green_rwlock_read_lock(lock, GREEN_FOREVER), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(hub_ended, "a lock that the context of an ended OS thread holds can be freed") {
    pthread_t thread;
    prepare();
    CHECK(pthread_create(&thread, NULL, lock_and_leave, NULL), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(green_rwlock_try_read_lock(lock), ==, -EXDEV);
    green_rwlock_free(lock);
}

static void use_in_link(green_thread *thread, void *argument) {
    (void)thread;
    (void)argument;
    CHECK(green_rwlock_write_lock(lock, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_rwlock_read_lock(lock, GREEN_FOREVER), ==, 0);
    CHECK(green_rwlock_unlock(lock), ==, 0);
    CHECK(green_rwlock_unlock(lock), ==, -EPERM);
}

TEST(in_link, "a link may lock for reading what others read, but not wait") {
    prepare();
    start_users("R");
    int value = 3;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, use_in_link, NULL), ==, 0);
    CHECK(finish(thread), ==, 3);
    check_state(1, NULL, 0);
    finish_users("R");
    end();
}
