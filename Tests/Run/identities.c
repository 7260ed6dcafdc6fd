/* A program that compares the ids of its threads, and measures their CPU times. On green threads it
 * checks what differs: see RunningPrograms.md. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 10 };

static int is_native;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int arrived;
static pid_t tids[THREADS];
static pthread_t ids[THREADS];

static void check(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "failed: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static int is_task(pid_t tid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", (int)tid);
    return access(path, F_OK) == 0;
}

static int count_tasks(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static long long nanoseconds(clockid_t clock) {
    struct timespec time;
    check(clock_gettime(clock, &time) == 0, "clock_gettime()");
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void measure_cpu_time(void) {
    clockid_t clock;
    check(pthread_getcpuclockid(pthread_self(), &clock) == 0, "pthread_getcpuclockid()");
    long long begin = nanoseconds(CLOCK_THREAD_CPUTIME_ID), by_clock = nanoseconds(clock);
    check(by_clock >= begin, "both clocks are that of the thread");
    for (volatile int i = 0; i < 100000; i++)
        ;
    check(nanoseconds(CLOCK_THREAD_CPUTIME_ID) > begin && nanoseconds(clock) > by_clock, "the CPU time grows");
}

static void await_others(void) {
    pthread_mutex_lock(&lock);
    arrived++;
    pthread_cond_broadcast(&changed);
    while (arrived < THREADS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void *run(void *number) {
    pid_t tid = gettid();
    measure_cpu_time();
    check(tid == syscall(SYS_gettid), "gettid() and syscall() agree");
    check(tid > 0 && tid != getpid(), "a thread has an id that is not that of the process");
    check(is_task(tid) == is_native, "the kernel knows the ids of OS threads only");
    tids[(intptr_t)number] = tid;
    ids[(intptr_t)number] = pthread_self();
    await_others();
    check(gettid() == tid, "the id of a thread stays the same");
    return number;
}

int main(int count, char **arguments) {
    pthread_t threads[THREADS];
    is_native = count > 1 && strcmp(arguments[1], "native") == 0;
    check(gettid() == getpid() && is_task(gettid()), "the main thread has the id of the process");
    measure_cpu_time();
    for (intptr_t i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, run, (void *)i) == 0, "pthread_create()");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        check(pthread_equal(ids[i], threads[i]), "pthread_create() and pthread_self() agree");
        for (int j = 0; j < i; j++)
            check(tids[i] != tids[j] && !pthread_equal(threads[i], threads[j]), "ids differ");
    }
    check(is_native || count_tasks() <= 2, "all threads are on one OS thread");
}
