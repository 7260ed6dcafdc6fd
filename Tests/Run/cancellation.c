/* pthread_exit() and pthread_cancel(): clean-up handlers, cancellation points, state and type. It
 * succeeds on OS threads, too. It is compiled with and without -fexceptions, because
 * pthread_cleanup_push() differs. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                                               \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition), exit(1)))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore, begun;
static int pair[2];
static char order[16]; /* of clean-up handlers and destructors of keys */

static void note(void *letter) {
    order[strlen(order)] = *(const char *)letter;
}

static void *cancelled(pthread_t thread) {
    void *result = NULL;
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    return result;
}

static pthread_t started(void *(*function)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, function, argument) == 0);
    while (sem_wait(&begun) < 0)
        CHECK(errno == EINTR);
    return thread;
}

/* Each cancellation point ---------------------------------------------------------- */

static void wait_in_read(void) {
    char byte;
    (void)!read(pair[0], &byte, 1);
}

static void wait_in_recvmsg(void) {
    char bytes[2];
    struct iovec iovecs[2] = {{bytes, 1}, {bytes + 1, 1}};
    struct msghdr message = {.msg_iov = iovecs, .msg_iovlen = 2};
    (void)recvmsg(pair[0], &message, 0);
}

static void wait_in_readv(void) {
    char bytes[40];
    struct iovec iovecs[40];
    for (int i = 0; i < 40; i++)
        iovecs[i] = (struct iovec){bytes + i, 1};
    (void)!readv(pair[0], iovecs, 40);
}

static void wait_in_poll(void) {
    struct pollfd polled[40];
    for (int i = 0; i < 40; i++)
        polled[i] = (struct pollfd){pair[0], POLLIN, 0};
    (void)poll(polled, 40, -1);
}

static void wait_in_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pair[0], &set);
    (void)select(pair[0] + 1, &set, NULL, NULL, NULL);
}

static void wait_in_sleep(void) {
    sleep(3600);
}

static void wait_in_nanosleep(void) {
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){3600, 0}, NULL);
}

static void wait_in_sem_wait(void) {
    (void)sem_wait(&semaphore);
}

static void wait_in_sem_timedwait(void) {
    (void)sem_timedwait(&semaphore, &(struct timespec){INT32_MAX, 0});
}

static void wait_in_accept(void) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listen(listener, 1) == 0);
    pthread_cleanup_push((void (*)(void *))(void *)close, (void *)(intptr_t)listener);
    (void)accept(listener, NULL, NULL);
    pthread_cleanup_pop(1);
}

static void wait_in_sigwait(void) {
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)sigwait(&set, &number);
}

static void wait_in_pause(void) {
    (void)pause();
}

static void *sleep_for_ever(void *unused) {
    sleep(3600);
    return unused;
}

static void cancel_and_join(void *thread) {
    CHECK(cancelled(*(pthread_t *)thread) == PTHREAD_CANCELED);
}

static void wait_in_join(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0);
    pthread_cleanup_push(cancel_and_join, &thread);
    (void)pthread_join(thread, NULL);
    pthread_cleanup_pop(0);
}

static void wait_in_waitpid(void) {
    int children[2];
    char byte;
    CHECK(pipe(children) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(children[1]);
        (void)!read(children[0], &byte, 1);
        _exit(0);
    }
    close(children[0]);
    pthread_cleanup_push((void (*)(void *))(void *)close, (void *)(intptr_t)children[1]);
    (void)waitpid(child, NULL, 0);
    pthread_cleanup_pop(1);
}

static void *wait_in(void *wait) {
    pthread_cleanup_push(note, "a");
    pthread_cleanup_push(note, "b");
    sem_post(&begun);
    ((void (*)(void))wait)();
    CHECK(!"a cancelled call has returned");
    pthread_cleanup_pop(1);
    pthread_cleanup_pop(1);
    return NULL;
}

static void cancel_in(void (*wait)(void)) {
    for (int rounds = 0; rounds < 2; rounds++) {
        memset(order, 0, sizeof order);
        pthread_t thread = started(wait_in, (void *)wait);
        if (rounds == 0)
            usleep(1000); /* it most probably waits */
        CHECK(cancelled(thread) == PTHREAD_CANCELED);
        CHECK(strcmp(order, "ba") == 0);
    }
}

/* Conditions ------------------------------------------------------------------------ */

static void unlock(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void *wait_for_condition(void *is_timed) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    pthread_cleanup_push(unlock, NULL);
    sem_post(&begun);
    while (true)
        if (is_timed)
            pthread_cond_timedwait(&condition, &mutex, &(struct timespec){INT32_MAX, 0});
        else
            pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Each handler expects that its thread holds the mutex. */
static void cancel_waits_for_conditions(void) {
    pthread_mutexattr_t checking;
    pthread_mutexattr_init(&checking);
    pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK);
    CHECK(pthread_mutex_init(&mutex, &checking) == 0);
    for (intptr_t i = 0; i < 4; i++) {
        pthread_t thread = started(wait_for_condition, (void *)(i % 2));
        CHECK(pthread_mutex_lock(&mutex) == 0);
        CHECK(pthread_cancel(thread) == 0);
        usleep(1000);
        CHECK(pthread_mutex_unlock(&mutex) == 0);
        void *result;
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
}

/* State, type and testcancel ---------------------------------------------------------- */

static void *disable(void *is_disabled) {
    int state, type;
    char byte;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state) == 0 && state == PTHREAD_CANCEL_ENABLE);
    CHECK(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type) == 0 && type == PTHREAD_CANCEL_DEFERRED);
    CHECK(pthread_setcancelstate(-1, NULL) == EINVAL && pthread_setcanceltype(-1, NULL) == EINVAL);
    sem_post(&begun);
    CHECK(read(pair[0], &byte, 1) == 1); /* not ended by the cancellation */
    pthread_testcancel();
    usleep(1000);
    *(bool *)is_disabled = true;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0 && state == PTHREAD_CANCEL_DISABLE);
    pthread_testcancel();
    CHECK(!"an enabled cancellation has no effect");
    return NULL;
}

static void disable_and_enable(void) {
    bool was_disabled = false;
    pthread_t thread = started(disable, &was_disabled);
    void *result;
    usleep(1000);
    CHECK(pthread_cancel(thread) == 0 && pthread_cancel(thread) == 0);
    CHECK(write(pair[1], "x", 1) == 1);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED && was_disabled);
}

static void *cancel_itself(void *is_asynchronous) {
    if (is_asynchronous)
        CHECK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    CHECK(pthread_cancel(pthread_self()) == 0);
    CHECK(!is_asynchronous);
    sched_yield(); /* not a cancellation point */
    pthread_testcancel();
    CHECK(!"pthread_testcancel() has returned");
    return NULL;
}

static void *give_back(void *argument) {
    return argument;
}

static void cancel_at_other_times(void) {
    pthread_t thread;
    void *result;
    for (intptr_t i = 0; i < 2; i++) {
        CHECK(pthread_create(&thread, NULL, cancel_itself, (void *)i) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    CHECK(pthread_create(&thread, NULL, give_back, "done") == 0); /* it may have ended, or not begun */
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED || strcmp(result, "done") == 0);
}

/* Handlers and destructors ------------------------------------------------------------ */

static pthread_key_t key;

/* A handler may wait, and is not cancelled again. */
static void wait_and_note(void *letter) {
    usleep(1000);
    CHECK(pthread_cancel(pthread_self()) == 0);
    usleep(1000);
    note(letter);
}

static void push_again(void *letter) {
    pthread_cleanup_push(note, "y");
    usleep(1);
    pthread_cleanup_pop(1);
    note(letter);
}

static __attribute__((noinline)) void exit_in_nested_call(void *result) {
    pthread_exit(result);
}

static void *exit_with_handlers(void *result) {
    CHECK(pthread_setspecific(key, "k") == 0);
    pthread_cleanup_push(note, "a");
    pthread_cleanup_push(wait_and_note, "b");
    pthread_cleanup_push(push_again, "c");
    pthread_cleanup_push(note, "d");
    pthread_cleanup_pop(0);
    exit_in_nested_call(result);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void exit_in_order(void) {
    pthread_t thread;
    void *result;
    memset(order, 0, sizeof order);
    CHECK(pthread_key_create(&key, note) == 0);
    CHECK(pthread_create(&thread, NULL, exit_with_handlers, "result") == 0);
    CHECK(pthread_join(thread, &result) == 0 && strcmp(result, "result") == 0);
    CHECK(strcmp(order, "ycbak") == 0);
}

static int exit_with_number(void *unused) {
    (void)unused;
    thrd_exit(7);
}

static void exit_by_c11(void) {
    thrd_t thread;
    int number;
    CHECK(thrd_create(&thread, exit_with_number, NULL) == thrd_success);
    CHECK(thrd_join(thread, &number) == thrd_success && number == 7);
}

int main(void) {
    void (*const waits[])(void) = {wait_in_read,          wait_in_recvmsg, wait_in_readv,     wait_in_poll,
                                   wait_in_select,        wait_in_sleep,   wait_in_nanosleep, wait_in_sem_wait,
                                   wait_in_sem_timedwait, wait_in_accept,  wait_in_sigwait,   wait_in_pause,
                                   wait_in_join,          wait_in_waitpid};
    CHECK(sem_init(&semaphore, 0, 0) == 0 && sem_init(&begun, 0, 0) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        cancel_in(waits[i]);
    cancel_waits_for_conditions();
    disable_and_enable();
    cancel_at_other_times();
    exit_in_order();
    exit_by_c11();
    while (wait(NULL) > 0)
        continue;
    return 0;
}
