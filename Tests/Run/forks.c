/* A program that forks while it has threads: from main, from a thread, and often. With an argument,
 * the threads of its children must be green, too. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, FORKS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t must_end;
static int prepared, in_parent, in_child;
static bool children_are_green;

static void check(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "failed: %s (%s)\n", what, strerror(errno));
    _exit(1);
}

static void prepare(void) {
    pthread_mutex_lock(&lock);
    prepared++;
}

static void parent(void) {
    in_parent++;
    pthread_mutex_unlock(&lock);
}

static void child(void) {
    in_child++;
    pthread_mutex_unlock(&lock);
}

static void *wait_long(void *unused) {
    sem_wait(&must_end);
    return unused;
}

static void *count(void *number) {
    pthread_mutex_lock(&lock);
    ++*(int *)number;
    pthread_mutex_unlock(&lock);
    usleep(100);
    return number;
}

static int os_threads(void) {
    int number = 0;
    DIR *folder = opendir("/proc/self/task");
    check(folder != NULL, "opendir()");
    for (struct dirent *entry; (entry = readdir(folder));)
        number += entry->d_name[0] != '.';
    closedir(folder);
    return number;
}

/* The child has one thread, and can start others. */
static void use_threads_in_child(void) {
    pthread_t threads[THREADS];
    int number = 0;
    check(in_child == 1, "the handler of the child has run");
    for (int i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, count, &number) == 0, "pthread_create() in a child");
    if (children_are_green)
        check(os_threads() == 1, "the threads of a child are green");
    for (int i = 0; i < THREADS; i++)
        check(pthread_join(threads[i], NULL) == 0, "pthread_join() in a child");
    check(number == THREADS, "the threads of a child run");
}

static void fork_and_wait(void) {
    int status = -1;
    pid_t pid = fork();
    check(pid >= 0, "fork()");
    if (pid == 0) {
        use_threads_in_child();
        exit(7);
    }
    check(waitpid(pid, &status, 0) == pid, "waitpid()");
    check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child ends by exit()");
}

static void *fork_in_thread(void *unused) {
    fork_and_wait();
    return unused;
}

/* The process may end without the threads of the parent. */
static void *return_in_child(void *unused) {
    pid_t pid = fork();
    check(pid >= 0, "fork()");
    if (pid == 0)
        return unused; /* the last thread of the child: it ends with status 0 */
    int status = -1;
    check(waitpid(pid, &status, 0) == pid && status == 0, "the thread that forked may return in the child");
    return unused;
}

static void run(void *(*function)(void *)) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, function, NULL) == 0, "pthread_create()");
    check(pthread_join(thread, NULL) == 0, "pthread_join()");
}

int main(int argument_count, char **arguments) {
    (void)arguments;
    children_are_green = argument_count > 1;
    pthread_t waiting[THREADS], forking[FORKS];
    sem_init(&must_end, 0, 0);
    check(pthread_atfork(prepare, parent, child) == 0, "pthread_atfork()");
    for (int i = 0; i < THREADS; i++)
        check(pthread_create(&waiting[i], NULL, wait_long, NULL) == 0, "pthread_create()");
    fork_and_wait();
    run(fork_in_thread);
    run(return_in_child);
    for (int i = 0; i < FORKS; i++)
        check(pthread_create(&forking[i], NULL, fork_in_thread, NULL) == 0, "pthread_create()");
    for (int i = 0; i < FORKS; i++)
        pthread_join(forking[i], NULL);
    check(prepared == FORKS + 3 && in_parent == prepared && in_child == 0, "the handlers have run once for each fork");
    for (int i = 0; i < THREADS; i++)
        sem_post(&must_end);
    for (int i = 0; i < THREADS; i++)
        check(pthread_join(waiting[i], NULL) == 0, "the threads of the parent continue");
}
