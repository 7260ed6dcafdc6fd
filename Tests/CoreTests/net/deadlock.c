/* Waits that an OS thread without a hub ends, or a process, never count as a deadlock: also
 * when all green threads wait, and the hub waits in the kernel without a timer. */
#include "../../../csrc/core/hub_record.h"
#include "helpers.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

static green_hub *hub;

/* Until the hub waits in the kernel: it has decided that there is no deadlock. */
static void await_idle(void) {
    while (__atomic_load_n(&hub->registration.waits, __ATOMIC_RELAXED) % 2 == 0)
        usleep(100);
}

static void *run_when_idle(void *end) {
    await_idle();
    ((void (*)(void))end)();
    return NULL;
}

/* Both the context of the OS thread and another green thread wait. */
static int wait_until_ended(int (*wait)(void *), void *argument, void (*end)(void)) {
    pthread_t os_thread;
    hub = green_hub_current();
    capture_begin();
    green_thread *thread = start(wait, argument);
    CHECK(pthread_create(&os_thread, NULL, run_when_idle, (void *)end), ==, 0);
    int result = finish(thread);
    CHECK(pthread_join(os_thread, NULL), ==, 0);
    CHECK_TEXT(capture_end(), "");
    return result;
}

static green_promise *promise;
static green_channel *channel;

static int wait_for_promise(void *unused) {
    (void)unused;
    return green_promise_wait(promise, NULL, GREEN_FOREVER);
}

static void send_to_promise(void) {
    CHECK(green_promise_send(promise, NULL), ==, 0);
}

TEST(promise, "a wait for a promise is no deadlock: an OS thread sends to it") {
    CHECK(green_promise_make(&promise), ==, 0);
    CHECK(wait_until_ended(wait_for_promise, NULL, send_to_promise), ==, 0);
    green_promise_release(promise);
}

static int receive(void *unused) {
    char element;
    (void)unused;
    return green_channel_receive(channel, &element, GREEN_FOREVER);
}

static void send_to_channel(void) {
    CHECK(green_channel_try_send(channel, "x"), ==, 1);
}

TEST(channel, "a wait for a channel is no deadlock: an OS thread sends to it") {
    CHECK(green_channel_make(&channel, &(green_channel_options){.element_size = 1, .capacity = 1}), ==, 0);
    CHECK(wait_until_ended(receive, NULL, send_to_channel), ==, 0);
    green_channel_release(channel);
}

static atomic_bool offload_may_end;

static int end_when_allowed(void *unused) {
    (void)unused;
    while (!offload_may_end)
        usleep(100);
    return 7;
}

static int offload(void *unused) {
    int result = 0, error = green_offload(NULL, end_when_allowed, unused, NULL, &result, GREEN_FOREVER);
    return error < 0 ? error : result;
}

static void allow_end(void) {
    offload_may_end = true;
}

TEST(offload, "a wait for an offloaded call is no deadlock") {
    CHECK(wait_until_ended(offload, NULL, allow_end), ==, 7);
}

static int event_fd;

static int wait_for_fd(void *unused) {
    (void)unused;
    return green_wait_fd(event_fd, POLLIN, GREEN_FOREVER);
}

static void write_to_fd(void) {
    CHECK(eventfd_write(event_fd, 1), ==, 0);
}

TEST(descriptor, "a wait for a descriptor is no deadlock: an OS thread writes to it") {
    event_fd = eventfd(0, EFD_CLOEXEC);
    CHECK(wait_until_ended(wait_for_fd, NULL, write_to_fd), ==, POLLIN);
    close(event_fd);
}

static green_process *process;

static int wait_for_process(void *unused) {
    green_process_end end;
    (void)unused;
    int error = green_process_wait(process, &end, GREEN_FOREVER);
    return error < 0 ? error : end.signal;
}

static void end_process(void) {
    CHECK(kill(green_process_id(process), SIGKILL), ==, 0);
}

TEST(process, "a wait for a process is no deadlock") {
    const char *arguments[] = {"sleep", "1000", NULL};
    CHECK(green_process_spawn(&process, "sleep", arguments, NULL), ==, 0);
    CHECK(wait_until_ended(wait_for_process, NULL, end_process), ==, SIGKILL);
    green_process_free(process);
}

static int wait_for_signal(void *signals) {
    return green_signals_next(signals, GREEN_FOREVER);
}

static void send_signal(void) {
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
}

TEST(signal, "a wait for a signal is no deadlock") {
    green_signals *signals;
    CHECK(green_signals_open(&signals, (int[]){SIGUSR1}, 1), ==, 0);
    CHECK(wait_until_ended(wait_for_signal, signals, send_signal), ==, SIGUSR1);
    green_signals_free(signals);
}

/* References to the hub ---------------------------------------------------------- */

static green_event *event;

static int wait_for_event(void *unused) {
    void *value;
    (void)unused;
    return green_event_wait(event, &value, GREEN_FOREVER);
}

static int send_event(void *unused) {
    (void)unused;
    return green_event_send(event, NULL);
}

static void spawn_sender(void) {
    CHECK(green_hub_spawn(hub, NULL, NULL, send_event, NULL), ==, 0);
    green_hub_release(hub);
}

TEST(reference, "no wait is a deadlock while an OS thread has a reference to the hub: it spawns there") {
    CHECK(green_event_make(&event), ==, 0);
    CHECK(green_sleep(0), ==, 0); /* makes the hub */
    green_hub_retain(green_hub_current());
    CHECK(wait_until_ended(wait_for_event, NULL, spawn_sender), ==, 0);
    green_event_free(event);
}

TEST(released, "a deadlock is reported after the last reference to the hub was released") {
    CHECK(green_event_make(&event), ==, 0);
    CHECK(green_sleep(0), ==, 0);
    green_hub_retain(green_hub_current());
    green_hub_release(green_hub_current());
    capture_begin();
    CHECK(wait_for_event(NULL), ==, -EDEADLK);
    CHECK_CONTAINS(capture_end(), "or keep a reference to the hub");
    green_event_free(event);
}

/* Servers ------------------------------------------------------------------------- */

static green_listener *listener;

static int handle(green_socket *client, void *context) {
    (void)client, (void)context;
    return wait_for_event(NULL);
}

static int serve_one_at_a_time(void *unused) {
    (void)unused;
    return green_serve(listener, &(green_serve_options){.concurrency = 1}, handle, NULL);
}

static void stop_server(void) {
    CHECK(green_listener_stop(listener, 0), ==, 1);
}

TEST(server, "a server whose handlers wait for an event is no deadlock: an OS thread stops it") {
    CHECK(green_event_make(&event), ==, 0);
    listener = listen_any(TCP4);
    green_socket *client = connect_to(listener);
    CHECK(wait_until_ended(serve_one_at_a_time, NULL, stop_server), ==, 0);
    green_socket_release(client);
    green_listener_release(listener);
    green_event_free(event);
}
