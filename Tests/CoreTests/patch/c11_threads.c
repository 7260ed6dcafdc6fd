/* The threads and locks of C11, and spin locks, in a patched program. */
#include "patches.h"

#include <pthread.h>
#include <threads.h>
#include <unistd.h>

static green_patch *patch;
static mtx_t mutex;
static cnd_t condition;
static int value;

static void begin(void) {
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_ALL | GREEN_PATCH_THREAD), ==, 0);
    CHECK(green_yield(), ==, 0); /* makes the hub */
    CHECK(mtx_init(&mutex, mtx_timed | mtx_recursive), ==, thrd_success);
    CHECK(cnd_init(&condition), ==, thrd_success);
}

static void end(void) {
    cnd_destroy(&condition);
    mtx_destroy(&mutex);
    CHECK(green_unpatch(patch), ==, 0);
}

static struct timespec soon(void) {
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    time.tv_nsec += 2 * GREEN_MILLISECOND;
    if (time.tv_nsec >= GREEN_SECOND) {
        time.tv_nsec -= GREEN_SECOND;
        time.tv_sec++;
    }
    return time;
}

static int sleep_and_set(void *to) {
    CHECK(mtx_lock(&mutex), ==, thrd_success);
    CHECK(thrd_sleep(&(struct timespec){0, 2 * GREEN_MILLISECOND}, NULL), ==, 0);
    value = *(int *)to;
    CHECK(cnd_broadcast(&condition), ==, thrd_success);
    CHECK(mtx_unlock(&mutex), ==, thrd_success);
    return 7;
}

TEST(threads, "threads of C11 wait for each other by mutexes, conditions and joins") {
    begin();
    thrd_t threads[2];
    int numbers[2] = {1, 2}, result = 0;
    for (int i = 0; i < 2; i++)
        CHECK(thrd_create(&threads[i], sleep_and_set, &numbers[i]), ==, thrd_success);
    CHECK(!thrd_equal(threads[0], threads[1]));
    CHECK(mtx_lock(&mutex), ==, thrd_success);
    while (value != 2)
        CHECK(cnd_wait(&condition, &mutex), ==, thrd_success);
    CHECK(mtx_unlock(&mutex), ==, thrd_success);
    for (int i = 0; i < 2; i++) {
        CHECK(thrd_join(threads[i], &result), ==, thrd_success);
        CHECK(result, ==, 7);
    }
    end();
}

static int try_mutex(void *unused) {
    (void)unused;
    struct timespec time = soon();
    CHECK(mtx_trylock(&mutex), ==, thrd_busy);
    CHECK(mtx_timedlock(&mutex, &time), ==, thrd_timedout);
    thrd_exit(3);
}

TEST(owner, "a recursive mutex of C11 belongs to a green thread, and timed calls end") {
    begin();
    thrd_t thread;
    int result = 0;
    struct timespec time = soon();
    CHECK(mtx_lock(&mutex), ==, thrd_success);
    CHECK(mtx_lock(&mutex), ==, thrd_success);
    CHECK(thrd_create(&thread, try_mutex, NULL), ==, thrd_success);
    CHECK(thrd_join(thread, &result), ==, thrd_success);
    CHECK(result, ==, 3);
    CHECK(mtx_unlock(&mutex), ==, thrd_success);
    CHECK(cnd_timedwait(&condition, &mutex, &time), ==, thrd_timedout);
    CHECK(mtx_unlock(&mutex), ==, thrd_success);
    end();
}

static tss_t key;
static int destroyed;

static void destroy(void *number) {
    destroyed += *(int *)number;
}

static int use_value(void *number) {
    CHECK(tss_get(key) == NULL);
    CHECK(tss_set(key, number), ==, thrd_success);
    thrd_yield();
    CHECK(tss_get(key) == number);
    return 0;
}

TEST(values, "each thread of C11 has its own values of a key, which are destroyed when it ends") {
    begin();
    thrd_t threads[2];
    int numbers[2] = {1, 10};
    CHECK(tss_create(&key, destroy), ==, thrd_success);
    for (int i = 0; i < 2; i++)
        CHECK(thrd_create(&threads[i], use_value, &numbers[i]), ==, thrd_success);
    CHECK(thrd_join(threads[0], NULL), ==, thrd_success);
    CHECK(thrd_detach(threads[1]), ==, thrd_success);
    thrd_yield();
    CHECK(destroyed, ==, 11);
    tss_delete(key);
    end();
}

static pthread_spinlock_t spin;

static void *hold_spin_lock(void *unused) {
    CHECK(pthread_spin_lock(&spin), ==, 0);
    CHECK(usleep(2000), ==, 0);
    value++;
    CHECK(pthread_spin_unlock(&spin), ==, 0);
    return unused;
}

TEST(spin, "a thread that waits for a spin lock lets its holder run") {
    begin();
    pthread_t threads[3];
    CHECK(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, hold_spin_lock, NULL), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
    CHECK(value, ==, 3);
    CHECK(pthread_spin_destroy(&spin), ==, 0);
    end();
}
