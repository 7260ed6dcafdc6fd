/* Semaphores: permits, the order of waiting threads, and limits. */
#include "helpers.h"

#include <pthread.h>

static green_semaphore *new_semaphore(int64_t permits, int64_t limit) {
    green_semaphore *semaphore = NULL;
    CHECK(green_semaphore_make(&semaphore, permits, limit), ==, 0);
    return semaphore;
}

static void check_counts(green_semaphore *semaphore, int64_t permits, size_t acquiring, size_t releasing) {
    CHECK(green_semaphore_permits(semaphore), ==, permits);
    CHECK(green_semaphore_acquiring(semaphore), ==, acquiring);
    CHECK(green_semaphore_releasing(semaphore), ==, releasing);
}

/* A thread that acquires or releases, and its result. */
struct user {
    green_semaphore *semaphore;
    bool releases;
    int64_t timeout;
    char letter;
    int next; /* the result of its next blocking call */
};

static int use_once(struct user *user) {
    return user->releases ? green_semaphore_release_within(user->semaphore, user->timeout)
                          : green_semaphore_acquire(user->semaphore, user->timeout);
}

static int use(void *argument) {
    struct user *user = argument;
    int error = use_once(user);
    if (user->letter)
        mark(user->letter);
    user->next = green_yield();
    return error;
}

/* Permits ------------------------------------------------------------------ */

TEST(bad_numbers, "a negative number of permits, or more than the limit, is -EINVAL, and the message has it") {
    green_semaphore *semaphore = NULL;
    CHECK(green_semaphore_make(&semaphore, -1, -1), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "-1 permits");
    CHECK(green_semaphore_make(&semaphore, INT64_MIN, 5), ==, -EINVAL);
    CHECK(green_semaphore_make(&semaphore, 6, 5), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "6 permits and a limit of 5");
    CHECK(green_semaphore_make(&semaphore, 1, 0), ==, -EINVAL);
    CHECK(semaphore == NULL);
    green_semaphore_free(NULL);
}

TEST(permits, "permits are acquired without blocking while there are some, and released by any thread") {
    green_semaphore *semaphore = new_semaphore(2, -1);
    struct user giver = {semaphore, true, GREEN_FOREVER, 0, 1};
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, 0);
    CHECK(green_semaphore_acquire(semaphore, 0), ==, 0);
    check_counts(semaphore, 0, 0, 0);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 0);
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 1);
    CHECK(finish(start(use, &giver)), ==, 0); /* it never took one */
    CHECK(green_semaphore_acquire(semaphore, GREEN_SECOND), ==, 0);
    for (int i = 0; i < 100; i++) /* without a limit there may be more than at first */
        CHECK(green_semaphore_release(semaphore), ==, 0);
    check_counts(semaphore, 100, 0, 0);
    green_semaphore_free(semaphore);
}

TEST(timeout, "an acquire that times out returns -ETIMEDOUT with a message and leaves nothing behind") {
    green_semaphore *semaphore = new_semaphore(0, -1);
    int64_t before = green_now(), time = 5 * GREEN_MILLISECOND;
    CHECK(green_semaphore_acquire(semaphore, time), ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, time);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot acquire a semaphore: it had no permit within 5 ms (ETIMEDOUT)");
    check_counts(semaphore, 0, 0, 0);
    CHECK(green_semaphore_release(semaphore), ==, 0);
    check_counts(semaphore, 1, 0, 0);
    green_semaphore_free(semaphore);
}

static int mark_run(void *argument) {
    mark(*(const char *)argument);
    return 0;
}

TEST(timeout_zero, "a timeout of 0 polls, and no other thread runs") {
    green_semaphore *semaphore = new_semaphore(0, 0);
    green_thread *thread = start(mark_run, "r");
    CHECK(green_semaphore_acquire(semaphore, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot acquire a semaphore: it had no permit (ETIMEDOUT)");
    CHECK(green_semaphore_release_within(semaphore, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot release a semaphore: no permit was acquired (ETIMEDOUT)");
    CHECK_TEXT(marks(), "");
    CHECK(finish(thread), ==, 0);
    green_semaphore_free(semaphore);
}

/* First come, first served ------------------------------------------------- */

TEST(order, "waiting threads get permits in the order of their calls, except those that gave up") {
    enum { USERS = 9 };
    green_semaphore *semaphore = new_semaphore(0, -1);
    struct user users[USERS];
    green_thread *threads[USERS];
    for (int i = 0; i < USERS; i++) {
        users[i] = (struct user){semaphore, false, GREEN_FOREVER, (char)('1' + i), 1};
        threads[i] = start(use, &users[i]);
    }
    let_run();
    for (int i = 0; i < USERS; i += 4) /* the first, the middle one and the last */
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    check_counts(semaphore, 0, USERS - 3, 0);
    for (int i = 0; i < USERS; i++)
        if (i % 4) {
            CHECK(green_semaphore_release(semaphore), ==, 0);
            CHECK(finish(threads[i]), ==, 0);
        }
    CHECK_TEXT(marks(), "159234678");
    check_counts(semaphore, 0, 0, 0);
    green_semaphore_free(semaphore);
}

TEST(no_barging, "a released permit belongs to the first waiter: a newcomer that runs first cannot take it") {
    green_semaphore *semaphore = new_semaphore(0, -1);
    struct user waiter = {semaphore, false, GREEN_FOREVER, 'w', 1}, newcomer = {semaphore, false, -1, 'n', 1};
    green_thread *first = start(use, &waiter);
    let_run();
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 0);
    CHECK(green_semaphore_acquire(semaphore, 0), ==, -ETIMEDOUT);
    check_counts(semaphore, 0, 0, 0);
    green_thread *second = start(use, &newcomer);
    CHECK(finish(first), ==, 0);
    let_run();
    CHECK_TEXT(marks(), "w");
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(finish(second), ==, 0);
    CHECK_TEXT(marks(), "wn");
    green_semaphore_free(semaphore);
}

/* Acquires a permit repeatedly, among other threads that do the same. */
struct share {
    green_semaphore *semaphore;
    int inside, most;
};

static int work_in_turn(void *argument) {
    struct share *share = argument;
    for (int i = 0; i < 50; i++) {
        CHECK(green_semaphore_acquire(share->semaphore, GREEN_FOREVER), ==, 0);
        share->inside++;
        if (share->inside > share->most)
            share->most = share->inside;
        CHECK(green_yield(), ==, 0);
        share->inside--;
        CHECK(green_semaphore_release(share->semaphore), ==, 0);
    }
    return 0;
}

TEST(exclusion, "the number of threads inside never exceeds the permits, and all get in") {
    green_semaphore *semaphore = new_semaphore(3, 3);
    struct share share = {semaphore, 0, 0};
    green_thread *threads[100];
    for (int i = 0; i < 100; i++)
        threads[i] = start(work_in_turn, &share);
    for (int i = 0; i < 100; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(share.most, ==, 3);
    check_counts(semaphore, 3, 0, 0);
    green_semaphore_free(semaphore);
}

/* A limit ------------------------------------------------------------------ */

TEST(over_release, "a release beyond the limit is -EOVERFLOW, the message has the limit, and nothing changes") {
    green_semaphore *semaphore = new_semaphore(2, 2);
    CHECK(green_semaphore_release(semaphore), ==, -EOVERFLOW);
    CHECK_CONTAINS(green_explain(-EOVERFLOW), "2 permits");
    check_counts(semaphore, 2, 0, 0);
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, 0);
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(green_semaphore_release(semaphore), ==, -EOVERFLOW);
    green_semaphore_free(semaphore);
    semaphore = new_semaphore(INT64_MAX, -1);
    CHECK(green_semaphore_release(semaphore), ==, -EOVERFLOW);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 1);
    CHECK(green_semaphore_permits(semaphore), ==, INT64_MAX - 1);
    green_semaphore_free(semaphore);
}

/* A release that waits ----------------------------------------------------- */

TEST(capped, "at the limit, releases wait for an acquire, in the order of their calls") {
    green_semaphore *semaphore = new_semaphore(1, 1);
    struct user users[3];
    green_thread *threads[3];
    for (int i = 0; i < 3; i++) {
        users[i] = (struct user){semaphore, true, i == 1 ? 3600 * GREEN_SECOND : GREEN_FOREVER, (char)('a' + i), 1};
        threads[i] = start(use, &users[i]);
    }
    let_run();
    check_counts(semaphore, 1, 0, 3);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 1);
    check_counts(semaphore, 1, 0, 2); /* the first one's permit took its place */
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, 0);
    CHECK(kill_and_finish(threads[2]), ==, -ECANCELED);
    CHECK(finish(threads[0]), ==, 0);
    CHECK(finish(threads[1]), ==, 0);
    CHECK_TEXT(marks(), "abc");
    check_counts(semaphore, 1, 0, 0);
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, 0);
    CHECK(green_semaphore_acquire(semaphore, 0), ==, -ETIMEDOUT);
    green_semaphore_free(semaphore);
}

TEST(capped_timeout, "a release that times out returns -ETIMEDOUT with a message and releases nothing") {
    green_semaphore *semaphore = new_semaphore(2, 2);
    CHECK(green_semaphore_release_within(semaphore, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT),
                   "cannot release a semaphore: no permit was acquired within 1 ms (ETIMEDOUT)");
    check_counts(semaphore, 2, 0, 0);
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, 0);
    CHECK(green_semaphore_release_within(semaphore, 0), ==, 0);
    check_counts(semaphore, 2, 0, 0);
    green_semaphore_free(semaphore);
}

TEST(limit_zero, "with a limit of 0, an acquire and a release wait for each other") {
    green_semaphore *semaphore = new_semaphore(0, 0);
    for (int releases = 0; releases <= 1; releases++) {
        struct user first = {semaphore, releases, GREEN_FOREVER, 0, 1}, second = first;
        second.releases = !releases;
        green_thread *thread = start(use, &first);
        let_run();
        check_counts(semaphore, 0, !releases, releases);
        CHECK(use_once(&second), ==, 0);
        CHECK(finish(thread), ==, 0);
        check_counts(semaphore, 0, 0, 0);
    }
    CHECK(green_semaphore_release(semaphore), ==, -EOVERFLOW);
    green_semaphore_free(semaphore);
}

/* Interrupts and lifetimes ------------------------------------------------- */

TEST(killed_after_release, "a thread killed after it was given a permit keeps it, and its next call gets the kill") {
    green_semaphore *semaphore = new_semaphore(0, -1);
    struct user user = {semaphore, false, GREEN_FOREVER, 0, 1};
    green_thread *thread = start(use, &user);
    let_run();
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(kill_and_finish(thread), ==, 0);
    CHECK(user.next, ==, -ECANCELED);
    check_counts(semaphore, 0, 0, 0);
    green_semaphore_free(semaphore);
}

TEST(killed_before_release, "a permit never goes to a thread that was killed or whose timeout has expired") {
    green_semaphore *semaphore = new_semaphore(0, -1);
    struct user users[3];
    green_thread *threads[3];
    for (int i = 0; i < 3; i++) {
        users[i] = (struct user){semaphore, false, i == 1 ? 1 : GREEN_FOREVER, 0, 1};
        threads[i] = start(use, &users[i]);
    }
    UNTIL(green_thread_is_finished(threads[1]));
    CHECK(green_thread_kill(threads[0]), ==, 0);
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(finish(threads[0]), ==, -ECANCELED);
    CHECK(finish(threads[1]), ==, -ETIMEDOUT);
    CHECK(finish(threads[2]), ==, 0);
    check_counts(semaphore, 0, 0, 0);
    green_semaphore_free(semaphore);
}

/* Waits for a permit, and then uses the semaphore once more. */
static int acquire_and_use(void *argument) {
    struct user *user = argument;
    int error = green_semaphore_acquire(user->semaphore, GREEN_FOREVER);
    user->next = use_once(user);
    return error;
}

TEST(kill_comes_first, "a pending kill comes before an available permit or room, also by a call that need not wait") {
    for (int permits = 0; permits <= 2; permits++)
        for (int releases = 0; releases <= 1; releases++)
            for (int64_t timeout = -1; timeout <= 1; timeout++) {
                green_semaphore *semaphore = new_semaphore(0, 2);
                struct user user = {semaphore, releases, timeout, 0, 1};
                green_thread *thread = start(acquire_and_use, &user);
                let_run();
                for (int i = 0; i <= permits; i++)
                    CHECK(green_semaphore_release(semaphore), ==, 0);
                CHECK(kill_and_finish(thread), ==, 0);
                CHECK(user.next, ==, -ECANCELED);
                check_counts(semaphore, permits, 0, 0);
                green_semaphore_free(semaphore);
            }
}

TEST(freed, "threads that wait for a freed semaphore get -EBADF and do not access it") {
    for (int releases = 0; releases <= 1; releases++) {
        green_semaphore *semaphore = new_semaphore(releases, 1);
        struct user users[3];
        green_thread *threads[3];
        for (int i = 0; i < 3; i++) {
            users[i] = (struct user){semaphore, releases, i == 1 ? 3600 * GREEN_SECOND : -1, (char)('a' + i), 1};
            threads[i] = start(use, &users[i]);
        }
        let_run();
        check_counts(semaphore, releases, releases ? 0 : 3, releases ? 3 : 0);
        green_semaphore_free(semaphore);
        for (int i = 0; i < 3; i++)
            CHECK(finish(threads[i]), ==, -EBADF);
        CHECK_CONTAINS(green_explain(-EBADF), releases ? "releasing a semaphore" : "acquiring a semaphore");
    }
    CHECK_TEXT(marks(), "abcabc");
}

TEST(freed_after_release, "a semaphore may be freed before the threads it woke have run") {
    green_semaphore *semaphore = new_semaphore(0, -1);
    struct user user = {semaphore, false, GREEN_FOREVER, 0, 1};
    green_thread *thread = start(use, &user);
    let_run();
    CHECK(green_semaphore_release(semaphore), ==, 0);
    green_semaphore_free(semaphore);
    CHECK(finish(thread), ==, 0);
}

/* Links, dumps, deadlocks, other OS threads -------------------------------- */

static void use_in_link(green_thread *thread, void *argument) {
    green_semaphore *semaphore = argument;
    (void)thread;
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, 0); /* there is one */
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_semaphore_acquire(semaphore, GREEN_SECOND), ==, -EWOULDBLOCK);
    CHECK(green_semaphore_acquire(semaphore, 0), ==, -ETIMEDOUT);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 0);
    CHECK(green_semaphore_release_within(semaphore, GREEN_FOREVER), ==, 0);
    CHECK(green_semaphore_release_within(semaphore, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_semaphore_release(semaphore), ==, -EOVERFLOW);
}

TEST(in_link, "a link may use a semaphore, even in a killed thread, but not wait") {
    green_semaphore *semaphore = new_semaphore(1, 1);
    int value = 3;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, use_in_link, semaphore), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    check_counts(semaphore, 1, 0, 0);
    green_semaphore_free(semaphore);
}

TEST(dump, "a dump shows the threads that wait for a semaphore, and how many are ahead") {
    green_semaphore *empty = new_semaphore(0, -1), *full = new_semaphore(1, 1);
    struct user users[4];
    green_thread *threads[4];
    for (int i = 0; i < 4; i++) {
        users[i] = (struct user){i < 3 ? empty : full, i == 3, GREEN_FOREVER, 0, 1};
        threads[i] = start(use, &users[i]);
    }
    let_run();
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    const char *output = capture_end();
    CHECK_CONTAINS(output, "acquiring a semaphore (0 ahead)");
    CHECK_CONTAINS(output, "acquiring a semaphore (1 ahead)");
    CHECK_CONTAINS(output, "acquiring a semaphore (2 ahead)");
    CHECK_CONTAINS(output, "releasing a semaphore (0 ahead)");
    for (int i = 0; i < 4; i++)
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    green_semaphore_free(empty);
    green_semaphore_free(full);
}

TEST(deadlock, "main gets -EDEADLK with a message when it waits for a permit that no thread can release") {
    green_semaphore *semaphore = new_semaphore(0, -1);
    capture_begin();
    int error = green_semaphore_acquire(semaphore, GREEN_FOREVER);
    const char *output = capture_end();
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(output, "acquiring a semaphore");
    CHECK_CONTAINS(green_explain(-EDEADLK), "acquiring a semaphore");
    check_counts(semaphore, 0, 0, 0);
    green_semaphore_free(semaphore);
}

static void *use_foreign(void *argument) {
    green_semaphore *semaphore = argument;
    CHECK(green_semaphore_acquire(semaphore, GREEN_FOREVER), ==, -EXDEV);
    CHECK(green_semaphore_acquire(semaphore, 0), ==, -EXDEV);
    CHECK(green_semaphore_try_acquire(semaphore), ==, -EXDEV);
    CHECK(green_semaphore_release(semaphore), ==, -EXDEV);
    CHECK(green_semaphore_release_within(semaphore, GREEN_FOREVER), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "semaphore");
    return NULL;
}

TEST(foreign, "a call on a semaphore of another OS thread is -EXDEV and has no effect") {
    green_semaphore *semaphore = new_semaphore(0, 2);
    struct user user = {semaphore, false, GREEN_FOREVER, 0, 1};
    green_thread *thread = start(use, &user);
    let_run();
    pthread_t other;
    CHECK(pthread_create(&other, NULL, use_foreign, semaphore), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    check_counts(semaphore, 0, 1, 0);
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(finish(thread), ==, 0);
    green_semaphore_free(semaphore);
}
