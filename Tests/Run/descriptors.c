/* Descriptors of a program whose threads wait: it closes all that it does not know, in each way, and
 * uses up all that it may have. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netinet/in.h>

enum { LOW = 3, HIGH = 1024 };

static void check(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "failed: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static sem_t waiting;

/* Waits for a byte, and then for a time. */
static void *echo_byte(void *pipe_ends) {
    int *ends = pipe_ends;
    char byte;
    sem_post(&waiting);
    check(read(ends[0], &byte, 1) == 1, "a thread reads");
    usleep(1000);
    check(write(ends[3], &byte, 1) == 1, "a thread writes");
    return NULL;
}

static void close_each(void) {
    for (int fd = LOW; fd < HIGH; fd++)
        close(fd);
}

static void close_by_range(void) {
    check(close_range(LOW, ~0u, 0) == 0, "close_range()");
}

static void close_by_system_call(void) {
    check(syscall(SYS_close_range, LOW, ~0u, 0) == 0, "close_range() by syscall()");
}

static void close_from(void) {
    closefrom(LOW);
}

static void replace_each(void) {
    for (int fd = LOW; fd < HIGH; fd++)
        if (dup2(0, fd) < 0)
            check(errno == EBADF, "dup2() onto a descriptor of Green's fails with EBADF");
    for (int fd = LOW; fd < HIGH; fd++)
        if (dup3(0, fd, O_CLOEXEC) < 0)
            check(errno == EBADF, "dup3() onto a descriptor of Green's fails with EBADF");
    close_each();
}

/* Threads work before and after. */
static void use_threads(void (*close_all)(void)) {
    int ends[4];
    char byte = 'x';
    pthread_t thread;
    close_all();
    check(pipe(ends) == 0 && pipe(ends + 2) == 0, "pipe()");
    check(ends[0] == LOW && ends[3] == LOW + 3, "the program gets the lowest numbers");
    check(pthread_create(&thread, NULL, echo_byte, ends) == 0, "pthread_create()");
    sem_wait(&waiting);
    check(write(ends[1], &byte, 1) == 1, "write()");
    check(read(ends[2], &byte, 1) == 1, "read()");
    check(pthread_join(thread, NULL) == 0, "pthread_join()");
    close_all();
}

static void *await_child(void *pid) {
    int status = -1;
    sem_post(&waiting);
    check(waitpid(*(pid_t *)pid, &status, 0) == *(pid_t *)pid && status == 0, "a thread waits for a child");
    return NULL;
}

static void *await_signal(void *set) {
    int number = 0;
    sem_post(&waiting);
    check(sigwait(set, &number) == 0 && number == SIGUSR1, "a thread waits for a signal");
    return NULL;
}

/* Waits for a child and a signal need descriptors of their own. */
static void close_during_waits(void (*close_all)(void)) {
    int ends[2];
    sigset_t set;
    pthread_t threads[2];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    check(pipe(ends) == 0, "pipe()");
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        _exit(read(ends[0], ends, 1) == 0 ? 0 : 1); /* until the parent closes the pipe */
    }
    check(pthread_create(&threads[0], NULL, await_child, &pid) == 0, "pthread_create()");
    check(pthread_create(&threads[1], NULL, await_signal, &set) == 0, "pthread_create()");
    for (int i = 0; i < 2; i++)
        sem_wait(&waiting);
    usleep(1000); /* so that they wait in the kernel */
    close_all();
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 2; i++)
        check(pthread_join(threads[i], NULL) == 0, "pthread_join()");
}

static void *try_to_connect(void *unused) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd < 0 && errno == EMFILE, "socket() fails with EMFILE");
    usleep(1000);
    return unused;
}

/* All waits continue, also those for which no descriptor is left. */
static void use_up(void) {
    pthread_t threads[8], waiter;
    sigset_t set;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_cur < 4096 ? limit.rlim_cur : 4096;
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit()");
    while (dup(0) >= 0)
        ;
    check(errno == EMFILE, "dup() fails with EMFILE in the end");
    for (int i = 0; i < 8; i++)
        check(pthread_create(&threads[i], NULL, try_to_connect, NULL) == 0, "pthread_create()");
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    check(pthread_create(&waiter, NULL, await_signal, &set) == 0, "pthread_create()");
    sem_wait(&waiting);
    kill(getpid(), SIGUSR1);
    pthread_join(waiter, NULL);
    pid_t pid = fork();
    check(pid >= 0, "fork()");
    if (pid == 0)
        _exit(0);
    check(pthread_create(&waiter, NULL, await_child, &pid) == 0, "pthread_create()");
    sem_wait(&waiting);
    pthread_join(waiter, NULL);
    closefrom(LOW);
}

int main(void) {
    void (*const ways[])(void) = {close_each, close_by_range, close_by_system_call, close_from, replace_each};
    int status = -1;
    sem_init(&waiting, 0, 0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        use_threads(ways[i]);
        close_during_waits(ways[i]);
        pid_t pid = fork(); /* the child gets a hub of its own */
        check(pid >= 0, "fork()");
        if (pid == 0) {
            use_threads(ways[i]);
            close_during_waits(ways[i]);
            exit(0);
        }
        check(waitpid(pid, &status, 0) == pid && status == 0, "a forked child closes descriptors");
    }
    use_up();
    close_by_range();
    use_threads(close_by_range);
}
