/* Condition variables of a patched library. */
#include "locks.h"

#include <sys/resource.h>

/* Tickets that are issued and taken. The condition means that there are some. */
struct office {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    int tickets;
    bool is_shut;
};

static struct office office = {.mutex = PTHREAD_MUTEX_INITIALIZER, .condition = PTHREAD_COND_INITIALIZER};

static bool take_ticket(void) {
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    while (office.tickets == 0 && !office.is_shut)
        CHECK(lib->cond_wait(&office.condition, &office.mutex), ==, 0);
    bool taken = office.tickets > 0;
    office.tickets -= taken;
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    return taken;
}

static void give_tickets(int count) {
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    office.tickets += count;
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    for (int i = 0; i < count; i++)
        CHECK(lib->cond_signal(&office.condition), ==, 0);
}

static int tickets_left(void) {
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    int count = office.tickets;
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    return count;
}

static void shut(void) {
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    office.is_shut = true;
    CHECK(lib->cond_broadcast(&office.condition), ==, 0);
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
}

static int take_one(void *unused) {
    (void)unused;
    return take_ticket();
}

static int take_all(void *unused) {
    int count = 0;
    (void)unused;
    while (take_ticket())
        count++;
    return count;
}

static void *take_all_on_os_thread(void *count) {
    *(int *)count = take_all(NULL);
    return NULL;
}

/* Between green threads ------------------------------------------------------------ */

TEST(signals, "a signal wakes the first waiter, and other threads run meanwhile") {
    green_thread *threads[3];
    begin();
    for (int i = 0; i < 3; i++)
        threads[i] = start(take_one, NULL);
    let_run();
    for (int i = 0; i < 3; i++) {
        CHECK(!green_thread_is_finished(threads[i]));
        give_tickets(1);
        let_run();
        CHECK(green_thread_is_finished(threads[i]));
        CHECK(finish(threads[i]), ==, 1);
    }
    CHECK(office.tickets, ==, 0);
    end();
}

TEST(broadcasts, "a broadcast wakes all waiters") {
    green_thread *threads[100];
    begin();
    for (int i = 0; i < 100; i++)
        threads[i] = start(take_one, NULL);
    let_run();
    shut();
    for (int i = 0; i < 100; i++)
        CHECK(finish(threads[i]), ==, 0);
    end();
}

TEST(no_waiter, "a signal without a waiter has no effect") {
    begin();
    CHECK(lib->cond_signal(&office.condition), ==, 0);
    CHECK(lib->cond_broadcast(&office.condition), ==, 0);
    struct timespec time = after(CLOCK_REALTIME, GREEN_MILLISECOND);
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    CHECK(lib->cond_timedwait(&office.condition, &office.mutex, &time), ==, ETIMEDOUT);
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    end();
}

/* Between OS threads ----------------------------------------------------------------- */

static void *give_on_os_thread(void *count) {
    for (int i = 0; i < *(int *)count; i++)
        give_tickets(1);
    return NULL;
}

TEST(os_thread_signals, "signals of OS threads wake green threads, and none is lost") {
    int each = SCALED(20000), taken = 0;
    pthread_t os_threads[2];
    green_thread *takers[5];
    begin();
    for (int i = 0; i < 5; i++)
        takers[i] = start(take_all, NULL);
    let_run();
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&os_threads[i], NULL, give_on_os_thread, &each), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(lib->join(os_threads[i], NULL), ==, 0);
    UNTIL(tickets_left() == 0);
    shut();
    for (int i = 0; i < 5; i++)
        taken += finish(takers[i]);
    CHECK(taken, ==, 2 * each);
    end();
}

TEST(one_at_a_time, "an OS thread and a green thread that wait for each other alternate") {
    int rounds = SCALED(5000), count = 0;
    pthread_t os_thread;
    begin();
    CHECK(pthread_create(&os_thread, NULL, take_all_on_os_thread, &count), ==, 0);
    for (int i = 0; i < rounds; i++) {
        give_tickets(1);
        while (tickets_left() > 0)
            ;
    }
    shut();
    CHECK(lib->join(os_thread, NULL), ==, 0);
    CHECK(count, ==, rounds);
    end();
}

TEST(both_wait, "if OS threads and green threads wait together, each signal wakes one") {
    int each = SCALED(20000), taken = 0, counts[2] = {0};
    pthread_t os_threads[2];
    green_thread *takers[5];
    begin();
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&os_threads[i], NULL, take_all_on_os_thread, &counts[i]), ==, 0);
    for (int i = 0; i < 5; i++)
        takers[i] = start(take_all, NULL);
    for (int i = 0; i < each; i++) {
        give_tickets(1);
        if (i % 16 == 0)
            CHECK(green_yield(), ==, 0);
    }
    UNTIL(tickets_left() == 0);
    shut();
    for (int i = 0; i < 5; i++)
        taken += finish(takers[i]);
    for (int i = 0; i < 2; i++) {
        CHECK(lib->join(os_threads[i], NULL), ==, 0);
        taken += counts[i];
    }
    CHECK(taken, ==, each);
    end();
}

TEST(no_descriptor, "other OS threads wake a green thread even if no descriptor is left") {
    struct rlimit former, none = {0};
    begin();
    let_run();
    CHECK(getrlimit(RLIMIT_NOFILE, &former), ==, 0);
    none.rlim_max = former.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    green_thread *taker = start(take_all, NULL), *other = start(take_all, NULL);
    let_run();
    CHECK(setrlimit(RLIMIT_NOFILE, &former), ==, 0);
    int count = 20;
    pthread_t os_thread;
    CHECK(pthread_create(&os_thread, NULL, give_on_os_thread, &count), ==, 0);
    CHECK(lib->join(os_thread, NULL), ==, 0);
    give_tickets(1);
    UNTIL(tickets_left() == 0);
    shut();
    CHECK(finish(taker) + finish(other), ==, count + 1);
    end();
}

/* Times ------------------------------------------------------------------------------ */

#define SHORT (50 * GREEN_MILLISECOND)

static int wait_until_deadline(void *argument) {
    pthread_cond_t *steady = argument;
    struct timespec real_time = after(CLOCK_REALTIME, SHORT);
    struct timespec steady_time = after(CLOCK_MONOTONIC, SHORT);
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    CHECK(lib->cond_timedwait(&office.condition, &office.mutex, &real_time), ==, ETIMEDOUT);
    CHECK(lib->cond_timedwait(steady, &office.mutex, &steady_time), ==, ETIMEDOUT);
    steady_time = after(CLOCK_MONOTONIC, SHORT);
    CHECK(lib->cond_clockwait(&office.condition, &office.mutex, CLOCK_MONOTONIC, &steady_time), ==, ETIMEDOUT);
    CHECK(lib->cond_clockwait(&office.condition, &office.mutex, CLOCK_REALTIME, &real_time), ==, ETIMEDOUT);
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    mark('w');
    return 0;
}

TEST(timed, "a timed wait ends at its deadline on its clock and holds the mutex") {
    pthread_cond_t steady;
    pthread_condattr_t attributes;
    begin();
    CHECK(pthread_condattr_init(&attributes), ==, 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), ==, 0);
    CHECK(pthread_cond_init(&steady, &attributes), ==, 0);
    green_thread *thread = start(wait_until_deadline, &steady);
    int64_t before = green_now();
    green_thread *other = start(mark_it, "o");
    CHECK(finish(thread) + finish(other), ==, 0);
    CHECK(green_now() - before, >=, 2 * SHORT);
    CHECK_TEXT(marks(), "ow");
    CHECK(pthread_mutex_lock(&office.mutex), ==, 0);
    CHECK(lib->cond_timedwait(&office.condition, &office.mutex, &(struct timespec){0, GREEN_SECOND}), ==, EINVAL);
    CHECK(pthread_mutex_unlock(&office.mutex), ==, 0);
    end();
}

static int wait_steadily(void *steady) {
    struct timespec time = after(CLOCK_MONOTONIC, 3600 * GREEN_SECOND);
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    int result = lib->cond_timedwait(steady, &office.mutex, &time);
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    return result;
}

TEST(steady, "a condition variable uses the clock that it was created with") {
    pthread_cond_t steady;
    pthread_condattr_t attributes;
    begin();
    CHECK(pthread_condattr_init(&attributes), ==, 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), ==, 0);
    CHECK(pthread_cond_init(&steady, &attributes), ==, 0);
    green_thread *thread = start(wait_steadily, &steady);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(lib->cond_signal(&steady), ==, 0);
    CHECK(finish(thread), ==, 0);
    end();
}

static int wait_for_an_hour(void *unused) {
    struct timespec time = after(CLOCK_REALTIME, 3600 * GREEN_SECOND);
    (void)unused;
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    CHECK(lib->cond_timedwait(&office.condition, &office.mutex, &time), ==, ETIMEDOUT);
    CHECK(lib->mutex_trylock(&office.mutex), ==, EBUSY);
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    return green_yield();
}

TEST(killed, "a kill ends a timed wait as if its time had expired, but no other wait") {
    begin();
    green_thread *timed = start(wait_for_an_hour, NULL), *other = start(take_one, NULL);
    let_run();
    CHECK(kill_and_finish(timed), ==, 0);
    CHECK(green_thread_kill(other), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(other));
    give_tickets(1);
    CHECK(finish(other), ==, 1);
    end();
}

static int wait_briefly(void *unused) {
    struct timespec time = after(CLOCK_MONOTONIC, GREEN_MICROSECOND * 20);
    (void)unused;
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    int result = lib->cond_clockwait(&office.condition, &office.mutex, CLOCK_MONOTONIC, &time);
    bool taken = result == 0 && office.tickets > 0;
    office.tickets -= taken;
    if (result == 0 && !taken) /* the ticket was taken by another thread: pass the signal on */
        result = -EAGAIN;
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    return taken;
}

TEST(late, "a signal at the deadline of a wait wakes that thread or the next") {
    begin();
    for (int i = 0; i < SCALED(2000); i++) {
        green_thread *brief = start(wait_briefly, NULL), *patient = start(take_one, NULL);
        let_run();
        give_tickets(1);
        if (finish(brief)) {
            CHECK(!green_thread_is_finished(patient));
            give_tickets(1);
        }
        CHECK(finish(patient), ==, 1);
    }
    end();
}

/* Refusals, undoing, forks ----------------------------------------------------------- */

TEST(not_owned, "a wait with a mutex of another thread is refused and consumes no signal") {
    pthread_mutexattr_t attributes;
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer takes it for our own mistake");
    begin();
    let_run();
    CHECK(pthread_mutexattr_init(&attributes), ==, 0);
    CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK), ==, 0);
    CHECK(pthread_mutex_init(&office.mutex, &attributes), ==, 0);
    green_thread *taker = start(take_one, NULL);
    let_run();
    CHECK(lib->cond_wait(&office.condition, &office.mutex), ==, EPERM);
    give_tickets(1);
    CHECK(finish(taker), ==, 1);
    end();
}

static int wait_once(void *unused) {
    (void)unused;
    CHECK(lib->mutex_lock(&office.mutex), ==, 0);
    CHECK(lib->cond_wait(&office.condition, &office.mutex), ==, 0);
    CHECK(lib->mutex_unlock(&office.mutex), ==, 0);
    return 0;
}

TEST(undone, "waiters check again when the patch is undone") {
    begin();
    green_thread *thread = start(wait_once, NULL);
    let_run();
    end();
    CHECK(finish(thread), ==, 0);
}

static void *signal_unpatched(void *condition) {
    usleep(20 * 1000);
    CHECK(pthread_mutex_lock(&office.mutex), ==, 0);
    office.tickets++;
    CHECK(pthread_cond_signal(condition), ==, 0);
    CHECK(pthread_mutex_unlock(&office.mutex), ==, 0);
    return NULL;
}

TEST(shared, "a condition variable shared between processes is waited for by the C library") {
    pthread_condattr_t attributes;
    pthread_t os_thread;
    begin();
    let_run();
    CHECK(pthread_condattr_init(&attributes), ==, 0);
    CHECK(pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), ==, 0);
    CHECK(pthread_cond_init(&office.condition, &attributes), ==, 0);
    CHECK(pthread_create(&os_thread, NULL, signal_unpatched, &office.condition), ==, 0);
    CHECK(finish(start(take_one, NULL)), ==, 1);
    CHECK(lib->join(os_thread, NULL), ==, 0);
    end();
}

static void take_in_child(void) {
    green_thread *taker = start(take_one, NULL);
    let_run();
    give_tickets(1);
    CHECK(finish(taker), ==, 1);
}

TEST(forked, "green threads of a forked child and of its parent wait separately") {
    begin();
    green_thread *taker = start(take_one, NULL);
    let_run();
    struct child child;
    run_child(&child, take_in_child);
    CHECK(child.status, ==, 0);
    CHECK(!green_thread_is_finished(taker));
    give_tickets(1);
    CHECK(finish(taker), ==, 1);
    end();
}

static char dumped[4096];

TEST(dump, "a dump describes what a patched call waits for") {
    int pipe_ends[2];
    begin();
    green_thread *taker = start(take_one, NULL);
    let_run();
    CHECK(pipe(pipe_ends), ==, 0);
    CHECK(green_dump(pipe_ends[1]), ==, 0);
    CHECK(read(pipe_ends[0], dumped, sizeof dumped - 1), >, 0);
    CHECK_CONTAINS(dumped, "in a patched call, waiting for a condition variable");
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    give_tickets(1);
    CHECK(finish(taker), ==, 1);
    end();
}
