/* The virtual clock of a hub: what elapses at once, and in which order. */
#include "helpers.h"
#include "os_threads.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static const int64_t HOUR = 3600 * GREEN_SECOND;

static int64_t real_now(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now), ==, 0);
    return now.tv_sec * GREEN_SECOND + now.tv_nsec;
}

/* Sleeps --------------------------------------------------------------------- */

struct sleeper {
    char letter;
    int64_t time;
};

static int sleep_and_mark(void *argument) {
    const struct sleeper *sleeper = argument;
    CHECK(green_sleep(sleeper->time), ==, 0);
    mark(sleeper->letter);
    return 0;
}

static void sleep_in_order(void) {
    static struct sleeper sleepers[] = {{'c', 3}, {'a', 1}, {'d', 1000 * HOUR}, {'b', 2}};
    enum { COUNT = sizeof sleepers / sizeof *sleepers };
    green_thread *threads[COUNT];
    int64_t start_time = green_now();
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(sleep_and_mark, &sleepers[i]);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_now() - start_time, ==, 1000 * HOUR);
}

TEST(sleeps, "sleeps elapse at once, in the order of their deadlines, and the clock shows exactly their time") {
    in_virtual_time(sleep_in_order);
    char expected[64] = "abcd";
    CHECK_TEXT(marks() + strlen(marks()) - 4, expected);
}

enum { CROWD = 1000 };

static int awake;

static int wake_in_turn(void *turn) {
    CHECK(green_sleep(HOUR), ==, 0);
    CHECK(awake++, ==, *(int *)turn);
    return 0;
}

static void sleep_together(void) {
    static int turns[CROWD];
    green_thread *threads[CROWD];
    awake = 0;
    for (int i = 0; i < CROWD; i++) {
        turns[i] = i;
        threads[i] = start(wake_in_turn, &turns[i]);
    }
    for (int i = 0; i < CROWD; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(awake, ==, CROWD);
}

TEST(together, "sleeps with the same deadline end in the order in which they began") {
    in_virtual_time(sleep_together);
}

static int yield_often(void *clock) {
    for (int i = 0; i < 1000; i++) {
        CHECK(green_yield(), ==, 0);
        CHECK(green_now(), ==, *(int64_t *)clock);
    }
    return 0;
}

static void run_before_sleepers(void) {
    int64_t clock = green_now();
    green_thread *thread = start(yield_often, &clock);
    CHECK(green_sleep(1), ==, 0);
    CHECK(green_now(), ==, clock + 1);
    CHECK(green_thread_is_finished(thread));
    CHECK(finish(thread), ==, 0);
}

TEST(ready, "the clock stands still while a thread runs or is ready") {
    in_virtual_time(run_before_sleepers);
}

/* Timeouts ------------------------------------------------------------------- */

static void expire_in_order(void) {
    green_semaphore *semaphore;
    green_timeout *timeout;
    CHECK(green_semaphore_make(&semaphore, 0, 0), ==, 0);
    int64_t start_time = green_now();
    CHECK(green_semaphore_acquire(semaphore, HOUR), ==, -ETIMEDOUT);
    CHECK(green_now() - start_time, ==, HOUR);
    CHECK(green_timeout_start(&timeout, HOUR), ==, 0);
    CHECK(green_semaphore_acquire(semaphore, 2 * HOUR), ==, -ETIME);
    CHECK(green_now() - start_time, ==, 2 * HOUR);
    green_timeout_free(timeout);
    CHECK(green_timeout_start(&timeout, 2 * HOUR), ==, 0);
    CHECK(green_semaphore_acquire(semaphore, HOUR), ==, -ETIMEDOUT);
    CHECK(green_now() - start_time, ==, 3 * HOUR);
    green_timeout_free(timeout);
    green_semaphore_free(semaphore);
}

TEST(timeouts, "of a timeout and the limit of a call, the earlier one expires") {
    in_virtual_time(expire_in_order);
}

static void spawn_later(void) {
    static int result = 7;
    green_thread *thread;
    int64_t start_time = green_now();
    CHECK(green_spawn_with(&thread, &(green_spawn_options){.delay = HOUR}, give, &result), ==, 0);
    CHECK(finish(thread), ==, 7);
    CHECK(green_now() - start_time, ==, HOUR);
}

TEST(delayed, "a delayed spawn starts when its delay has passed on the clock") {
    in_virtual_time(spawn_later);
}

static int put_later(void *queue) {
    CHECK(green_sleep(HOUR), ==, 0);
    return green_queue_put(queue, &(int){5}, GREEN_FOREVER);
}

static void get_in_time(void) {
    green_queue *queue;
    int value = 0;
    CHECK(green_queue_make(&queue, &(green_queue_options){.element_size = sizeof value, .capacity = 1}), ==, 0);
    green_thread *thread = start(put_later, queue);
    CHECK(green_queue_get(queue, &value, HOUR - 1), ==, -ETIMEDOUT);
    CHECK(green_queue_get(queue, &value, 2), ==, 0);
    CHECK(value, ==, 5);
    CHECK(finish(thread), ==, 0);
    green_queue_free(queue);
}

TEST(queues, "a wait for another thread that sleeps expires exactly at its timeout") {
    in_virtual_time(get_in_time);
}

/* I/O ------------------------------------------------------------------------ */

static int write_later(void *socket) {
    CHECK(green_sleep(HOUR), ==, 0);
    send_text(socket, "late");
    return 0;
}

static void read_with_timeout(struct pair *pair) {
    char bytes[4];
    int64_t start_time = green_now();
    green_thread *thread = start(write_later, pair->far);
    green_socket_set_timeouts(pair->near, HOUR / 2, GREEN_FOREVER);
    CHECK(green_read(pair->near, bytes, sizeof bytes), ==, -ETIMEDOUT);
    CHECK(green_now() - start_time, ==, HOUR / 2);
    green_socket_set_timeouts(pair->near, HOUR, GREEN_FOREVER);
    expect_text(pair->near, "late");
    CHECK(green_now() - start_time, ==, HOUR);
    CHECK(finish(thread), ==, 0);
}

static void read_on_each_transport(void) {
    with_each_transport(read_with_timeout);
}

TEST(sockets, "a read whose peer is in this process times out at once, and bytes that come earlier end it first") {
    in_virtual_time(read_on_each_transport);
}

static int echo(void *argument) {
    green_socket *socket = argument;
    char bytes[16];
    ssize_t n;
    while ((n = green_read(socket, bytes, sizeof bytes)) > 0)
        CHECK(green_write(socket, bytes, (size_t)n), ==, n);
    return (int)n;
}

/* A jump before the bytes have arrived would end a read. */
static void exchange(struct pair *pair) {
    char bytes[16];
    int64_t start_time = green_now();
    green_thread *thread = start(echo, pair->far);
    green_socket_set_timeouts(pair->near, 1, GREEN_FOREVER);
    for (int i = 0; i < 200; i++) {
        send_text(pair->near, "ping");
        CHECK(green_read(pair->near, bytes, sizeof bytes), ==, 4);
    }
    CHECK(green_now(), ==, start_time);
    CHECK(green_shutdown(pair->near, SHUT_WR), ==, 0);
    CHECK(finish(thread), ==, 0);
}

static void exchange_on_each_transport(void) {
    with_each_transport(exchange);
}

TEST(exchange, "bytes that a thread of the hub has sent arrive before a timeout of a nanosecond") {
    in_virtual_time(exchange_on_each_transport);
}

static void accept_and_wait(void) {
    green_listener *listener = listen_any(TCP4);
    green_socket *socket;
    green_timeout *timeout;
    int ends[2];
    int64_t start_time = green_now();
    CHECK(green_timeout_start(&timeout, HOUR), ==, 0);
    CHECK(green_accept(listener, &socket), ==, -ETIME);
    green_timeout_free(timeout);
    CHECK(pipe(ends), ==, 0);
    CHECK(green_wait_fd(ends[0], POLLIN, HOUR), ==, -ETIMEDOUT);
    CHECK(green_now() - start_time, ==, 2 * HOUR);
    close(ends[0]);
    close(ends[1]);
    green_listener_release(listener);
}

TEST(descriptors, "an accept and a wait for a pipe of this process time out at once") {
    in_virtual_time(accept_and_wait);
}

/* The clock itself ------------------------------------------------------------ */

TEST(real, "without the option the clock is CLOCK_MONOTONIC, and again after the hub has been closed") {
    CHECK(!green_clock_is_virtual());
    CHECK(green_hub_open(&(green_hub_options){.virtual_clock = true}), ==, 0);
    CHECK(green_clock_is_virtual());
    int64_t began = green_now();
    CHECK(began, <=, real_now());
    CHECK(green_sleep(1000 * HOUR), ==, 0);
    CHECK(green_now(), ==, began + 1000 * HOUR);
    CHECK(green_hub_close(), ==, 0);
    CHECK(!green_clock_is_virtual());
    CHECK(green_now(), <=, real_now());
}

static int64_t elsewhere;

static void read_elsewhere(void *unused) {
    (void)unused;
    elsewhere = green_now();
}

static void compare_clocks(void) {
    CHECK(green_sleep(1000 * HOUR), ==, 0);
    on_os_thread(read_elsewhere, NULL);
    CHECK(elsewhere, <, green_now());
    CHECK(elsewhere, <=, real_now());
}

TEST(other_threads, "other OS threads have the real clock") {
    in_virtual_time(compare_clocks);
}

static void sleep_briefly(void) {
    int64_t before = real_now();
    CHECK(!green_clock_is_virtual());
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(real_now() - before, >=, GREEN_MILLISECOND);
    _exit(0);
}

TEST(forked, "a forked child has the real clock") {
    int status;
    CHECK(green_hub_open(&(green_hub_options){.virtual_clock = true}), ==, 0);
    CHECK(green_sleep(HOUR), ==, 0);
    pid_t child = fork();
    if (child == 0)
        sleep_briefly();
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
}

static void wait_forever(void) {
    green_event *event;
    void *value;
    CHECK(green_event_make(&event), ==, 0);
    capture_begin();
    int error = green_event_wait(event, &value, GREEN_FOREVER);
    capture_end();
    CHECK(error, ==, -EDEADLK);
    green_event_free(event);
}

TEST(deadlock, "a wait that nothing can end is a deadlock, also in virtual time") {
    in_virtual_time(wait_forever);
}

/* Kills ---------------------------------------------------------------------- */

static int nap_again(void *unused) {
    CHECK(green_sleep(HOUR), ==, -ECANCELED);
    return nap(unused);
}

static int nap_and_kill(void *others) {
    CHECK(green_hub_kill_threads(), ==, 2);
    return *(int *)others;
}

TEST(kill_threads, "all threads but the caller are killed; one that continues can be killed again") {
    int result = 3;
    CHECK(green_hub_kill_threads(), ==, 0);
    green_thread *one = start(nap, NULL), *stubborn = start(nap_again, NULL);
    let_run();
    green_thread *killer = start(nap_and_kill, &result);
    CHECK(finish(killer), ==, 3);
    CHECK(finish(one), ==, -ECANCELED);
    let_run();
    CHECK(!green_thread_is_finished(stubborn));
    CHECK(green_hub_kill_threads(), ==, 1);
    CHECK(finish(stubborn), ==, -ECANCELED);
    CHECK(green_hub_kill_threads(), ==, 0);
}
