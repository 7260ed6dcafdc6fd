/* What ends a patched call early, calls that go to the C library, and many calls at once. */
#include "patched_calls.h"

#include <pthread.h>

/* Interrupts and closes --------------------------------------------------------- */

TEST(closed, "a close, or a dup2 onto the descriptor, ends waiting calls with EBADF") {
    begin();
    for (int way = 0; way < 2; way++) {
        int ends[2], other[2];
        char bytes[8];
        socket_pair(ends);
        socket_pair(other);
        struct task tasks[3];
        for (int i = 0; i < 3; i++) {
            tasks[i] = (struct task){.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_recv};
            begin_task(&tasks[i]);
        }
        if (way == 0)
            CHECK(lib->close(ends[0]), ==, 0);
        else
            CHECK(lib->dup2(other[0], ends[0]), ==, ends[0]);
        CHECK(write(other[1], "abc", 3), ==, 3); /* not for earlier calls */
        for (int i = 0; i < 3; i++)
            end_task(&tasks[i], -1, EBADF);
        if (way == 1)
            close(ends[0]);
        close(ends[1]);
        close(other[0]);
        close(other[1]);
    }
    end();
}

TEST(killed, "a kill ends one call with ECANCELED") {
    begin();
    int ends[2];
    char bytes[8];
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_recv};
    begin_task(&task);
    CHECK(green_thread_kill(task.thread), ==, 0);
    end_task(&task, -1, ECANCELED);
    begin_task(&task);
    CHECK(is_waiting(&task));
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(green_thread_kill(task.thread), ==, 0);
    end_task(&task, 3, 0); /* the call succeeds, the interrupt is left for the next one */
    close(ends[0]);
    close(ends[1]);
    end();
}

/* A kill, and a timeout, in a waiting recv() of the library. */
static void expect_errnos(int of_kill, int of_timeout) {
    int ends[2];
    char bytes[8];
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_recv};
    begin_task(&task);
    CHECK(green_thread_kill(task.thread), ==, 0);
    end_task(&task, -1, of_kill);
    green_timeout *limit;
    CHECK(green_timeout_start(&limit, GREEN_MILLISECOND), ==, 0);
    CHECK(lib->recv(ends[0], bytes, sizeof bytes, 0), ==, -1);
    CHECK(errno, ==, of_timeout);
    green_timeout_free(limit);
    close(ends[0]);
    close(ends[1]);
}

TEST(chosen, "a patch chooses the errno of kills and timeouts, and the newest patch of an object counts") {
    begin();
    expect_errnos(ECANCELED, ETIMEDOUT);
    CHECK(green_patch_set_interrupt_errno(patch, EINTR), ==, 0);
    expect_errnos(EINTR, EINTR);
    green_patch *other = import(PATCHED_LAZY), *again = import(PATCHED_NOW);
    CHECK(green_patch_set_interrupt_errno(other, EIO), ==, 0);
    expect_errnos(EINTR, EINTR); /* the other library's patch does not reach this one */
    CHECK(green_patch_set_interrupt_errno(again, EPIPE), ==, 0);
    expect_errnos(EPIPE, EPIPE);
    CHECK(green_unpatch(again), ==, 0);
    expect_errnos(EINTR, EINTR);
    CHECK(green_patch_set_interrupt_errno(patch, 0), ==, 0);
    expect_errnos(ECANCELED, ETIMEDOUT);
    CHECK(green_unpatch(other), ==, 0);
    end();
}

TEST(refused_errno, "an errno that no system call has is refused") {
    begin();
    for (int i = 0; i < 4; i++)
        CHECK(green_patch_set_interrupt_errno(patch, (const int[]){-1, 4096, INT_MAX, INT_MIN}[i]), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "it must be from 0 to 4095");
    end();
}

static int two_calls(void *argument) {
    struct task *task = argument;
    static char bytes[MUCH];
    task->result = lib->send(task->fd, bytes, MUCH, 0);
    CHECK(task->result, >, 0);
    CHECK(task->result, <, MUCH);
    CHECK(lib->send(task->fd, bytes, MUCH, 0), ==, -1);
    CHECK(errno, ==, ECANCELED);
    return 0;
}

TEST(killed_halfway, "a call interrupted after a partial transfer reports its bytes, and the next call fails") {
    begin();
    int ends[2];
    socket_pair(ends);
    struct task task = {.fd = ends[0]};
    green_thread *thread = start(two_calls, &task);
    let_run();
    CHECK(kill_and_finish(thread), ==, 0);
    close(ends[0]);
    close(ends[1]);
    end();
}

static int receive_within(void *argument) {
    struct task *task = argument;
    green_timeout *limit;
    CHECK(green_timeout_start(&limit, 10 * GREEN_MILLISECOND), ==, 0);
    CHECK(lib->recv(task->fd, task->bytes, task->size, 0), ==, -1);
    CHECK(errno, ==, ETIMEDOUT);
    CHECK(green_timeout_has_fired(limit));
    green_timeout_free(limit);
    return 0;
}

TEST(timeout, "a timeout of the thread ends a call with ETIMEDOUT") {
    begin();
    int ends[2];
    char bytes[8];
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes};
    CHECK(finish(start(receive_within, &task)), ==, 0);
    close(ends[0]);
    close(ends[1]);
    end();
}

/* Calls that go to the C library -------------------------------------------------- */

static void *call_without_hub(void *argument) {
    struct task *task = argument;
    task->result = lib->recv(task->fd, task->bytes, task->size, 0);
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, -ENOENT);
    return NULL;
}

TEST(without_hub, "an OS thread without a hub blocks, and no hub is created") {
    begin();
    int ends[2];
    char bytes[8];
    pthread_t thread;
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes};
    CHECK(pthread_create(&thread, NULL, call_without_hub, &task), ==, 0);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(task.result, ==, 3);
    close(ends[0]);
    close(ends[1]);
    end();
}

static void call_in_link(green_thread *thread, void *argument) {
    (void)thread;
    struct task *task = argument;
    task->result = lib->poll(NULL, 0, 5);
}

TEST(in_a_link, "a call in a link, which must not block, goes to the C library") {
    begin();
    int value = 3;
    struct task task = {.result = -7};
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, call_in_link, &task), ==, 0);
    CHECK(finish(thread), ==, 3);
    CHECK(task.result, ==, 0);
    end();
}

static void wait_in_handler(int number) {
    int error_number = errno;
    (void)number;
    CHECK(lib->poll(NULL, 0, 5), ==, 0);
    CHECK_TEXT(marks(), "");
    errno = error_number;
}

/* Like the handler of a crash that waits for a debugger. */
TEST(in_a_handler, "a call in a handler on the signal stack goes to the C library, and no thread runs meanwhile") {
    struct sigaction action = {.sa_handler = wait_in_handler, .sa_flags = SA_ONSTACK};
    begin();
    green_thread *other = start(mark_it, "o");
    CHECK(sigaction(SIGUSR1, &action, NULL), ==, 0);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK_TEXT(marks(), "");
    CHECK(finish(other), ==, 0);
    CHECK_TEXT(marks(), "o");
    end();
}

/* Many ----------------------------------------------------------------------------- */

enum { CROWD = 200 };

static int wait_in_crowd(void *argument) {
    char byte;
    return (int)lib->recv(*(int *)argument, &byte, 1, 0);
}

TEST(crowd, "many green threads of one OS thread wait in calls of a library") {
    begin();
    static int ends[CROWD][2];
    green_thread *threads[CROWD];
    size_t before = os_threads();
    for (int i = 0; i < CROWD; i++) {
        socket_pair(ends[i]);
        threads[i] = start(wait_in_crowd, &ends[i][0]);
    }
    let_run();
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    CHECK(statistics.parked, ==, CROWD);
    CHECK(os_threads(), ==, before);
    for (int i = CROWD; i-- > 0;)
        CHECK(write(ends[i][1], "x", 1), ==, 1);
    for (int i = 0; i < CROWD; i++) {
        CHECK(finish(threads[i]), ==, 1);
        close(ends[i][0]);
        close(ends[i][1]);
    }
    end();
}

/* At random -------------------------------------------------------------------------- */

enum { WANDERERS = 50, STEPS = 60 };

static int callers;

/* A random call that waits. It succeeds or ends with an error of an interrupt. */
static int wait_at_random(const int ends[2]) {
    struct pollfd polled[] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLIN}};
    fd_set readable;
    char byte;
    switch (random_below(6)) {
    case 0:
        return (int)lib->recv(ends[0], &byte, 1, 0);
    case 1:
        return lib->poll(polled, 2, (int)random_below(3));
    case 2:
        FD_ZERO(&readable);
        FD_SET(ends[0], &readable);
        return lib->select(ends[0] + 1, &readable, NULL, NULL, &(struct timeval){0, random_below(2000)});
    case 3:
        return lib->usleep(random_below(2000));
    case 4:
        return (int)lib->write(ends[1], "x", 1);
    default:
        return (int)lib->read(ends[0], &byte, 1);
    }
}

static int call_repeatedly(void *unused) {
    (void)unused;
    int ends[2];
    socket_pair(ends);
    set_limit(ends[0], SO_RCVTIMEO, 2);
    callers++;
    for (int i = 0; i < STEPS; i++) {
        green_timeout *limit = NULL;
        if (random_below(3) == 0)
            CHECK(green_timeout_start(&limit, random_below(2) * GREEN_MILLISECOND), ==, 0);
        errno = 0;
        if (wait_at_random(ends) < 0)
            CHECK(errno == EAGAIN || errno == ECANCELED || errno == ETIMEDOUT);
        green_timeout_free(limit);
    }
    callers--;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

TEST(at_random, "random calls, kills and timeouts leave nothing behind") {
    begin();
    green_thread *threads[WANDERERS];
    for (int i = 0; i < WANDERERS; i++)
        threads[i] = start(call_repeatedly, NULL);
    let_run();
    CHECK(callers, >, 0);
    while (callers > 0) {
        (void)green_thread_kill(threads[random_below(WANDERERS)]);
        CHECK(green_sleep(100 * GREEN_MICROSECOND), ==, 0);
    }
    for (int i = 0; i < WANDERERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    end();
}
