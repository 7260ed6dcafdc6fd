/* The virtual clock while work outside of the hub is in progress: it advances in real time.
 *
 * In each test a thread sleeps for an hour. A jump of the clock would wake it, which a test then
 * notices, because the work that it waits for needs no time on the clock. */
#include "../../../csrc/base/feature.h"
#include "files.h"
#include "helpers.h"
#include "os_threads.h"
#include "other_hub.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const int64_t HOUR = 3600 * GREEN_SECOND;

/* Calls body while a thread sleeps, and checks that it still sleeps afterwards. */
static void beside_sleeper(void (*body)(void)) {
    int64_t start_time = green_now();
    green_thread *sleeper = start(nap, NULL);
    let_run();
    body();
    CHECK(!green_thread_is_finished(sleeper));
    CHECK(green_now() - start_time, <, HOUR);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
}

/* Posts --------------------------------------------------------------------- */

/* Posts to a hub and waits until it has run them, one after the other: the hub is idle in
 * between, and would jump. */
struct poster {
    green_hub *hub;
    green_post post;
    int runs; /* atomic */
};

static void count_run(green_post *post, int error) {
    struct poster *poster = (struct poster *)((char *)post - offsetof(struct poster, post));
    CHECK(error, ==, 0);
    __atomic_add_fetch(&poster->runs, 1, __ATOMIC_RELEASE);
}

static int post_often(void *argument) {
    struct poster *poster = argument;
    poster->post.run = count_run;
    for (int i = 0; i < 100; i++) {
        CHECK(green_hub_post(poster->hub, &poster->post), ==, 0);
        while (__atomic_load_n(&poster->runs, __ATOMIC_ACQUIRE) <= i)
            usleep(10);
    }
    return 0;
}

static struct poster *new_poster(void) {
    static struct poster poster;
    poster = (struct poster){.hub = green_hub_current()};
    return &poster;
}

/* Offloaded calls ------------------------------------------------------------- */

static void offload_posts(void) {
    int result = -1;
    CHECK(green_offload(NULL, post_often, new_poster(), NULL, &result, HOUR), ==, 0);
    CHECK(result, ==, 0);
}

static void offload_beside_sleeper(void) {
    beside_sleeper(offload_posts);
}

TEST(offload, "while an offloaded call runs, the clock does not jump, also not to the timeout of the call") {
    in_virtual_time(offload_beside_sleeper);
}

static int ends[2];
static atomic_bool is_over;

/* The call has ended, or never begins. */
static void end_call(void *unused) {
    (void)unused;
    is_over = true;
}

static int read_byte(void *unused) {
    char byte;
    (void)unused;
    return read(ends[0], &byte, 1) == 1 ? 0 : -EIO;
}

static void offload_too_long(void) {
    CHECK(pipe(ends), ==, 0);
    is_over = false;
    int64_t start_time = green_now();
    CHECK(green_offload(NULL, read_byte, NULL, end_call, NULL, 2 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_now() - start_time, >=, 2 * GREEN_MILLISECOND);
    CHECK(write(ends[1], "x", 1), ==, 1);
    UNTIL(is_over);
    close(ends[0]);
    close(ends[1]);
}

TEST(offload_timeout, "the timeout of an offloaded call that does not end expires in real time") {
    in_virtual_time(offload_too_long);
}

/* Other hubs and OS threads ----------------------------------------------------- */

static void wait_for_remote(void) {
    struct other_hub other;
    other_hub_start(&other);
    CHECK(on_hub(other.hub, post_often, new_poster()), ==, 0);
    CHECK(green_clock_hold(), ==, 0);
    other_hub_close(&other);
    CHECK(green_clock_resume(), ==, 0);
    other_hub_release(&other);
}

static void remote_beside_sleeper(void) {
    beside_sleeper(wait_for_remote);
}

TEST(remote, "while a thread waits for a remote thread of another hub, the clock does not jump") {
    in_virtual_time(remote_beside_sleeper);
}

static int sleep_an_hour(void *unused) {
    (void)unused;
    return green_sleep(HOUR);
}

static void wait_for_own(void) {
    int64_t start_time = green_now();
    CHECK(on_hub(green_hub_current(), sleep_an_hour, NULL), ==, 0);
    CHECK(green_now() - start_time, ==, HOUR);
}

TEST(own_remote, "a remote thread of the same hub is not outside: its sleep elapses at once") {
    in_virtual_time(wait_for_own);
}

struct delivery {
    struct poster *poster;
    green_promise *promise;
    green_channel *channel;
};

static int deliver(void *argument) {
    struct delivery *delivery = argument;
    post_often(delivery->poster);
    return green_promise_send(delivery->promise, NULL);
}

static void wait_for_promise(void) {
    struct os_thread thread;
    struct delivery delivery = {.poster = new_poster()};
    CHECK(green_promise_make(&delivery.promise), ==, 0);
    os_thread_start(&thread, deliver, &delivery);
    CHECK(green_promise_wait(delivery.promise, NULL, HOUR), ==, 0);
    CHECK(green_clock_hold(), ==, 0);
    CHECK(os_thread_finish(&thread), ==, 0);
    CHECK(green_clock_resume(), ==, 0);
    green_promise_release(delivery.promise);
}

static void promise_beside_sleeper(void) {
    beside_sleeper(wait_for_promise);
}

TEST(promise, "while a thread waits for a promise, the clock does not jump") {
    in_virtual_time(promise_beside_sleeper);
}

static int send_twice(void *argument) {
    struct delivery *delivery = argument;
    CHECK(green_channel_send(delivery->channel, &(int){1}, GREEN_FOREVER), ==, 0);
    post_often(delivery->poster);
    return green_channel_send(delivery->channel, &(int){2}, GREEN_FOREVER);
}

static void receive(green_channel *channel, int expected) {
    int value;
    CHECK(green_channel_receive(channel, &value, HOUR), ==, 0);
    CHECK(value, ==, expected);
}

static void receive_from_outside(size_t capacity) {
    struct os_thread thread;
    struct delivery delivery = {.poster = new_poster()};
    CHECK(green_channel_make(&delivery.channel,
                             &(green_channel_options){.element_size = sizeof(int), .capacity = capacity}),
          ==, 0);
    os_thread_start(&thread, send_twice, &delivery);
    CHECK(green_clock_hold(), ==, 0); /* it has not used the channel yet */
    receive(delivery.channel, 1);
    CHECK(green_clock_resume(), ==, 0);
    receive(delivery.channel, 2);
    CHECK(green_clock_hold(), ==, 0);
    CHECK(os_thread_finish(&thread), ==, 0);
    CHECK(green_clock_resume(), ==, 0);
    green_channel_release(delivery.channel);
}

static void receive_twice(void) {
    receive_from_outside(0);
    receive_from_outside(10);
}

static void channel_beside_sleeper(void) {
    beside_sleeper(receive_twice);
}

TEST(channel, "while a thread waits for a channel that another OS thread has used, the clock does not jump") {
    in_virtual_time(channel_beside_sleeper);
}

static int send_later(void *channel) {
    CHECK(green_sleep(HOUR), ==, 0);
    return green_channel_send(channel, &(int){3}, GREEN_FOREVER);
}

static void receive_inside(size_t capacity) {
    green_channel *channel;
    /* More than a lock needs to be biased; few if there is no bias. */
    int value, rounds = SANITIZED_THREADS || green__feature_is_disabled(GREEN_FEATURE_MEMBARRIER) ? 5 : 200;
    int64_t start_time = green_now();
    CHECK(green_channel_make(&channel, &(green_channel_options){.element_size = sizeof value, .capacity = capacity}),
          ==, 0);
    for (int i = 0; i < rounds; i++) {
        green_thread *thread = start(send_later, channel);
        CHECK(green_channel_receive(channel, &value, HOUR / 2), ==, -ETIMEDOUT);
        receive(channel, 3);
        CHECK(finish(thread), ==, 0);
    }
    CHECK(green_now() - start_time, ==, rounds * HOUR);
    green_channel_release(channel);
}

static void receive_all_inside(void) {
    receive_inside(0);
    receive_inside(10);
}

TEST(own_channel, "a channel that only this hub uses does not hold up the clock") {
    in_virtual_time(receive_all_inside);
}

/* Files, processes and peers ------------------------------------------------- */

static void write_file(void) {
    char bytes[3];
    green_file *file = file_of_pattern(green_hub_engine(), 1000);
    CHECK(green_file_sync(file), ==, 0);
    CHECK(green_file_read_at(file, bytes, 3, 0), ==, 3);
    pattern_check(bytes, 3, 0);
    green_file_free(file);
}

static void files_beside_sleeper(void) {
    beside_sleeper(write_file);
}

TEST(files, "while a file operation is in progress, the clock does not jump") {
    in_virtual_time(files_beside_sleeper);
    remove_directory();
}

static void run_process(void) {
    static const char *const arguments[] = {"sh", "-c", "sleep 0.01; echo done", NULL};
    green_process *process;
    green_process_end end;
    green_file *output;
    char bytes[16];
    green_process_options options = {.output = {.kind = GREEN_STDIO_PIPE, .pipe = &output}};
    CHECK(green_process_spawn(&process, "sh", arguments, &options), ==, 0);
    CHECK(green_file_read(output, bytes, sizeof bytes), ==, 5);
    CHECK(green_process_wait(process, &end, HOUR), ==, 0);
    CHECK(end.code, ==, 0);
    green_process_free(process);
    green_file_free(output);
}

static void process_beside_sleeper(void) {
    beside_sleeper(run_process);
    int64_t start_time = green_now();
    CHECK(green_sleep(HOUR), ==, 0); /* the process has ended */
    CHECK(green_now() - start_time, ==, HOUR);
}

TEST(process, "while a child process runs, the clock does not jump, and afterwards it does") {
    in_virtual_time(process_beside_sleeper);
}

static void release_process(void) {
    static const char *const arguments[] = {"cat", NULL};
    green_process *process;
    green_file *input;
    green_process_options options = {.input = {.kind = GREEN_STDIO_PIPE, .pipe = &input}};
    CHECK(green_process_spawn(&process, "cat", arguments, &options), ==, 0);
    green_process_free(process);
    int64_t start_time = green_now();
    CHECK(green_sleep(HOUR), ==, 0);
    CHECK(green_now() - start_time, ==, HOUR);
    green_file_free(input);
}

TEST(released_process, "a child process whose handle was released does not hold up the clock") {
    in_virtual_time(release_process);
}

/* A child that connects to a port and returns what it receives, some time later. */
static pid_t start_peer(const struct sockaddr_in *address) {
    pid_t child = fork();
    char byte;
    CHECK(child, >=, 0);
    if (child > 0)
        return child;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        _exit(1);
    while (read(fd, &byte, 1) == 1) {
        usleep(5000);
        if (write(fd, &byte, 1) != 1)
            _exit(2);
    }
    _exit(0);
}

static int connection_to_child(pid_t *child) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    CHECK(listen(listener, 1), ==, 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &(socklen_t){sizeof address}), ==, 0);
    *child = start_peer(&address);
    int fd = accept(listener, NULL, NULL);
    CHECK(fd, >=, 0);
    close(listener);
    return fd;
}

static green_socket *outside;

static void ask_peer(void) {
    char byte;
    green_socket_set_timeouts(outside, HOUR, GREEN_FOREVER);
    for (int i = 0; i < 3; i++) {
        send_text(outside, "x");
        CHECK(green_read(outside, &byte, 1), ==, 1);
    }
}

TEST(peer, "while a thread reads from a peer in another process, the clock does not jump") {
    pid_t child;
    int status, fd = connection_to_child(&child);
    CHECK(green_hub_open(&(green_hub_options){.virtual_clock = true}), ==, 0);
    CHECK(green_socket_adopt(&outside, fd), ==, 0);
    beside_sleeper(ask_peer);
    green_socket_release(outside);
    CHECK(green_hub_close(), ==, 0);
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
}

/* Holds ---------------------------------------------------------------------- */

static void hold_and_resume(void) {
    int64_t start_time = green_now();
    CHECK(green_clock_hold(), ==, 0);
    CHECK(green_clock_hold(), ==, 0);
    CHECK(green_clock_resume(), ==, 0);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * GREEN_SECOND + after.tv_nsec - before.tv_nsec, >=, 2 * GREEN_MILLISECOND);
    CHECK(green_now() - start_time, >=, 2 * GREEN_MILLISECOND);
    CHECK(green_clock_resume(), ==, 0);
    CHECK(green_clock_resume(), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "there is no hold");
    start_time = green_now();
    CHECK(green_sleep(HOUR), ==, 0);
    CHECK(green_now() - start_time, ==, HOUR);
}

TEST(holds, "while the clock is held, a sleep takes its time, and after the last resume it elapses at once") {
    in_virtual_time(hold_and_resume);
}

TEST(no_hub, "without a hub, a hold and a resume are -ENOENT; with the real clock, a hold has no effect") {
    CHECK(green_clock_hold(), ==, -ENOENT);
    CHECK(green_clock_resume(), ==, -ENOENT);
    CHECK(green_yield(), ==, 0);
    CHECK(green_clock_hold(), ==, 0);
    CHECK(green_sleep(1), ==, 0);
    CHECK(green_clock_resume(), ==, 0);
}
