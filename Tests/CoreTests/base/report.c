/* Reports go to the program's handler, or to standard error. */
#include "other_hub.h"

#include "helpers.h"

#include <sys/wait.h>

static int failure = -EPROTO;

/* The last report that a handler got, and how many. */
static struct {
    green_report_level level;
    char text[4096], name[32], hub[32];
    uint64_t thread;
    int count; /* atomic */
} seen;

/* Hubs report for debugging why their engine or guard is not the first choice. The handlers of
 * tests ignore such reports, unless a test sends some itself. */
static bool sees_debug;

static bool is_ignored(const green_report *report) {
    return report->level == GREEN_REPORT_DEBUG && !sees_debug;
}

static void see(const green_report *report, void *context) {
    CHECK(context == &seen);
    if (is_ignored(report))
        return;
    seen.level = report->level;
    seen.thread = report->thread;
    snprintf(seen.text, sizeof seen.text, "%s", report->text);
    snprintf(seen.name, sizeof seen.name, "%s", report->name);
    snprintf(seen.hub, sizeof seen.hub, "%s", report->hub);
    __atomic_fetch_add(&seen.count, 1, __ATOMIC_ACQ_REL);
}

static int seen_count(void) {
    return __atomic_load_n(&seen.count, __ATOMIC_ACQUIRE);
}

static void handle_by(green_report_handler *handler) {
    CHECK(green_report_set_handler(handler, &seen, NULL), ==, 0);
}

static void unhandle(void) {
    CHECK(green_report_set_handler(NULL, NULL, NULL), ==, 0);
}

static void send_report(green_report_level level, const char *text) {
    green_report_send(&(green_report){.level = level, .text = text});
}

TEST(unwaited, "the handler gets an error that no thread waited for, with the thread and its hub") {
    CHECK(green_hub_open(&(green_hub_options){.name = "front"}), ==, 0);
    handle_by(see);
    capture_begin();
    green_thread *thread = start_named("careless", give, &failure);
    uint64_t id = green_thread_id(thread);
    CHECK(green_thread_hub(thread) == green_hub_current());
    let_run();
    CHECK(seen.count, ==, 0);
    green_thread_release(thread);
    CHECK_TEXT(capture_end(), "");
    CHECK(seen.count, ==, 1);
    CHECK(seen.level, ==, GREEN_REPORT_ERROR);
    CHECK(seen.thread, ==, id);
    CHECK_TEXT(seen.name, "careless");
    CHECK_TEXT(seen.hub, "front");
    CHECK_CONTAINS(seen.text, "'careless' ended with an error that no thread waited for: ");
    CHECK(strncmp(seen.text, "green: ", 7), !=, 0);
    CHECK(strchr(seen.text, '\n') == NULL);
    unhandle();
}

TEST(remote, "a report about a remote thread names the thread and its hub, not the caller") {
    struct other_hub other;
    other_hub_start(&other);
    handle_by(see);
    green_remote_thread *thread = spawn_on(other.hub, give, &failure);
    UNTIL(green_remote_thread_is_finished(thread));
    green_remote_thread_release(thread);
    UNTIL(seen_count() == 1);
    CHECK_CONTAINS(seen.text, "remote thread ");
    CHECK(seen.thread, !=, 0);
    CHECK(seen.thread, !=, green_thread_id(green_current()));
    CHECK_TEXT(seen.hub, green_hub_name(other.hub));
    unhandle();
    other_hub_close(&other);
    other_hub_release(&other);
}

static int send_one(void *unused) {
    (void)unused;
    send_report(GREEN_REPORT_WARNING, "from a thread");
    return 0;
}

TEST(caller, "a report about no thread names the caller") {
    handle_by(see);
    green_thread *thread = start_named("speaker", send_one, NULL);
    uint64_t id = green_thread_id(thread);
    CHECK(finish(thread), ==, 0);
    CHECK(seen.thread, ==, id);
    CHECK_TEXT(seen.name, "speaker");
    CHECK(seen.level, ==, GREEN_REPORT_WARNING);
    unhandle();
}

TEST(without_hub, "without a hub a report names no thread, and makes no hub") {
    green_statistics statistics;
    green_report here = {.thread = 7};
    handle_by(see);
    send_report(GREEN_REPORT_ERROR, "early");
    CHECK(seen.thread, ==, 0);
    CHECK_TEXT(seen.name, "");
    CHECK_TEXT(seen.hub, "");
    green_report_locate(&here);
    CHECK(here.thread, ==, 0);
    CHECK(green_hub_statistics(&statistics), ==, -ENOENT);
    unhandle();
}

TEST(standard_error, "without a handler standard error gets whole texts, and debug ones with GREEN_LOG=debug") {
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    text[100] = '\n';
    unsetenv("GREEN_LOG");
    capture_begin();
    send_report(GREEN_REPORT_ERROR, "short");
    send_report(GREEN_REPORT_DEBUG, "hidden");
    CHECK_TEXT(capture_end(), "green: short\n");
    setenv("GREEN_LOG", "debug", 1);
    capture_begin();
    send_report(GREEN_REPORT_DEBUG, "shown");
    CHECK_TEXT(capture_end(), "green: shown\n");
    capture_begin();
    send_report(GREEN_REPORT_ERROR, text);
    const char *found = capture_end();
    CHECK(strlen(found), ==, strlen(text) + strlen("green: \n"));
    CHECK(strncmp(found + strlen("green: "), text, strlen(text)), ==, 0);
}

TEST(debug, "the handler gets debug reports without GREEN_LOG") {
    unsetenv("GREEN_LOG");
    sees_debug = true;
    handle_by(see);
    send_report(GREEN_REPORT_DEBUG, "a reason");
    CHECK_TEXT(seen.text, "a reason");
    CHECK(seen.level, ==, GREEN_REPORT_DEBUG);
    unhandle();
}

TEST(no_room, "a report that needs room is dropped without a reader of standard error, but not handled ones") {
    int ends[2], former = dup(STDERR_FILENO);
    green_report report = {.level = GREEN_REPORT_WARNING, .text = "a client left", .if_room = true};
    CHECK(pipe(ends), ==, 0);
    CHECK(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    green_report_send(&report); /* SIGPIPE would end the process */
    handle_by(see);
    green_report_send(&report);
    CHECK(dup2(former, STDERR_FILENO), ==, STDERR_FILENO);
    close(former);
    CHECK(seen.count, ==, 1);
    unhandle();
}

static void see_and_report(const green_report *report, void *context) {
    see(report, context);
    send_report(GREEN_REPORT_ERROR, "from the handler");
    CHECK(green_report_set_handler(NULL, NULL, NULL), ==, -EDEADLK);
}

TEST(recursion, "a report that arises in the handler goes to standard error, and the handler stays") {
    handle_by(see_and_report);
    capture_begin();
    send_report(GREEN_REPORT_ERROR, "outer");
    CHECK_TEXT(capture_end(), "green: from the handler\n");
    CHECK_TEXT(seen.text, "outer");
    CHECK(seen.count, ==, 1);
    unhandle();
}

static void ignore_post(green_post *post, int error) {
    (void)post;
    (void)error;
}

static void see_and_close(const green_report *report, void *context) {
    static green_post post = {.run = ignore_post};
    see(report, context);
    CHECK(green_hub_post(green_hub_current(), &post), ==, 0); /* a close waits for it */
    CHECK(green_hub_close(), ==, -EWOULDBLOCK);
}

TEST(close, "a close of the hub fails in the handler, and does not wait") {
    CHECK(green_hub_current() != NULL);
    handle_by(see_and_close);
    send_report(GREEN_REPORT_ERROR, "outer");
    CHECK(seen.count, ==, 1);
    unhandle();
    CHECK(green_hub_close(), ==, 0);
}

static void see_and_block(const green_report *report, void *context) {
    see(report, context);
    CHECK(green_yield(), ==, -EWOULDBLOCK);
    CHECK(green_sleep(GREEN_SECOND), ==, -EWOULDBLOCK);
    errno = EIO;
}

TEST(blocking, "a blocking call in the handler fails with -EWOULDBLOCK, and afterwards the thread may block") {
    CHECK(green_yield(), ==, 0);
    handle_by(see_and_block);
    errno = 0;
    send_report(GREEN_REPORT_ERROR, "now");
    CHECK(errno, ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(green_detach(give, &failure), ==, 0);
    let_run();
    CHECK(seen.count, ==, 2);
    unhandle();
}

static int wait_for_nobody(void *event) {
    return green_event_wait(event, NULL, GREEN_FOREVER);
}

TEST(deadlock, "the handler gets the report of a deadlock, and the dump as a second report") {
    green_event *event;
    CHECK(green_event_make(&event), ==, 0);
    green_thread *thread = start_named("stuck", wait_for_nobody, event);
    handle_by(see);
    capture_begin();
    CHECK(green_thread_wait(thread, NULL, GREEN_FOREVER), ==, -EDEADLK);
    CHECK_TEXT(capture_end(), "");
    CHECK(seen.count, ==, 2);
    CHECK(seen.level, ==, GREEN_REPORT_ERROR);
    CHECK_CONTAINS(seen.text, "'stuck': parked");
    CHECK(seen.text[strlen(seen.text) - 1], !=, '\n');
    unhandle();
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    green_event_free(event);
}

static int hold_hub(void *unused) {
    (void)unused;
    while (seen_count() == 0)
        ;
    return 0;
}

TEST(hold, "the handler gets what the monitor reports, if the monitor has no function of its own") {
    handle_by(see);
    CHECK(green_monitor_start(&(green_monitor_options){.limit = 100 * GREEN_MILLISECOND}), ==, 0);
    CHECK(finish(start_named("greedy", hold_hub, NULL)), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
    CHECK(seen.level, ==, GREEN_REPORT_WARNING);
    CHECK_CONTAINS(seen.text, " has blocked its hub, of OS thread ");
    CHECK(strncmp(seen.text, "green: ", 7), !=, 0);
    CHECK(seen.text[strlen(seen.text) - 1], !=, '\n');
    unhandle();
}

TEST(forked, "a child of fork keeps the handler") {
    int status;
    handle_by(see);
    pid_t child = fork();
    if (child == 0) {
        send_report(GREEN_REPORT_ERROR, "in the child");
        if (green_report_set_handler(NULL, NULL, NULL) != 0)
            _exit(2);
        _exit(seen.count == 1 && strcmp(seen.text, "in the child") == 0 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    CHECK(seen.count, ==, 0);
    unhandle();
}

/* Replacing ----------------------------------------------------------------- */

struct gate {
    bool entered, open, discarded; /* atomic */
};

static void pass_gate(const green_report *report, void *context) {
    struct gate *gate = context;
    if (is_ignored(report))
        return;
    __atomic_store_n(&gate->entered, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&gate->open, __ATOMIC_ACQUIRE))
        ;
    CHECK(!gate->discarded);
}

static void discard_gate(void *context) {
    struct gate *gate = context;
    CHECK(!__atomic_exchange_n(&gate->discarded, true, __ATOMIC_ACQ_REL));
}

TEST(replaced_in_use, "a handler that is replaced is discarded when its last call has returned") {
    struct gate gate = {0};
    struct os_thread sender;
    CHECK(green_report_set_handler(pass_gate, &gate, discard_gate), ==, 0);
    os_thread_start(&sender, send_one, NULL);
    UNTIL(__atomic_load_n(&gate.entered, __ATOMIC_ACQUIRE));
    handle_by(see);
    CHECK(!__atomic_load_n(&gate.discarded, __ATOMIC_ACQUIRE));
    send_report(GREEN_REPORT_ERROR, "to the new one");
    CHECK(seen.count, ==, 1);
    __atomic_store_n(&gate.open, true, __ATOMIC_RELEASE);
    CHECK(os_thread_finish(&sender), ==, 0);
    CHECK(gate.discarded);
    unhandle();
}

struct counter {
    int reports, discards; /* atomic */
};

static void count_report(const green_report *report, void *context) {
    struct counter *counter = context;
    if (is_ignored(report))
        return;
    CHECK_TEXT(report->text, "again");
    CHECK(__atomic_load_n(&counter->discards, __ATOMIC_ACQUIRE), ==, 0);
    __atomic_fetch_add(&counter->reports, 1, __ATOMIC_ACQ_REL);
}

static void count_discard(void *context) {
    __atomic_fetch_add(&((struct counter *)context)->discards, 1, __ATOMIC_ACQ_REL);
}

enum { SENDERS = 3, SENT = 2000, HANDLERS = 500 };

static int send_many(void *unused) {
    (void)unused;
    for (int i = 0; i < SENT; i++)
        send_report(GREEN_REPORT_ERROR, "again");
    return 0;
}

TEST(replaced_often, "reports of OS threads are not lost while handlers are replaced, each discarded once") {
    static struct counter counters[HANDLERS];
    struct os_thread senders[SENDERS];
    int reports = 0;
    CHECK(green_report_set_handler(count_report, &counters[0], count_discard), ==, 0);
    for (int i = 0; i < SENDERS; i++)
        os_thread_start(&senders[i], send_many, NULL);
    for (int i = 1; i < HANDLERS; i++)
        CHECK(green_report_set_handler(count_report, &counters[i], count_discard), ==, 0);
    for (int i = 0; i < SENDERS; i++)
        CHECK(os_thread_finish(&senders[i]), ==, 0);
    unhandle();
    for (int i = 0; i < HANDLERS; i++) {
        CHECK(counters[i].discards, ==, 1);
        reports += counters[i].reports;
    }
    CHECK(reports, ==, SENDERS * SENT);
}
