/* The inbox of a hub: posts of other OS threads, their order, and the wake-ups they cost. */
#include "../../../csrc/core/hub_record.h"
#include "helpers.h"
#include "other_hub.h"

#include <sched.h>
#include <sys/wait.h>

/* Order and wake-ups -------------------------------------------------------- */

enum { SENDERS = 8, POSTS = SCALED(1000000) / SENDERS };

struct numbered {
    green_post post;
    int sender, serial;
};

static struct {
    green_hub *hub;
    int last[SENDERS]; /* the serial of the last post that was run */
    int run;
} flood;

static void run_numbered(green_post *post, int error) {
    const struct numbered *numbered = (struct numbered *)post;
    CHECK(error, ==, 0);
    CHECK(green__hub == flood.hub);
    CHECK(numbered->serial, ==, ++flood.last[numbered->sender]);
    flood.run++;
}

static int post_many(void *argument) {
    struct numbered *posts = argument;
    for (int i = 0; i < POSTS; i++)
        CHECK(green_hub_post(flood.hub, &posts[i].post), ==, 0);
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, -ENOENT); /* a post makes no hub */
    return 0;
}

/* The number of wake-ups that were made for a hub: its messages, and the counter of its eventfd,
 * which the hub does not read before it ends. */
static uint64_t wake_ups(const green_hub *hub) {
    char path[64], line[128];
    unsigned long long count = UINT64_MAX;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", hub->engine->wake_fd);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file))
        sscanf(line, "eventfd-count: %llx", &count);
    CHECK(fclose(file), ==, 0);
    CHECK(count, !=, UINT64_MAX);
    return count + hub->engine->messages;
}

static uint64_t wakes_counted(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.wakes;
}

static struct numbered *numbered_posts(int sender) {
    struct numbered *posts = malloc(POSTS * sizeof *posts);
    CHECK(posts != NULL);
    for (int i = 0; i < POSTS; i++)
        posts[i] = (struct numbered){.post.run = run_numbered, .sender = sender, .serial = i + 1};
    return posts;
}

BIG_TEST(fifo, "a million posts of 8 OS threads run once each, in the order of each sender") {
    struct os_thread senders[SENDERS];
    struct numbered *posts[SENDERS];
    green_statistics now;
    flood.hub = green_hub_current();
    for (int i = 0; i < SENDERS; i++)
        posts[i] = numbered_posts(i);
    for (int i = 0; i < SENDERS; i++)
        os_thread_start(&senders[i], post_many, posts[i]);
    UNTIL(flood.run == SENDERS * POSTS);
    for (int i = 0; i < SENDERS; i++) {
        CHECK(os_thread_finish(&senders[i]), ==, 0);
        CHECK(flood.last[i], ==, POSTS);
        free(posts[i]);
    }
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.posts, ==, SENDERS * POSTS);
    CHECK(now.wakes, ==, wake_ups(flood.hub)); /* one for each wait of the hub that a post ended */
}

TEST(runs, "a hub that runs is not woken") {
    struct os_thread sender;
    flood.hub = green_hub_current();
    CHECK(green_yield(), ==, 0);
    struct numbered *posts = numbered_posts(0);
    uint64_t before = wakes_counted();
    os_thread_start(&sender, post_many, posts);
    CHECK(pthread_join(sender.id, NULL), ==, 0); /* does not let the event loop run */
    CHECK(flood.run, ==, 0);
    CHECK(wakes_counted(), ==, before);
    CHECK(wake_ups(flood.hub), ==, before);
    while (flood.run < POSTS)
        CHECK(green_yield(), ==, 0);
    CHECK(wakes_counted(), ==, before);
    CHECK(wake_ups(flood.hub), ==, before);
    free(posts);
}

/* Posts once the hub waits in the kernel: its inbox then has a state instead of a post. */
static int post_to_sleeper(void *post) {
    while (!__atomic_load_n(&flood.hub->inbox.newest, __ATOMIC_RELAXED))
        sched_yield();
    CHECK(green_hub_post(flood.hub, post), ==, 0);
    return 0;
}

struct killing {
    green_post post;
    green_thread *sleeper;
};

static void kill_sleeper(green_post *post, int error) {
    CHECK(error, ==, 0);
    CHECK(green_thread_kill(((struct killing *)post)->sleeper), ==, 0);
}

TEST(sleeps, "a hub that waits is woken once by the first post") {
    struct killing killing = {.post.run = kill_sleeper};
    struct os_thread sender;
    flood.hub = green_hub_current();
    killing.sleeper = start(nap, NULL);
    CHECK(green_yield(), ==, 0);
    uint64_t before = wakes_counted();
    os_thread_start(&sender, post_to_sleeper, &killing);
    CHECK(finish(killing.sleeper), ==, -ECANCELED);
    CHECK(pthread_join(sender.id, NULL), ==, 0);
    CHECK(wakes_counted(), ==, before + 1);
    CHECK(wake_ups(flood.hub), ==, before + 1);
}

/* Fairness ------------------------------------------------------------------ */

static struct {
    green_hub *hub;
    bool stop;    /* atomic */
    uint64_t run; /* posts */
    int reposts;  /* posts that post themselves again and are not done */
} storm;

struct pending {
    green_post post;
    bool is_pending; /* atomic */
};

static void run_pending(green_post *post, int error) {
    struct pending *pending = (struct pending *)post;
    CHECK(error, ==, 0);
    storm.run++;
    __atomic_store_n(&pending->is_pending, false, __ATOMIC_RELEASE);
}

static int keep_posting(void *argument) {
    enum { COUNT = 10000 };
    struct pending *posts = calloc(COUNT, sizeof *posts);
    (void)argument;
    CHECK(posts != NULL);
    while (!__atomic_load_n(&storm.stop, __ATOMIC_RELAXED))
        for (int i = 0; i < COUNT; i++) {
            if (__atomic_exchange_n(&posts[i].is_pending, true, __ATOMIC_ACQUIRE))
                continue;
            posts[i].post.run = run_pending;
            CHECK(green_hub_post(storm.hub, &posts[i].post), ==, 0);
        }
    for (int i = 0; i < COUNT; i++)
        while (__atomic_load_n(&posts[i].is_pending, __ATOMIC_ACQUIRE))
            sched_yield();
    free(posts);
    return 0;
}

static void post_again(green_post *post, int error) {
    CHECK(error, ==, 0);
    storm.run++;
    if (storm.stop)
        storm.reposts--;
    else
        CHECK(green_hub_post(storm.hub, post), ==, 0);
}

static int answer(void *argument) {
    struct pair *pair = argument;
    for (int i = 0; i < 50; i++) {
        expect_text(pair->far, "ping");
        send_text(pair->far, "pong");
    }
    return 0;
}

TEST(fair, "a flood of posts starves neither ready threads nor timers nor I/O") {
    enum { FLOODERS = 2, REPOSTS = 3000 };
    static green_post reposts[REPOSTS];
    struct os_thread flooders[FLOODERS];
    struct pair pair = connected(UNIX_PAIR);
    storm.hub = green_hub_current();
    for (int i = 0; i < FLOODERS; i++)
        os_thread_start(&flooders[i], keep_posting, NULL);
    for (int i = 0; i < REPOSTS; i++, storm.reposts++) {
        reposts[i].run = post_again;
        CHECK(green_hub_post(storm.hub, &reposts[i]), ==, 0);
    }
    green_thread *other = start(answer, &pair);
    for (int i = 0; i < 50; i++) {
        uint64_t before = storm.run;
        CHECK(green_yield(), ==, 0);
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        send_text(pair.near, "ping");
        expect_text(pair.near, "pong");
        UNTIL(storm.run > before); /* nor are the posts starved */
    }
    __atomic_store_n(&storm.stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < FLOODERS; i++)
        CHECK(os_thread_finish(&flooders[i]), ==, 0);
    UNTIL(storm.reposts == 0);
    CHECK(finish(other), ==, 0);
    release_pair(&pair);
}

/* What a post may do -------------------------------------------------------- */

static void block_in_post(green_post *post, int error) {
    (void)post;
    CHECK(error, ==, 0);
    CHECK(green_sleep(GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_yield(), ==, -EWOULDBLOCK);
    CHECK_CONTAINS(green_explain(-EWOULDBLOCK), "cannot block");
    static char letter = 's';
    green_thread_release(start(mark_it, &letter));
    mark('p');
}

TEST(must_not_block, "a post runs in a thread that must not block, and may spawn one that does") {
    green_post post = {.run = block_in_post};
    CHECK(green_hub_post(green_hub_current(), &post), ==, 0);
    CHECK_TEXT(marks(), ""); /* not in the context of the sender */
    UNTIL(strlen(marks()) == 2);
    CHECK_TEXT(marks(), "ps");
}

static green_post from_link, from_destructor;

static void mark_l(green_post *post, int error) {
    CHECK(post == &from_link);
    CHECK(error, ==, 0);
    mark('l');
}

static void mark_d(green_post *post, int error) {
    CHECK(post == &from_destructor);
    CHECK(error, ==, 0);
    mark('d');
}

static void post_in_link(green_thread *thread, void *argument) {
    (void)thread, (void)argument;
    from_link.run = mark_l;
    CHECK(green_hub_post(green_hub_current(), &from_link), ==, 0);
}

static void post_in_destructor(void *value) {
    (void)value;
    from_destructor.run = mark_d;
    CHECK(green_hub_post(green_hub_current(), &from_destructor), ==, 0);
}

static int set_local(void *key) {
    CHECK(green_local_set(key, key), ==, 0);
    return 0;
}

TEST(from_links, "links and destructors may post") {
    green_local *key;
    CHECK(green_local_make(&key, post_in_destructor), ==, 0);
    green_thread *thread = start(set_local, key);
    CHECK(green_thread_link(thread, NULL, post_in_link, NULL), ==, 0);
    CHECK(finish(thread), ==, 0);
    UNTIL(strlen(marks()) == 2);
    CHECK(strchr(marks(), 'l') != NULL);
    CHECK(strchr(marks(), 'd') != NULL);
    green_local_free(key);
}

/* Hubs that end ------------------------------------------------------------- */

static void must_not_run(green_post *post, int error) {
    (void)post, (void)error;
    CHECK(!"a post that was refused does not run");
}

TEST(closed, "a post to a hub that has closed is -ESRCH, and does not run") {
    struct other_hub other;
    green_post post = {.run = must_not_run};
    other_hub_start(&other);
    other_hub_close(&other);
    CHECK(green_hub_post(other.hub, &post), ==, -ESRCH);
    CHECK_CONTAINS(green_explain(-ESRCH), "ended");
    other_hub_release(&other);
}

TEST(in_child, "in a forked child, a post to a hub of the parent is -EXDEV, and does not run") {
    green_hub *hub = green_hub_retain(green_hub_current());
    pid_t child = fork();
    if (child == 0) {
        green_post post = {.run = must_not_run};
        CHECK(green_hub_post(hub, &post), ==, -EXDEV);
        CHECK_CONTAINS(green_explain(-EXDEV), "fork");
        green_hub_release(hub);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    green_hub_release(hub);
}

static green_post before_close[100];
static int run_before_close;

static void count_run(green_post *post, int error) {
    (void)post;
    CHECK(error, ==, 0);
    run_before_close++;
}

TEST(close_runs_posts, "a close runs the posts that have arrived") {
    for (int i = 0; i < 100; i++) {
        before_close[i].run = count_run;
        CHECK(green_hub_post(green_hub_current(), &before_close[i]), ==, 0);
    }
    CHECK(green_hub_close(), ==, 0);
    CHECK(run_before_close, ==, 100);
}

/* Hubs that end as soon as a post has run, while its sender may still be about to wake the
 * hub. */

struct ending {
    green_post post;
    green_hub *hub; /* atomic */
    green_event *event;
};

static void end_hub(green_post *post, int error) {
    struct ending *ending = (struct ending *)post;
    CHECK(error, ==, 0);
    CHECK(green_event_send(ending->event, NULL), ==, 0);
}

static int run_ending(void *argument) {
    struct ending *ending = argument;
    CHECK(green_event_make(&ending->event), ==, 0);
    __atomic_store_n(&ending->hub, green_hub_current(), __ATOMIC_RELEASE);
    void *value;
    CHECK(green_event_wait(ending->event, &value, PATIENTLY(30 * GREEN_SECOND)), ==, 0);
    green_event_free(ending->event);
    return green_hub_close();
}

TEST(owed, "a close waits for a wake-up that a sender has not made yet") {
    for (int i = 0; i < SCALED(3000); i++) {
        struct ending ending = {.post.run = end_hub};
        struct os_thread os_thread;
        os_thread_start(&os_thread, run_ending, &ending);
        green_hub *hub;
        while (!(hub = __atomic_load_n(&ending.hub, __ATOMIC_ACQUIRE)))
            sched_yield();
        for (int spins = (int)random_below(2000); spins > 0; spins--)
            __asm__ volatile("" ::: "memory");
        CHECK(green_hub_post(hub, &ending.post), ==, 0); /* its thread waits for the post */
        CHECK(pthread_join(os_thread.id, NULL), ==, 0);
        CHECK(os_thread.result, ==, 0);
    }
}

static green_post left[3];
static int left_run; /* atomic */

static void run_left(green_post *post, int error) {
    CHECK(post == &left[__atomic_fetch_add(&left_run, 1, __ATOMIC_RELAXED)]);
    CHECK(error, ==, -ESRCH);
}

static bool lost_is_busy; /* atomic */

/* Ends the OS thread in a green thread, so that its hub runs nothing more. The posts arrive
 * before. */
static int end_os_thread(void *unused) {
    (void)unused;
    __atomic_store_n(&lost_is_busy, true, __ATOMIC_RELEASE);
    while (__atomic_load_n(&lost_is_busy, __ATOMIC_ACQUIRE))
        sched_yield();
    pthread_exit(NULL);
}

static int lose_hub(void *hub) {
    *(green_hub **)hub = green_hub_retain(green_hub_current());
    green_thread_release(start(end_os_thread, NULL));
    return nap(NULL);
}

static void post_to_lost_hub(void) {
    static green_hub *hub;
    struct os_thread os_thread;
    os_thread_start(&os_thread, lose_hub, &hub);
    while (!__atomic_load_n(&lost_is_busy, __ATOMIC_ACQUIRE))
        sched_yield();
    for (int i = 0; i < 3; i++) {
        left[i].run = run_left;
        CHECK(green_hub_post(hub, &left[i]), ==, 0);
    }
    __atomic_store_n(&lost_is_busy, false, __ATOMIC_RELEASE);
    CHECK(pthread_join(os_thread.id, NULL), ==, 0);
    CHECK(left_run, ==, 3);
    CHECK(green_hub_post(hub, &left[0]), ==, -ESRCH);
    green_hub_release(hub);
}

TEST(lost, "posts that are left when the OS thread of a hub ends are passed -ESRCH, in order") {
    static struct child child;
    if (SANITIZED)
        skip("the sanitizers do not follow pthread_exit() on the stack of a green thread");
    run_child(&child, post_to_lost_hub);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

/* The posts have arrived, and the thread that runs them comes after this one. */
static int end_before_posts(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++) {
        left[i].run = run_left;
        CHECK(green_hub_post(green_hub_current(), &left[i]), ==, 0);
    }
    green_statistics now;
    do {
        CHECK(green_yield(), ==, 0);
        CHECK(green_hub_statistics(&now), ==, 0);
    } while (now.posts < 3);
    pthread_exit(NULL);
}

static int lose_arrived(void *unused) {
    (void)unused;
    green_thread_release(start(end_before_posts, NULL));
    return nap(NULL);
}

static void lose_hub_with_arrived_posts(void) {
    struct os_thread os_thread;
    os_thread_start(&os_thread, lose_arrived, NULL);
    CHECK(pthread_join(os_thread.id, NULL), ==, 0);
    CHECK(left_run, ==, 3);
}

TEST(lost_arrived, "posts that have arrived when the OS thread of a hub ends are passed -ESRCH, in order") {
    static struct child child;
    needs_exit_of_os_thread();
    run_child(&child, lose_hub_with_arrived_posts);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

static pthread_key_t later;

static void close_lost(void *unused) {
    (void)unused;
    CHECK(green_hub_close(), ==, -EBUSY);
    __atomic_store_n(&left_run, 1, __ATOMIC_RELAXED);
}

static int leave_handle(void *value) {
    CHECK(green_yield(), ==, 0); /* makes the hub */
    CHECK(pthread_setspecific(later, value), ==, 0);
    start(give, value);
    let_run();
    return 0;
}

static void close_lost_hub(void) {
    static int value;
    struct os_thread os_thread;
    CHECK(green_yield(), ==, 0); /* makes the hub of this OS thread: the key of Green comes first */
    CHECK(pthread_key_create(&later, close_lost), ==, 0);
    os_thread_start(&os_thread, leave_handle, &value);
    CHECK(pthread_join(os_thread.id, NULL), ==, 0);
    CHECK(left_run, ==, 1);
}

TEST(close_lost, "a destructor of an OS thread cannot close the hub that the OS thread left in use") {
    static struct child child;
    run_child(&child, close_lost_hub);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}
