/* A program that takes all its signals by sigwait() in a thread of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { WORKERS = 10, SIGNALS = 100 };

static int received[NSIG], must_end;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void check(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "failed: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static void *receive(void *set) {
    int number;
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    do {
        check(sigwait(set, &number) == 0, "sigwait()");
        pthread_mutex_lock(&lock);
        received[number]++;
        must_end = number == SIGTERM;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    } while (number != SIGTERM);
    return NULL;
}

static void await(int number, int count) {
    pthread_mutex_lock(&lock);
    while (received[number] < count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

/* No call of it is interrupted, because all its threads block all signals. */
static void *work(void *unused) {
    for (int ended = 0; !ended;) {
        check(usleep(1000) == 0, "usleep() is not interrupted");
        pthread_mutex_lock(&lock);
        ended = must_end;
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

int main(void) {
    sigset_t set, pending;
    pthread_t receiver, workers[WORKERS];
    sigfillset(&set);
    check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0, "pthread_sigmask()");
    check(pthread_create(&receiver, NULL, receive, &set) == 0, "pthread_create()");
    for (int i = 0; i < WORKERS; i++)
        check(pthread_create(&workers[i], NULL, work, NULL) == 0, "pthread_create()");
    for (int i = 1; i <= SIGNALS; i++) {
        check(kill(getpid(), SIGHUP) == 0, "kill()");
        await(SIGHUP, i);
        check(pthread_kill(receiver, SIGUSR1) == 0, "pthread_kill()");
        await(SIGUSR1, i);
        check(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0, "sigqueue()");
        await(SIGRTMIN, i);
    }
    check(raise(SIGUSR2) == 0, "raise()");
    check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2), "a signal for the main thread is pending");
    check(kill(getpid(), SIGTERM) == 0, "kill()");
    pthread_join(receiver, NULL);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}
