/* The main queue of libdispatch, by a queue of the test with the same functions. */
#include "asleep.h"
#include "helpers.h"
#include "other_hub.h"

#include <green/task_runtime.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

/* A queue ----------------------------------------------------------------------- */

enum { CALLS_MAX = 16 };

static struct {
    pthread_mutex_t lock;
    int handle;
    void (*calls[CALLS_MAX])(void);
    int count, drains;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Before the harness counts descriptors. */
__attribute__((constructor)) static void open_queue(void) {
    queue.handle = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void add(void (*call)(void)) {
    pthread_mutex_lock(&queue.lock);
    queue.calls[queue.count++] = call;
    pthread_mutex_unlock(&queue.lock);
    CHECK(eventfd_write(queue.handle, 1), ==, 0);
}

static bool is_readable(void) {
    struct pollfd handle = {.fd = queue.handle, .events = POLLIN};
    return poll(&handle, 1, 0) == 1;
}

int _dispatch_get_main_queue_handle_4CF(void);
int _dispatch_get_main_queue_handle_4CF(void) {
    return queue.handle;
}

void _dispatch_main_queue_callback_4CF(void *unused);
void _dispatch_main_queue_callback_4CF(void *unused) {
    (void)unused;
    CHECK(gettid(), ==, getpid());
    pthread_mutex_lock(&queue.lock);
    queue.drains++;
    for (int i = 0; i < queue.count; i++) {
        pthread_mutex_unlock(&queue.lock);
        queue.calls[i]();
        pthread_mutex_lock(&queue.lock);
    }
    queue.count = 0;
    pthread_mutex_unlock(&queue.lock);
}

/* Without it Green takes the program for one in C. */
const green_task_runtime *green_swift_task_runtime(void) {
    static const green_task_runtime runtime;
    return &runtime;
}

/* Service ----------------------------------------------------------------------- */

static green_event *event;
static green_thread *caller;

static void send_event(void) {
    caller = green_current();
    CHECK(green_event_send(event, NULL), ==, 0);
}

static int add_from_os_thread(void *unused) {
    (void)unused;
    add(send_event);
    return 0;
}

static void wait_for_event(int expected) {
    void *value;
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, expected);
}

static void serve(void) {
    struct os_thread other;
    green_statistics now;
    queue.drains = 0;
    for (int i = 1; i <= 3; i++) {
        CHECK(green_event_make(&event), ==, 0);
        os_thread_start(&other, add_from_os_thread, NULL);
        wait_for_event(0);
        CHECK(os_thread_finish(&other), ==, 0);
        CHECK(caller != green_current());
        CHECK(queue.drains, ==, i);
        CHECK(green_yield(), ==, 0);
        CHECK(green_hub_statistics(&now), ==, 0);
        CHECK(now.threads, ==, 1);
        CHECK(now.operations, ==, 0);
        green_event_free(event);
    }
}

TEST(service, "what other OS threads add to the main queue is called while the main one waits") {
    on_each_engine(serve);
}

static green_channel *channel;

static void send_to_channel(void) {
    CHECK(green_channel_try_send(channel, NULL), ==, 1);
}

TEST(without_hub, "a wait of the main OS thread without a hub makes one") {
    CHECK(green_channel_make(&channel, &(green_channel_options){.capacity = 1}), ==, 0);
    add(send_to_channel);
    CHECK(green_channel_receive(channel, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    green_channel_release(channel);
}

static void mark_a(void) {
    mark('a');
}

static void check_elsewhere(void *unused) {
    (void)unused;
    add(mark_a);
    for (int i = 0; i < 10; i++)
        CHECK(green_sleep(GREEN_MICROSECOND), ==, 0);
    CHECK(queue.drains, ==, 0);
    CHECK(green_hub_close(), ==, 0);
}

TEST(elsewhere, "hubs of other OS threads do not call the main queue") {
    on_os_thread(check_elsewhere, NULL);
    CHECK_TEXT(marks(), "");
    CHECK(green_sleep(GREEN_MICROSECOND), ==, 0);
    let_run();
    CHECK_TEXT(marks(), "a");
}

/* Ends -------------------------------------------------------------------------- */

static void close_hub(void) {
    for (int i = 0; i < 3; i++) {
        queue.drains = 0;
        CHECK(green_yield(), ==, 0);
        add(mark_a);
        while (queue.drains == 0)
            CHECK(green_yield(), ==, 0);
        CHECK(green_hub_close(), ==, 0);
    }
    CHECK(!is_readable());
}

TEST(close, "a hub that serves the main queue closes, and the next one serves it") {
    on_each_engine(close_hub);
    CHECK(strlen(marks()), >=, 3);
}

static void let_child_run(void) {
    for (int i = 0; i < 10; i++)
        CHECK(green_sleep(GREEN_MICROSECOND), ==, 0);
    CHECK(queue.drains, ==, 0);
}

static void fork_child(void) {
    queue.drains = 0;
    CHECK(green_yield(), ==, 0);
    add(mark_a);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        let_child_run();
        _exit(is_readable() ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    while (queue.drains == 0)
        CHECK(green_yield(), ==, 0);
}

TEST(fork, "a forked child does not call the main queue, and takes no wake-up from the parent") {
    on_each_engine(fork_child);
}

/* The main OS thread cannot check what its end leaves, so another one does, and ends the process. */
static void end_main_by(void (*end)(void), int (*check)(void *main)) {
    static struct os_thread checks;
    static pthread_t main_thread;
    main_thread = pthread_self();
    os_thread_start(&checks, check, &main_thread);
    end();
}

static void exit_before_call(void) {
    green_statistics now = {0};
    add(mark_a);
    while (now.threads != 2) { /* the second one is for the queue, and runs after this one */
        CHECK(green_yield(), ==, 0);
        CHECK(queue.drains, ==, 0);
        CHECK(green_hub_statistics(&now), ==, 0);
    }
    pthread_exit(NULL);
}

static int expect_no_report(void *main) {
    CHECK(pthread_join(*(pthread_t *)main, NULL), ==, 0);
    CHECK_TEXT(capture_end(), "");
    CHECK(queue.drains, ==, 0);
    CHECK(is_readable());
    exit(0);
}

TEST(exit_before_call, "the main OS thread may end before a call of the queue has begun, as dispatch_main() does") {
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer does not allow the main OS thread to end");
    capture_begin();
    CHECK(green_yield(), ==, 0);
    end_main_by(exit_before_call, expect_no_report);
}

static void exit_os_thread(int number) {
    (void)number;
    pthread_exit(NULL);
}

static void receive_forever(void) {
    CHECK(green_channel_receive(channel, NULL, GREEN_FOREVER), ==, 0);
}

static int end_receiver(void *main) {
    while (green_channel_receiving(channel) == 0)
        sched_yield();
    wait_until_others_sleep(); /* until then, main holds locks of the channel */
    CHECK(pthread_kill(*(pthread_t *)main, SIGUSR1), ==, 0);
    CHECK(pthread_join(*(pthread_t *)main, NULL), ==, 0);
    CHECK_CONTAINS(capture_end(), "an OS thread ended while its hub was in use");
    CHECK(green_channel_receiving(channel), ==, 0);
    exit(0);
}

TEST(exit_in_first_wait, "the main OS thread that ends in the wait that has made its hub leaves no wait") {
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer does not allow pthread_exit() in a signal handler");
    needs_kernel(); /* an emulator ends all OS threads with the main one */
    struct sigaction action = {.sa_handler = exit_os_thread};
    CHECK(sigaction(SIGUSR1, &action, NULL), ==, 0);
    CHECK(green_channel_make(&channel, &(green_channel_options){.capacity = 1}), ==, 0);
    capture_begin();
    end_main_by(receive_forever, end_receiver);
}

/* Deadlocks --------------------------------------------------------------------- */

static void expect_deadlock(void) {
    capture_begin();
    wait_for_event(-EDEADLK);
    CHECK_CONTAINS(capture_end(), "deadlock");
}

static int nothing(void *unused) {
    (void)unused;
    return 0;
}

static bool waits; /* atomic */

static int add_when_main_waits(void *unused) {
    while (!__atomic_load_n(&waits, __ATOMIC_ACQUIRE))
        usleep(100);
    return add_from_os_thread(unused);
}

static int note_wait(void *unused) {
    (void)unused;
    __atomic_store_n(&waits, true, __ATOMIC_RELEASE);
    return 0;
}

static void wait_alone(void) {
    CHECK(green_event_make(&event), ==, 0);
    expect_deadlock();
    add(send_event); /* is in the queue already */
    wait_for_event(0);
    green_event_free(event);
}

static void needs_exact_count(void) {
    if (SANITIZED || EMULATED)
        skip("sanitizers and emulators have OS threads of their own");
}

TEST(deadlock, "if no other OS thread can add to an empty main queue, a deadlock is reported") {
    needs_exact_count();
    on_each_engine(wait_alone);
}

static void wait_beside_workers(void) {
    CHECK(green_event_make(&event), ==, 0);
    CHECK(green_monitor_start(NULL), ==, 0);
    CHECK(green_offload(NULL, nothing, NULL, NULL, NULL, GREEN_FOREVER), ==, 0);
    expect_deadlock();
    CHECK(green_monitor_stop(), ==, 0);
    green_event_free(event);
}

TEST(workers, "idle OS threads of Green's own do not hide a deadlock") {
    needs_exact_count();
    on_each_engine(wait_beside_workers);
}

static int add_later(void *unused) {
    usleep(50 * 1000); /* the hub has most likely asked again for OS threads meanwhile */
    return add_from_os_thread(unused);
}

static void wait_beside_os_thread(void) {
    struct os_thread other;
    green_thread *noter;
    CHECK(green_event_make(&event), ==, 0);
    waits = false;
    os_thread_start(&other, add_when_main_waits, NULL);
    noter = start(note_wait, NULL);
    wait_for_event(0);
    CHECK(finish(noter), ==, 0);
    CHECK(os_thread_finish(&other), ==, 0);
    green_event_free(event);
}

TEST(other_os_thread, "while another OS thread may add to the main queue, a wait is not a deadlock") {
    on_each_engine(wait_beside_os_thread);
}

TEST(virtual_clock, "a hub with a virtual clock calls the main queue, and its timers do not wait for it") {
    CHECK(green_hub_open(&(green_hub_options){.virtual_clock = true}), ==, 0);
    struct os_thread other;
    CHECK(green_event_make(&event), ==, 0);
    os_thread_start(&other, add_later, NULL);
    wait_for_event(0);
    CHECK(os_thread_finish(&other), ==, 0);
    green_event_free(event);
    int64_t began = green_now();
    CHECK(green_sleep(1000 * GREEN_SECOND), ==, 0);
    CHECK(green_now() - began, >=, 1000 * GREEN_SECOND);
}
