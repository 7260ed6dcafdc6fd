/* green_dump_all() and the statistics of other hubs. */
#include "../../../csrc/base/error.h"
#include "../../../csrc/core/hub_record.h"
#include "other_hub.h"
#include "sink.h"
#include "times.h"
#include "waiting.h"

#include <sys/wait.h>

/* Dumps ------------------------------------------------------------------------ */

static int dump_from_here(void *unused) {
    (void)unused;
    return green_dump_all(sink, GREEN_FOREVER);
}

static int close_own_hub(void *unused) {
    int held = dump_from_here(unused);
    CHECK(green_hub_close(), ==, -ENOENT); /* the call made no hub */
    return held;
}

static void check_dump(const struct waiting *waiting) {
    const char *text = taken(), *own = dump_of(text, gettid());
    CHECK_CONTAINS(own, "'dozing': parked, sleeping");
    for (int i = 0; i < 2; i++)
        CHECK_CONTAINS(dump_of(text, waiting[i].number), "'patient': parked, waiting for descriptor");
    CHECK_CONTAINS(dump_of(text, waiting[0].number), ", hub 'waiting', engine ");
    CHECK_CONTAINS(dump_of(text, waiting[0].number), "; inbox: ");
    CHECK(own < dump_of(text, waiting[0].number));
    CHECK(dump_of(text, waiting[0].number) < dump_of(text, waiting[1].number));
}

static void dump_everywhere(void) {
    struct waiting waiting[2];
    struct os_thread foreign;
    green_thread *sleeper = start_named("dozing", nap, NULL);
    let_run();
    for (int i = 0; i < 2; i++)
        begin_waiting(&waiting[i]);
    CHECK(green_dump_all(sink, GREEN_FOREVER), ==, 0);
    check_dump(waiting);
    os_thread_start(&foreign, close_own_hub, NULL);
    CHECK(os_thread_finish(&foreign), ==, 0);
    check_dump(waiting);
    for (int i = 0; i < 2; i++)
        end_waiting(&waiting[i]);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    CHECK(green_dump_all(sink, 0), ==, 0);
    const char *text = taken();
    CHECK(strchr(dump_of(text, gettid()), '\n')[1], ==, ' ');
    CHECK(strstr(text, "patient") == NULL);
}

TEST(dump_all, "a hub, or an OS thread without one, writes the dumps of all hubs, the oldest first") {
    open_sink();
    on_each_engine(dump_everywhere);
    close(sink);
}

static int dump_again(void *rounds) {
    for (int i = 0; i < *(int *)rounds; i++)
        CHECK(green_dump_all(sink, GREEN_FOREVER), ==, 0);
    return green_hub_close() == -ENOENT ? 0 : -EINVAL;
}

static int dump_on_hub(void *rounds) {
    CHECK(green_yield(), ==, 0);
    for (int i = 0; i < *(int *)rounds; i++)
        CHECK(green_dump_all(sink, GREEN_FOREVER), ==, 0);
    return green_hub_close();
}

TEST(each_other, "hubs that dump all hubs at the same time answer each other while they wait") {
    struct os_thread threads[3];
    int rounds = 100;
    open_sink();
    for (int i = 0; i < 3; i++)
        os_thread_start(&threads[i], i < 2 ? dump_on_hub : dump_again, &rounds);
    for (int i = 0; i < rounds; i++)
        CHECK(green_dump_all(sink, GREEN_FOREVER), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(os_thread_finish(&threads[i]), ==, 0);
    close(sink);
}

/* Held hubs -------------------------------------------------------------------- */

static void dump_held(void) {
    struct held held;
    struct waiting waiting;
    char line[128];
    begin_held(&held);
    begin_waiting(&waiting);
    /* The other hub may be late, too. */
    CHECK(green_dump_all(sink, 20 * GREEN_MILLISECOND), >=, 1);
    const char *text = taken();
    snprintf(line, sizeof line, "green: hub 'held' of OS thread %d is held, and has not answered within 20 ms\n",
             held.number);
    CHECK_CONTAINS(text, line);
    dump_of(text, gettid());
    CHECK(green_dump_all(sink, 0), >=, 1);
    snprintf(line, sizeof line, "hub 'held' of OS thread %d is held, and has not answered within 0 ms\n", held.number);
    CHECK_CONTAINS(taken(), line);
    green_statistics statistics;
    CHECK(green_hub_statistics_of(held.hub, &statistics, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "hub 'held' of OS thread");
    CHECK(green_hub_statistics_all(&statistics, GREEN_MILLISECOND), >=, 1);
    end_held(&held); /* its late answers are discarded */
    CHECK(green_dump_all(sink, GREEN_FOREVER), ==, 0);
    CHECK_CONTAINS(dump_of(taken(), waiting.number), "'patient'");
    end_waiting(&waiting);
}

TEST(held, "a hub that a green thread blocks is named as held when time has run out") {
    open_sink();
    on_each_engine(dump_held);
    close(sink);
}

static struct held blocked;

static int statistics_of_blocked(int64_t timeout) {
    green_statistics statistics;
    return green_hub_statistics_of(blocked.hub, &statistics, timeout);
}

static int statistics_of_own(int64_t timeout) {
    green_statistics statistics;
    return green_hub_statistics_of(green_hub_current(), &statistics, timeout);
}

static int all_statistics_while_blocked(int64_t timeout) {
    green_statistics statistics;
    int held = green_hub_statistics_all(&statistics, timeout);
    return held > 0 ? green__fail_timed_out(timeout, "%d hubs are held", held) : held;
}

static int dump_all_while_blocked(int64_t timeout) {
    int held = green_dump_all(sink, timeout);
    return held > 0 ? green__fail_timed_out(timeout, "%d hubs are held", held) : held;
}

TEST(times, "the time to wait for hubs follows the rules of timeouts") {
    static const struct timed calls[] = {
        {.name = "green_hub_statistics_of", .ready = statistics_of_own, .never = statistics_of_blocked},
        {.name = "green_hub_statistics_all", .never = all_statistics_while_blocked},
        {.name = "green_dump_all", .never = dump_all_while_blocked},
        {0},
    };
    open_sink();
    begin_held(&blocked);
    check_times(calls);
    end_held(&blocked);
    close(sink);
}

static int in_link = 1;

static void dump_in_link(green_thread *thread, void *argument) {
    (void)thread, (void)argument;
    in_link = green_dump_all(sink, GREEN_FOREVER);
}

TEST(in_link, "a dump of all hubs in a link is -EWOULDBLOCK if another hub has to answer") {
    struct held held;
    green_link *link;
    int value = 0;
    open_sink();
    begin_held(&held);
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, &link, dump_in_link, NULL), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(in_link, ==, -EWOULDBLOCK);
    end_held(&held);
    close(sink);
}

/* Hubs that end ------------------------------------------------------------------ */

static atomic_bool waits_to_unregister, is_open, may_end;

struct green_hub_registration;
void __real_green__hub_unregister(struct green_hub_registration *registration);
void __wrap_green__hub_unregister(struct green_hub_registration *registration);

/* Called by an OS thread that ends with its hub in use, which has run its last posts and has
 * not closed its inbox. */
void __wrap_green__hub_unregister(struct green_hub_registration *registration) {
    if (atomic_exchange(&waits_to_unregister, false)) {
        atomic_store(&is_open, true);
        while (!atomic_load(&may_end))
            usleep(1000);
    }
    __real_green__hub_unregister(registration);
}

static int end_with_hub(void *unused) {
    start_named("left", nap, unused);
    atomic_store(&waits_to_unregister, true);
    return 0;
}

static int let_end(void *unused) {
    (void)unused;
    atomic_store(&may_end, true);
    return 0;
}

static void ask_hub_that_ends(void) {
    struct os_thread thread;
    open_sink();
    os_thread_start(&thread, end_with_hub, NULL);
    UNTIL(atomic_load(&is_open));
    green_thread *ending = start(let_end, NULL); /* runs when this thread waits for the answers */
    CHECK(green_dump_all(sink, GREEN_FOREVER), ==, 0);
    CHECK(strstr(taken(), "left") == NULL);
    CHECK(finish(ending), ==, 0);
    CHECK(os_thread_finish(&thread), ==, 0);
}

TEST(lost, "the OS thread of a hub may end before the hub has answered") {
    static struct child child;
    run_child(&child, ask_hub_that_ends);
    CHECK(child.status, ==, 0);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
}

/* The request has arrived, and the thread that answers it comes after this one. */
static int end_before_answer(void *unused) {
    (void)unused;
    while (green__hub->diagnostics.dumps == 0)
        CHECK(green_yield(), ==, 0);
    pthread_exit(NULL);
}

static void ask_hub_that_has_read(void) {
    struct other_hub other;
    green_remote_thread *thread = NULL;
    other_hub_start(&other);
    CHECK(green_hub_spawn(other.hub, &thread, NULL, end_before_answer, NULL), ==, 0);
    CHECK(green_dump_all(STDERR_FILENO, GREEN_FOREVER), ==, 0);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_FOREVER), ==, -ESRCH);
    green_remote_thread_release(thread);
    green_hub_release(other.hub);
}

TEST(lost_before_answer, "the OS thread of a hub may end after a question has arrived") {
    static struct child child;
    needs_exit_of_os_thread();
    run_child(&child, ask_hub_that_has_read);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

TEST(ended, "the statistics of a hub that has ended are -ESRCH, and of a parent's hub -EXDEV") {
    struct waiting waiting;
    green_statistics statistics;
    int status = -1;
    begin_waiting(&waiting);
    green_hub *hub = green_hub_retain(waiting.hub);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        open_sink();
        CHECK(green_hub_statistics_of(hub, &statistics, GREEN_FOREVER), ==, -EXDEV);
        CHECK_CONTAINS(green_explain(-EXDEV), "before the fork");
        CHECK(green_dump_all(sink, GREEN_FOREVER), ==, 0);
        CHECK_TEXT(taken(), "");
        CHECK(green_hub_statistics_all(&statistics, GREEN_FOREVER), ==, 0);
        CHECK(statistics.threads, ==, 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
    end_waiting(&waiting);
    CHECK(green_hub_statistics_of(hub, &statistics, GREEN_FOREVER), ==, -ESRCH);
    CHECK_CONTAINS(green_explain(-ESRCH), "has ended");
    green_hub_release(hub);
}

/* Statistics --------------------------------------------------------------------- */

static int add_up(void *argument) {
    return green_hub_statistics_all(argument, GREEN_FOREVER);
}

static void count_everywhere(void) {
    struct waiting waiting[2];
    struct os_thread foreign;
    green_statistics own, other, all;
    green_thread *sleeper = start_named("dozing", nap, NULL);
    let_run();
    for (int i = 0; i < 2; i++) {
        begin_waiting(&waiting[i]);
        CHECK(green_hub_statistics_of(waiting[i].hub, &other, GREEN_FOREVER), ==, 0);
        CHECK(other.threads, ==, 2);
        CHECK(other.parked, ==, 2);
        CHECK(other.ready, ==, 0);
        CHECK(other.posts, ==, 1);
        uint64_t switches = other.switches;
        CHECK(green_hub_statistics_of(waiting[i].hub, &other, GREEN_FOREVER), ==, 0);
        CHECK(other.posts, ==, 2);
        CHECK(other.switches, ==, switches);
    }
    CHECK(green_hub_statistics(&own), ==, 0);
    CHECK(green_hub_statistics_all(&all, GREEN_FOREVER), ==, 0);
    CHECK(all.threads, ==, own.threads + 2 * 2);
    CHECK(all.timers, ==, own.timers);
    CHECK(all.stacks, ==, own.stacks + 2 * other.stacks);
    CHECK(all.posts, ==, own.posts + 2 * 3);
    os_thread_start(&foreign, add_up, &all);
    CHECK(os_thread_finish(&foreign), ==, 0);
    CHECK(all.threads, ==, own.threads + 2 * 2);
    for (int i = 0; i < 2; i++)
        end_waiting(&waiting[i]);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
}

TEST(statistics, "any OS thread gets the statistics of another hub, and the sums of all hubs") {
    on_each_engine(count_everywhere);
}
