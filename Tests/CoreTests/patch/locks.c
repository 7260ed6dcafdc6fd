/* Mutexes, read-write locks and semaphores of a patched library. */
#include "locks.h"

#include <signal.h>

/* A lock of any kind, and the calls of the library for it. */
struct lock {
    void *lock;
    int (*take)(void *lock);
    int (*give)(void *lock);
};

static int take_mutex(void *lock) {
    return lib->mutex_lock(lock);
}

static int give_mutex(void *lock) {
    return lib->mutex_unlock(lock);
}

static int take_writing(void *lock) {
    return lib->write_lock(lock);
}

static int give_rwlock(void *lock) {
    return lib->rwlock_unlock(lock);
}

static int take_semaphore(void *lock) {
    return lib->sem_wait(lock);
}

static int give_semaphore(void *lock) {
    return lib->sem_post(lock);
}

static void make_mutex(pthread_mutex_t *mutex, int kind) {
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes), ==, 0);
    CHECK(pthread_mutexattr_settype(&attributes, kind), ==, 0);
    CHECK(pthread_mutex_init(mutex, &attributes), ==, 0);
    CHECK(pthread_mutexattr_destroy(&attributes), ==, 0);
}

/* Runs body with an exclusive lock of each kind. */
static void with_each_lock(void (*body)(const struct lock *lock)) {
    static const int kinds[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                                PTHREAD_MUTEX_ADAPTIVE_NP};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        pthread_mutex_t mutex;
        make_mutex(&mutex, kinds[i]);
        body(&(struct lock){&mutex, take_mutex, give_mutex});
        CHECK(pthread_mutex_destroy(&mutex), ==, 0);
    }
    pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
    body(&(struct lock){&rwlock, take_writing, give_rwlock});
    sem_t semaphore;
    CHECK(sem_init(&semaphore, 0, 1), ==, 0);
    body(&(struct lock){&semaphore, take_semaphore, give_semaphore});
}

/* Exclusion and fairness ---------------------------------------------------------- */

struct user {
    const struct lock *lock;
    int rounds, naps; /* each round sleeps while it holds the lock, and after */
    int *inside, *most;
};

static int use(void *argument) {
    const struct user *user = argument;
    for (int i = 0; i < user->rounds; i++) {
        CHECK(user->lock->take(user->lock->lock), ==, 0);
        if (++*user->inside > *user->most)
            *user->most = *user->inside;
        CHECK(green_sleep(user->naps % 2 ? GREEN_MICROSECOND : 0), ==, 0);
        --*user->inside;
        CHECK(user->lock->give(user->lock->lock), ==, 0);
    }
    return 0;
}

static void crowd_at(const struct lock *lock) {
    enum { USERS = 50 };
    int inside = 0, most = 0;
    struct user users[USERS];
    green_thread *threads[USERS];
    for (int i = 0; i < USERS; i++) {
        users[i] = (struct user){lock, SCALED(100), i, &inside, &most};
        threads[i] = start(use, &users[i]);
    }
    for (int i = 0; i < USERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(most, ==, 1);
}

TEST(exclusive, "a lock held during a wait keeps other green threads out, and each gets it in turn") {
    begin();
    with_each_lock(crowd_at);
    end();
}

struct greedy {
    const struct lock *lock;
    bool stop;
    int rounds;
};

/* Reacquires the lock at once after each release. */
static int reacquire_repeatedly(void *argument) {
    struct greedy *greedy = argument;
    for (; !greedy->stop; greedy->rounds++) {
        CHECK(greedy->lock->take(greedy->lock->lock), ==, 0);
        CHECK(green_yield(), ==, 0);
        CHECK(greedy->lock->give(greedy->lock->lock), ==, 0);
        if (greedy->rounds > 1000000)
            return -EAGAIN;
    }
    return 0;
}

static int take_once(void *argument) {
    const struct lock *lock = argument;
    CHECK(lock->take(lock->lock), ==, 0);
    return lock->give(lock->lock);
}

static void check_fairness(const struct lock *lock) {
    struct greedy greedy = {.lock = lock};
    green_thread *other, *thread = start(reacquire_repeatedly, &greedy);
    let_run();
    for (int i = 0; i < 20; i++) {
        int rounds = greedy.rounds;
        other = start(take_once, (void *)lock);
        CHECK(finish(other), ==, 0);
        CHECK(greedy.rounds - rounds, <, 100);
    }
    greedy.stop = true;
    CHECK(finish(thread), ==, 0);
}

TEST(fair, "a thread that reacquires a lock at once does not starve others") {
    begin();
    with_each_lock(check_fairness);
    end();
}

TEST(default_families, "locks are not patched unless their family is requested") {
    CHECK(green_import_patched(&patch, PATCHED_LOCKS, NULL), ==, -ENODATA);
    CHECK(green_import_patched(&patch, PATCHED_LOCKS, &(green_import_options){.families = GREEN_PATCH_ALL}), ==,
          -ENODATA);
}

TEST(report, "the report lists the calls of locks") {
    begin();
    CHECK(slots_of(patch, "core-patched-locks", "pthread_mutex_lock"), ==, 1);
    CHECK(slots_of(patch, "core-patched-locks", "pthread_cond_timedwait"), ==, 1);
    CHECK(slots_of(patch, "core-patched-locks", "sem_post"), ==, 1);
    end();
}

static void hand_over(const struct lock *lock) {
    if (lock->take == take_semaphore)
        return; /* woken through the kernel, as by a signal handler */
    green_yield();
    CHECK(lock->take(lock->lock), ==, 0);
    green_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start(take_once, (void *)lock);
    let_run();
    CHECK(lock->give(lock->lock), ==, 0);
    let_run();
    for (int i = 0; i < 3; i++) {
        CHECK(green_thread_is_finished(threads[i]));
        CHECK(finish(threads[i]), ==, 0);
    }
}

TEST(woken, "releasing a lock wakes waiters, which need not poll") {
    begin();
    with_each_lock(hand_over);
    end();
}

/* Readers -------------------------------------------------------------------------- */

static pthread_rwlock_t shelf = PTHREAD_RWLOCK_INITIALIZER;

static int read_a_while(void *argument) {
    int *readers = argument;
    CHECK(lib->read_lock(&shelf), ==, 0);
    ++*readers;
    UNTIL(*readers == 10);
    CHECK(lib->rwlock_unlock(&shelf), ==, 0);
    return 0;
}

TEST(readers, "many readers hold a lock together, and all waiting readers enter when a writer is done") {
    green_thread *threads[10];
    int readers = 0;
    begin();
    CHECK(lib->write_lock(&shelf), ==, 0);
    for (int i = 0; i < 10; i++)
        threads[i] = start(read_a_while, &readers);
    let_run();
    CHECK(readers, ==, 0);
    CHECK(lib->rwlock_unlock(&shelf), ==, 0);
    for (int i = 0; i < 10; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(lib->write_lock(&shelf), ==, 0);
    CHECK(lib->rwlock_unlock(&shelf), ==, 0);
    end();
}

/* Owners --------------------------------------------------------------------------- */

static pthread_mutex_t owned;

static int take_twice(void *unused) {
    (void)unused;
    CHECK(lib->mutex_lock(&owned), ==, 0);
    CHECK(lib->mutex_lock(&owned), ==, 0);
    CHECK(lib->mutex_trylock(&owned), ==, 0);
    mark('a');
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(lib->mutex_unlock(&owned), ==, 0);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    mark('b');
    CHECK(lib->mutex_unlock(&owned), ==, 0);
    return 0;
}

static int try_twice(void *unused) {
    (void)unused;
    CHECK(lib->mutex_trylock(&owned), ==, EBUSY);
    CHECK(lib->mutex_lock(&owned), ==, 0);
    mark('c');
    CHECK(lib->mutex_unlock(&owned), ==, 0);
    return 0;
}

TEST(recursive, "a recursive mutex admits its owner again, but no other green thread") {
    begin();
    make_mutex(&owned, PTHREAD_MUTEX_RECURSIVE);
    green_thread *owner = start(take_twice, NULL), *other = start(try_twice, NULL);
    CHECK(finish(owner), ==, 0);
    CHECK(finish(other), ==, 0);
    CHECK_TEXT(marks(), "abc");
    end();
}

static int unlock_not_owned(void *unused) {
    (void)unused;
    return -lib->mutex_unlock(&owned);
}

TEST(owner, "a mutex that checks its owner cannot be unlocked by another green thread") {
    static const int kinds[] = {PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
    begin();
    for (int i = 0; i < 2; i++) {
        make_mutex(&owned, kinds[i]);
        let_run(); /* before there is a hub, the owner is unknown */
        CHECK(lib->mutex_lock(&owned), ==, 0);
        CHECK(finish(start(unlock_not_owned, NULL)), ==, -EPERM);
        CHECK(lib->mutex_unlock(&owned), ==, 0);
        if (!SANITIZED_THREADS) /* ThreadSanitizer would report it as an error of the test */
            CHECK(lib->mutex_unlock(&owned), ==, EPERM);
    }
    end();
}

static int take_and_end(void *unused) {
    (void)unused;
    return lib->mutex_lock(&owned);
}

static int try_it(void *unused) {
    (void)unused;
    return lib->mutex_trylock(&owned);
}

TEST(abandoned, "a recursive mutex of a green thread that has ended admits no other one") {
    begin();
    make_mutex(&owned, PTHREAD_MUTEX_RECURSIVE);
    CHECK(finish(start(take_and_end, NULL)), ==, 0);
    CHECK(finish(start(try_it, NULL)), ==, EBUSY);
    end();
}

TEST(error_check, "an error-checking mutex refuses its owner and makes others wait") {
    begin();
    make_mutex(&owned, PTHREAD_MUTEX_ERRORCHECK);
    CHECK(lib->mutex_lock(&owned), ==, 0);
    CHECK(lib->mutex_lock(&owned), ==, EDEADLK);
    CHECK(lib->mutex_trylock(&owned), ==, EBUSY);
    green_thread *other = start(try_twice, NULL);
    let_run();
    CHECK_TEXT(marks(), "");
    CHECK(lib->mutex_unlock(&owned), ==, 0);
    CHECK(finish(other), ==, 0);
    CHECK_TEXT(marks(), "c");
    end();
}

/* Other OS threads --------------------------------------------------------------------- */

struct holder {
    const struct lock *lock;
    sem_t holds, may_give;
    pthread_t thread;
};

/* An OS thread that acquires the lock and releases it on request. */
static void *hold(void *argument) {
    struct holder *holder = argument;
    CHECK(holder->lock->take(holder->lock->lock), ==, 0);
    sem_post(&holder->holds);
    while (sem_wait(&holder->may_give) < 0)
        ;
    CHECK(holder->lock->give(holder->lock->lock), ==, 0);
    return NULL;
}

static void wait_for_os_thread(const struct lock *lock) {
    struct holder holder = {.lock = lock};
    sem_init(&holder.holds, 0, 0);
    sem_init(&holder.may_give, 0, 0);
    CHECK(pthread_create(&holder.thread, NULL, hold, &holder), ==, 0);
    while (sem_wait(&holder.holds) < 0)
        ;
    green_thread *thread = start(take_once, (void *)lock);
    for (int i = 0; i < 5; i++) {
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0); /* other green threads run */
        CHECK(!green_thread_is_finished(thread));
    }
    sem_post(&holder.may_give);
    CHECK(finish(thread), ==, 0);
    CHECK(pthread_join(holder.thread, NULL), ==, 0);
}

TEST(os_thread_holder, "a green thread waits for an OS thread without blocking other green threads") {
    begin();
    with_each_lock(wait_for_os_thread);
    end();
}

static void *use_on_os_thread(void *argument) {
    const struct user *user = argument;
    for (int i = 0; i < user->rounds; i++) {
        CHECK(user->lock->take(user->lock->lock), ==, 0);
        CHECK(++*user->inside, ==, 1);
        CHECK(--*user->inside, ==, 0);
        CHECK(user->lock->give(user->lock->lock), ==, 0);
    }
    return NULL;
}

static void *use_on_hub(void *argument) {
    const struct user *user = argument;
    green_thread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start(use, (void *)user);
    for (int i = 0; i < 4; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static void meet(const struct lock *lock) {
    int inside = 0, most = 0;
    struct user user = {lock, SCALED(2000), 0, &inside, &most};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, i % 2 ? use_on_os_thread : use_on_hub, &user), ==, 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
    CHECK(inside, ==, 0);
}

TEST(several_hubs, "green threads of several OS threads and other OS threads share a lock") {
    begin();
    with_each_lock(meet);
    end();
}

TEST(elsewhere, "a lock released by a library that is not patched is acquired all the same") {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct lock lock = {&mutex, take_mutex, give_mutex};
    begin();
    CHECK(pthread_mutex_lock(&mutex), ==, 0);
    green_thread *thread = start(take_once, &lock);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(pthread_mutex_unlock(&mutex), ==, 0);
    CHECK(finish(thread), ==, 0);
    end();
}

/* Deadlines, kills, undoing, forks -------------------------------------------------------- */

static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;
static sem_t none;

static bool other_has_run;

static int note_run(void *unused) {
    (void)unused;
    other_has_run = true;
    return 0;
}

/* Returns whether the other thread ran before the deadlines. */
static int take_within(void *argument) {
    int64_t delay = *(int64_t *)argument;
    struct timespec real = after(CLOCK_REALTIME, delay), steady = after(CLOCK_MONOTONIC, delay);
    CHECK(lib->mutex_timedlock(&busy, &real), ==, ETIMEDOUT);
    CHECK(lib->mutex_clocklock(&busy, CLOCK_MONOTONIC, &steady), ==, ETIMEDOUT);
    CHECK(lib->timed_read_lock(&shelf, &real), ==, ETIMEDOUT);
    CHECK(lib->timed_write_lock(&shelf, &real), ==, ETIMEDOUT);
    CHECK(lib->sem_timedwait(&none, &real), ==, -1);
    CHECK(errno, ==, ETIMEDOUT);
    return other_has_run;
}

/* On a slow machine a short time may expire before the first call. */
static void let_other_run_meanwhile(void) {
    int64_t delay = 50 * GREEN_MILLISECOND;
    bool has_run = false;
    while (!has_run) {
        CHECK(delay, <, 10 * GREEN_SECOND);
        other_has_run = false;
        green_thread *thread = start(take_within, &delay), *other = start(note_run, NULL);
        has_run = finish(thread);
        CHECK(finish(other), ==, 0);
        delay *= 4;
    }
}

TEST(timed, "a deadline ends the wait for a lock, and other threads run until then") {
    begin();
    CHECK(lib->mutex_lock(&busy), ==, 0);
    CHECK(lib->write_lock(&shelf), ==, 0);
    CHECK(sem_init(&none, 0, 0), ==, 0);
    let_other_run_meanwhile();
    CHECK(lib->mutex_timedlock(&busy, &(struct timespec){0, -1}), ==, EINVAL);
    CHECK(lib->mutex_unlock(&busy), ==, 0);
    CHECK(lib->rwlock_unlock(&shelf), ==, 0);
    CHECK(lib->mutex_timedlock(&busy, &(struct timespec){0, 0}), ==, 0); /* free: the time does not matter */
    CHECK(lib->mutex_unlock(&busy), ==, 0);
    end();
}

static int take_for_an_hour(void *unused) {
    struct timespec time = after(CLOCK_REALTIME, 3600 * GREEN_SECOND);
    (void)unused;
    CHECK(lib->mutex_timedlock(&busy, &time), ==, ETIMEDOUT);
    return green_sleep(0);
}

static int take_busy(void *unused) {
    (void)unused;
    CHECK(lib->mutex_lock(&busy), ==, 0);
    CHECK(lib->mutex_unlock(&busy), ==, 0);
    return green_sleep(GREEN_SECOND);
}

TEST(killed, "a kill ends a timed wait for a lock, but no other wait") {
    begin();
    CHECK(lib->mutex_lock(&busy), ==, 0);
    green_thread *timed = start(take_for_an_hour, NULL), *other = start(take_busy, NULL);
    let_run();
    CHECK(kill_and_finish(timed), ==, 0);
    CHECK(green_thread_kill(other), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(other));
    CHECK(lib->mutex_unlock(&busy), ==, 0);
    CHECK(finish(other), ==, -ECANCELED);
    end();
}

TEST(undone, "green threads that wait for locks while the patch is undone still acquire them") {
    struct lock lock = {&busy, take_mutex, give_mutex};
    begin();
    CHECK(lib->mutex_lock(&busy), ==, 0);
    green_thread *thread = start(take_once, &lock);
    let_run();
    end();
    CHECK(pthread_mutex_unlock(&busy), ==, 0);
    CHECK(finish(thread), ==, 0);
}

static sem_t *posted;

static void post(int signal) {
    (void)signal;
    CHECK(lib->sem_post(posted), ==, 0);
}

static int wait_for_post(void *semaphore) {
    return lib->sem_wait(semaphore);
}

TEST(handler, "a signal handler wakes a green thread that waits for a semaphore") {
    sem_t semaphore;
    begin();
    CHECK(sem_init(&semaphore, 0, 0), ==, 0);
    posted = &semaphore;
    signal(SIGUSR1, post);
    for (int i = 0; i < 100; i++) {
        green_thread *thread = start(wait_for_post, &semaphore);
        let_run();
        raise(SIGUSR1);
        CHECK(finish(thread), ==, 0);
    }
    end();
}

static void lock_in_child(void) {
    struct lock lock = {&busy, take_mutex, give_mutex};
    CHECK(lib->mutex_lock(&busy), ==, 0);
    green_thread *thread = start(take_once, &lock);
    let_run();
    CHECK(lib->mutex_unlock(&busy), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(forked, "green threads of a forked child wait for locks among themselves") {
    struct lock lock = {&owned, take_mutex, give_mutex};
    begin();
    make_mutex(&owned, PTHREAD_MUTEX_RECURSIVE);
    let_run();
    CHECK(lib->mutex_lock(&owned), ==, 0);
    green_thread *thread = start(take_once, &lock);
    let_run();
    struct child child;
    run_child(&child, lock_in_child);
    CHECK(child.status, ==, 0);
    CHECK(lib->mutex_unlock(&owned), ==, 0);
    CHECK(finish(thread), ==, 0);
    end();
}

/* OS threads -------------------------------------------------------------------------------- */

static void *end_on_request(void *semaphore) {
    while (sem_wait(semaphore) < 0)
        ;
    return semaphore;
}

static int join_os_thread(void *argument) {
    void *result = NULL;
    CHECK(lib->join(*(pthread_t *)argument, &result), ==, 0);
    CHECK(result != NULL);
    mark('j');
    return 0;
}

TEST(join, "joining an OS thread does not block other green threads") {
    pthread_t thread;
    sem_t semaphore;
    begin();
    CHECK(sem_init(&semaphore, 0, 0), ==, 0);
    CHECK(pthread_create(&thread, NULL, end_on_request, &semaphore), ==, 0);
    struct timespec time = after(CLOCK_REALTIME, 5 * GREEN_MILLISECOND);
    CHECK(lib->timedjoin(thread, NULL, &time), ==, ETIMEDOUT);
    green_thread *joiner = start(join_os_thread, &thread);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    mark('o');
    CHECK(green_thread_kill(joiner), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(joiner));
    sem_post(&semaphore);
    CHECK(finish(joiner), ==, 0);
    CHECK_TEXT(marks(), "oj");
    end();
}
