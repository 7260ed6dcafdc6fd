/* One thread polls in a loop, as a server does whose output waits for another thread, and passes a
 * lock on while it polls, as the interpreter of Python does. The other thread needs the lock for
 * each of its steps. It must not wait for many polls of the first: only on green threads, one poll
 * is enough for a step. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK(condition)                                                                                               \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition), exit(1)))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static int is_held, steps;

static void hold(void) {
    pthread_mutex_lock(&mutex);
    while (is_held)
        pthread_cond_wait(&released, &mutex);
    is_held = 1;
    pthread_mutex_unlock(&mutex);
}

static void release(void) {
    pthread_mutex_lock(&mutex);
    is_held = 0;
    pthread_cond_signal(&released);
    pthread_mutex_unlock(&mutex);
}

enum { STEPS = 200 };

static void *work(void *unused) {
    for (int i = 0; i < STEPS; i++) {
        hold();
        steps++;
        release();
        sched_yield();
    }
    return unused;
}

int main(void) {
    pthread_t thread;
    int pair[2], polls = 0;
    CHECK(pipe(pair) == 0 && write(pair[1], "x", 1) == 1);
    hold();
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    for (int waits = 0; steps < STEPS; waits++) {
        struct pollfd polled = {pair[0], POLLIN, 0};
        int before = steps;
        release();
        CHECK(poll(&polled, 1, 1000) == 1);
        hold();
        polls += steps == before && waits > 0; /* polls without a step */
    }
    release();
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(polls <= STEPS);
    return 0;
}
