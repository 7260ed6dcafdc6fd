/* pthread_once(), and system calls of threads by syscall(), in a patched program. */
#include "patches.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

static green_patch *patch;

static void begin(void) {
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_ALL | GREEN_PATCH_THREAD), ==, 0);
    CHECK(green_yield(), ==, 0); /* makes the hub */
}

static void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

/* Once ------------------------------------------------------------------------------ */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static once_flag flag = ONCE_FLAG_INIT;
static int routines, done;

static void slow_routine(void) {
    routines++;
    CHECK(usleep(2000), ==, 0);
    done++;
}

static void *use_once(void *unused) {
    CHECK(pthread_once(&once, slow_routine), ==, 0);
    CHECK(done, ==, 1);
    return unused;
}

static void *use_flag(void *unused) {
    call_once(&flag, slow_routine);
    CHECK(done, ==, 1);
    return unused;
}

static void in_threads(void *(*function)(void *)) {
    enum { THREADS = 5 };
    pthread_t ids[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&ids[i], NULL, function, NULL), ==, 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(ids[i], NULL), ==, 0);
    CHECK(routines, ==, 1);
}

TEST(once, "threads wait for a routine of pthread_once() that waits, and it runs once") {
    begin();
    in_threads(use_once);
    end();
}

TEST(flag, "threads wait for a routine of call_once() that waits, and it runs once") {
    begin();
    in_threads(use_flag);
    end();
}

/* Futexes ---------------------------------------------------------------------------- */

static uint32_t word;

static long wait_for_word(uint32_t value, const struct timespec *timeout) {
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

static long wake_word(int count) {
    return syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static int woken;

static void *wait_and_count(void *unused) {
    CHECK(wait_for_word(0, NULL), ==, 0);
    woken++;
    return unused;
}

TEST(futex, "futex() by syscall() parks, and a wake-up wakes as many threads as it says") {
    begin();
    enum { THREADS = 5 };
    pthread_t ids[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&ids[i], NULL, wait_and_count, NULL), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(wake_word(2), ==, 2);
    CHECK(wake_word(0), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(woken, ==, 2);
    CHECK(wake_word(INT_MAX), ==, 3);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(ids[i], NULL), ==, 0);
    CHECK(wake_word(INT_MAX), ==, 0);
    end();
}

TEST(futex_errors, "futex() by syscall() fails as in the kernel") {
    begin();
    CHECK(wait_for_word(1, NULL), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(wait_for_word(0, &(struct timespec){0, 1000}), ==, -1);
    CHECK(errno, ==, ETIMEDOUT);
    CHECK(wait_for_word(0, &(struct timespec){0, -1}), ==, -1);
    CHECK(errno, ==, EINVAL);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int operation = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;
    CHECK(syscall(SYS_futex, &word, operation, 0, &now, NULL, FUTEX_BITSET_MATCH_ANY), ==, -1);
    CHECK(errno, ==, ETIMEDOUT);
    CHECK(syscall(SYS_futex, &word, 99, 0, NULL, NULL, 0), ==, -1);
    CHECK(errno, ==, ENOSYS);
    end();
}

/* Other system calls ------------------------------------------------------------------ */

static void *store_tid(void *id) {
    *(pid_t *)id = gettid();
    CHECK(syscall(SYS_gettid), ==, *(pid_t *)id);
    CHECK(usleep(1000), ==, 0);
    return NULL;
}

TEST(tid, "gettid() differs between threads, and the main thread has that of the kernel") {
    begin();
    pthread_t ids[2];
    pid_t tids[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&ids[i], NULL, store_tid, &tids[i]), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(ids[i], NULL), ==, 0);
    CHECK(tids[0] != tids[1]);
    CHECK(tids[0], >, 4194304); /* PID_MAX_LIMIT */
    CHECK(gettid(), ==, getpid());
    CHECK(syscall(SYS_gettid), ==, getpid());
    end();
}

TEST(other, "syscall() passes other calls on with all their arguments") {
    begin();
    int fds[2];
    CHECK(syscall(SYS_pipe2, fds, 0), ==, 0);
    CHECK(syscall(SYS_write, fds[1], "x", 1), ==, 1);
    char byte = 0;
    CHECK(syscall(SYS_read, fds[0], &byte, 1), ==, 1);
    CHECK(byte, ==, 'x');
    CHECK(syscall(SYS_close, fds[0]), ==, 0);
    CHECK(syscall(SYS_close, fds[1]), ==, 0);
    CHECK(syscall(SYS_close, -1), ==, -1);
    CHECK(errno, ==, EBADF);
    void *memory = (void *)syscall(SYS_mmap, NULL, 4096, 3, 0x22, -1, 0);
    CHECK(memory != NULL && memory != (void *)-1);
    CHECK(syscall(SYS_munmap, memory, 4096), ==, 0);
    end();
}
