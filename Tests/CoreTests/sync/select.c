/* Select: the first of several cases. */
#include "calls.h"
#include "helpers.h"
#include "other_hub.h"

#include <poll.h>
#include <sys/eventfd.h>

/* A thread that selects among its own cases. */
struct selector {
    green_case cases[12];
    size_t count;
    int64_t timeout;
    green_thread *thread;
    ssize_t index;
};

static int select_once(void *argument) {
    struct selector *self = argument;
    self->index = green_select(self->cases, self->count, self->timeout);
    return self->index < 0 ? (int)self->index : self->cases[self->index].error;
}

static void begin(struct selector *self) {
    self->index = -1;
    self->thread = start(select_once, self);
    let_run();
}

/* Returns the index of the case that was served. */
static ssize_t end(struct selector *self) {
    finish(self->thread);
    return self->index;
}

static green_queue *words(int64_t capacity) {
    green_queue *queue = NULL;
    CHECK(green_queue_make(&queue, &(green_queue_options){.element_size = sizeof(int), .capacity = capacity}), ==, 0);
    return queue;
}

static green_channel *channel_of_words(int64_t capacity) {
    green_channel *channel = NULL;
    CHECK(green_channel_make(&channel, &(green_channel_options){.element_size = sizeof(int), .capacity = capacity}), ==,
          0);
    return channel;
}

static green_event *new_event(void) {
    green_event *event = NULL;
    CHECK(green_event_make(&event), ==, 0);
    return event;
}

static green_semaphore *new_semaphore(int64_t permits) {
    green_semaphore *semaphore = NULL;
    CHECK(green_semaphore_make(&semaphore, permits, -1), ==, 0);
    return semaphore;
}

/* Objects of each kind, and a select among all of them. */
enum { GET, PUT, EVENT, ACQUIRE, RECEIVE, SEND, THREAD, FD, KINDS };

static struct {
    green_queue *empty, *full;
    green_event *event;
    green_semaphore *semaphore;
    green_channel *from, *to;
    struct door door;
    green_thread *thread;
    int fd;
    int got, put, received, sent;
} all;

static int wait_for_door(void *argument) {
    int error = wait_at(argument);
    return error < 0 ? error : 42;
}

static void all_make(void) {
    int word = 1;
    all.got = all.received = -1;
    all.put = 5;
    all.sent = 6;
    all.empty = words(1);
    all.full = words(1);
    CHECK(green_queue_put(all.full, &word, 0), ==, 0);
    all.event = new_event();
    all.semaphore = new_semaphore(0);
    all.from = channel_of_words(1);
    all.to = channel_of_words(1);
    CHECK(green_channel_send(all.to, &word, 0), ==, 0);
    all.door = (struct door){0};
    all.thread = start(wait_for_door, &all.door);
    all.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(all.fd, >=, 0);
}

static void all_cases(struct selector *selector) {
    *selector = (struct selector){.count = KINDS, .timeout = GREEN_FOREVER};
    selector->cases[GET] = green_case_get(all.empty, &all.got);
    selector->cases[PUT] = green_case_put(all.full, &all.put);
    selector->cases[EVENT] = green_case_event(all.event);
    selector->cases[ACQUIRE] = green_case_acquire(all.semaphore);
    selector->cases[RECEIVE] = green_case_receive(all.from, &all.received);
    selector->cases[SEND] = green_case_send(all.to, &all.sent);
    selector->cases[THREAD] = green_case_thread(all.thread);
    selector->cases[FD] = green_case_fd(all.fd, POLLIN);
}

/* Makes one of the kinds ready. */
static void make_ready(int kind) {
    int word = 7;
    uint64_t one = 1;
    switch (kind) {
    case GET:
        CHECK(green_queue_put(all.empty, &word, 0), ==, 0);
        break;
    case PUT:
        CHECK(green_queue_get(all.full, &word, 0), ==, 0);
        break;
    case EVENT:
        CHECK(green_event_send(all.event, &all), ==, 0);
        break;
    case ACQUIRE:
        CHECK(green_semaphore_release(all.semaphore), ==, 0);
        break;
    case RECEIVE:
        CHECK(green_channel_send(all.from, &word, 0), ==, 0);
        break;
    case SEND:
        CHECK(green_channel_receive(all.to, &word, 0), ==, 0);
        break;
    case THREAD:
        all.door.is_open = true;
        UNTIL(green_thread_is_finished(all.thread));
        break;
    case FD:
        CHECK(write(all.fd, &one, sizeof one), ==, sizeof one);
    }
}

/* Only the case of this kind has had an effect; -1: none. */
static void check_effects(const struct selector *selector, int kind) {
    CHECK(all.got, ==, kind == GET ? 7 : -1);
    CHECK(all.received, ==, kind == RECEIVE ? 7 : -1);
    CHECK(green_queue_count(all.empty), ==, 0);
    CHECK(green_queue_count(all.full), ==, 1);
    CHECK(green_channel_count(all.from), ==, 0);
    CHECK(green_channel_count(all.to), ==, 1);
    CHECK(green_semaphore_permits(all.semaphore), ==, 0);
    CHECK(green_queue_getting(all.empty) + green_queue_putting(all.full), ==, 0);
    CHECK(green_event_waiting(all.event), ==, 0);
    CHECK(green_semaphore_acquiring(all.semaphore), ==, 0);
    CHECK(green_channel_receiving(all.from) + green_channel_sending(all.to), ==, 0);
    if (kind == EVENT)
        CHECK(selector->cases[EVENT].value == &all);
    if (kind == THREAD)
        CHECK(selector->cases[THREAD].result, ==, 42);
    if (kind == FD)
        CHECK(selector->cases[FD].result, ==, POLLIN);
}

static void all_free(void) {
    all.door.is_open = true;
    finish(all.thread);
    green_queue_free(all.empty);
    green_queue_free(all.full);
    green_event_free(all.event);
    green_semaphore_free(all.semaphore);
    green_channel_release(all.from);
    green_channel_release(all.to);
    close(all.fd);
}

/* Serving ------------------------------------------------------------------ */

static void check_ready(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        struct selector selector;
        all_make();
        all_cases(&selector);
        make_ready(kind);
        CHECK(green_select(selector.cases, KINDS, 0), ==, kind);
        CHECK(selector.cases[kind].error, ==, 0);
        check_effects(&selector, kind);
        all_free();
    }
}

TEST(ready, "a case that is ready is served without a wait, and the others take nothing") {
    on_each_engine(check_ready);
}

static void check_served(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        struct selector selector;
        all_make();
        all_cases(&selector);
        begin(&selector);
        CHECK(green_event_waiting(all.event), ==, 1);
        make_ready(kind);
        CHECK(end(&selector), ==, kind);
        CHECK(selector.cases[kind].error, ==, 0);
        check_effects(&selector, kind);
        all_free();
    }
}

TEST(served, "a case that becomes ready during the wait is served, and the others leave nothing behind") {
    on_each_engine(check_served);
}

static void check_served_in_root(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        struct selector selector;
        all_make();
        all_cases(&selector);
        green_thread *helper = NULL;
        struct selector plain = {.count = 0, .timeout = 1};
        begin(&plain);
        CHECK(end(&plain), ==, -ETIMEDOUT);
        make_ready(kind);
        CHECK(green_select(selector.cases, KINDS, GREEN_FOREVER), ==, kind);
        green_thread_release(helper);
        check_effects(&selector, kind);
        all_free();
    }
}

TEST(in_root, "the context of an OS thread selects, too") {
    on_each_engine(check_served_in_root);
}

static int make_ready_later(void *kind) {
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    make_ready(*(int *)kind);
    return 0;
}

static void check_root_waits(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        struct selector selector;
        all_make();
        all_cases(&selector);
        green_thread *helper = start(make_ready_later, &kind);
        CHECK(green_select(selector.cases, KINDS, GREEN_FOREVER), ==, kind);
        finish(helper);
        check_effects(&selector, kind);
        all_free();
    }
}

TEST(root_waits, "the context of an OS thread waits for each kind of case") {
    on_each_engine(check_root_waits);
}

/* Ends --------------------------------------------------------------------- */

static void check_timed_out(void) {
    struct selector selector;
    all_make();
    all_cases(&selector);
    CHECK(green_select(selector.cases, KINDS, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "none of 8 cases was ready");
    CHECK(green_select(selector.cases, KINDS, 3 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "none of 8 cases was ready within 3 ms");
    selector.timeout = GREEN_MILLISECOND;
    begin(&selector);
    CHECK(end(&selector), ==, -ETIMEDOUT);
    check_effects(&selector, -1);
    all_free();
}

TEST(timed_out, "a select that times out takes nothing and leaves nothing behind") {
    on_each_engine(check_timed_out);
}

static void check_killed(void) {
    struct selector selector;
    all_make();
    all_cases(&selector);
    begin(&selector);
    CHECK(green_thread_kill(selector.thread), ==, 0);
    CHECK(end(&selector), ==, -ECANCELED);
    check_effects(&selector, -1);
    all_free();
}

TEST(killed, "a select that is killed takes nothing and leaves nothing behind") {
    on_each_engine(check_killed);
}

static int select_then_yield(void *argument) {
    struct selector *self = argument;
    self->index = green_select(self->cases, self->count, self->timeout);
    return green_yield();
}

static void check_late_kill(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        struct selector selector;
        all_make();
        all_cases(&selector);
        selector.thread = start(select_then_yield, &selector);
        let_run();
        make_ready(kind);
        if (kind == FD)
            UNTIL(green_event_waiting(all.event) == 0); /* its completion has ended the wait */
        CHECK(green_thread_kill(selector.thread), ==, 0);
        int pending = finish(selector.thread);
        CHECK(selector.index == kind || kind == FD);
        CHECK(pending == -ECANCELED || kind == FD || kind == THREAD);
        check_effects(&selector, kind);
        all_free();
    }
}

TEST(late_kill, "a case that was served before a kill reports its success, and the next call delivers the kill") {
    on_each_engine(check_late_kill);
}

TEST(pending, "a pending kill ends a select with ready cases, and nothing is taken") {
    struct selector selector = {.timeout = GREEN_FOREVER, .count = 1};
    green_queue *queue = words(1);
    int word = 3;
    CHECK(green_queue_put(queue, &word, 0), ==, 0);
    selector.cases[0] = green_case_get(queue, &word);
    selector.thread = start(select_once, &selector);
    CHECK(green_thread_kill(selector.thread), ==, 0);
    selector.index = -1;
    finish(selector.thread);
    CHECK(green_queue_count(queue), ==, 1);
    green_queue_free(queue);
}

/* Errors of cases ---------------------------------------------------------- */

TEST(closed, "a closed object serves its case with an error, at once and during the wait") {
    int word = 1;
    green_queue *queue = words(1), *open = words(1);
    green_channel *channel = channel_of_words(1);
    struct selector selector = {.timeout = GREEN_FOREVER, .count = 2};
    selector.cases[0] = green_case_get(open, &word);
    selector.cases[1] = green_case_get(queue, &word);
    begin(&selector);
    CHECK(green_queue_close(queue), ==, 0);
    CHECK(finish(selector.thread), ==, -EBADF);
    CHECK(selector.index, ==, 1);
    CHECK(green_select(selector.cases, 2, GREEN_FOREVER), ==, 1);
    CHECK(selector.cases[1].error, ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "cannot get: the queue was closed");
    selector.cases[1] = green_case_send(channel, &word);
    CHECK(green_channel_try_send(channel, &word), ==, 1);
    begin(&selector);
    CHECK(green_channel_close(channel), ==, 0);
    CHECK(finish(selector.thread), ==, -EBADF);
    CHECK(green_select(selector.cases, 2, 0), ==, 1);
    CHECK_CONTAINS(green_explain(-EBADF), "cannot send into a channel: it was closed");
    selector.cases[1] = green_case_receive(channel, &word);
    CHECK(green_select(selector.cases, 2, 0), ==, 1); /* the element that was sent before the close */
    CHECK(selector.cases[1].error, ==, 0);
    green_queue_free(queue);
    green_queue_free(open);
    green_channel_release(channel);
}

TEST(freed, "a freed object serves the cases that wait for it with an error") {
    for (int kind = 0; kind < 4; kind++) {
        int word = 0;
        green_queue *empty = words(0), *full = words(0);
        green_event *event = new_event();
        green_semaphore *semaphore = new_semaphore(0);
        struct selector selector = {.timeout = GREEN_FOREVER, .count = 4};
        selector.cases[0] = green_case_get(empty, &word);
        selector.cases[1] = green_case_put(full, &word);
        selector.cases[2] = green_case_event(event);
        selector.cases[3] = green_case_acquire(semaphore);
        begin(&selector);
        for (int i = 0; i < 4; i++)
            switch ((kind + i) % 4) { /* the first one ends the wait, and the others are no longer waited for */
            case 0:
                green_queue_free(empty);
                break;
            case 1:
                green_queue_free(full);
                break;
            case 2:
                green_event_free(event);
                break;
            default:
                green_semaphore_free(semaphore);
            }
        CHECK(finish(selector.thread), ==, -EBADF);
        CHECK(selector.index, ==, kind);
    }
}

TEST(failed_event, "an event that was sent an error serves its case with this error") {
    green_event *event = new_event();
    struct selector selector = {.timeout = GREEN_FOREVER, .count = 1};
    selector.cases[0] = green_case_event(event);
    begin(&selector);
    CHECK(green_event_fail(event, -EIO), ==, 0);
    CHECK(finish(selector.thread), ==, -EIO);
    CHECK(green_select(selector.cases, 1, 0), ==, 0);
    CHECK(selector.cases[0].error, ==, -EIO);
    green_event_free(event);
}

TEST(bad_descriptor, "a descriptor that is not open serves its case with -EBADF") {
    int fds[2];
    CHECK(green_yield(), ==, 0); /* the hub has its own descriptors by now */
    CHECK(pipe(fds), ==, 0);
    close(fds[0]);
    close(fds[1]);
    green_case cases[] = {green_case_fd(fds[0], POLLIN), green_case_after(3600 * GREEN_SECOND)};
    CHECK(green_select(cases, 2, GREEN_FOREVER), ==, 0);
    CHECK(cases[0].error, ==, -EBADF);
}

TEST(itself, "a thread that selects its own end gets -EDEADLK in the case") {
    green_case cases[] = {green_case_thread(green_current())};
    CHECK(green_select(cases, 1, GREEN_FOREVER), ==, 0);
    CHECK(cases[0].error, ==, -EDEADLK);
}

static green_queue *foreign;

static int make_foreign(void *unused) {
    (void)unused;
    foreign = words(1);
    return green_queue_try_get(foreign, &(int){0});
}

TEST(foreign, "an object of another OS thread serves its case with -EXDEV") {
    struct other_hub other;
    int word = 0;
    other_hub_start(&other);
    CHECK(on_hub(other.hub, make_foreign, NULL), ==, 0);
    green_queue *own = words(1);
    green_case cases[] = {green_case_get(own, &word), green_case_get(foreign, &word), green_case_put(foreign, &word)};
    CHECK(green_select(cases, 2, GREEN_FOREVER), ==, 1);
    CHECK(cases[1].error, ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "another OS thread");
    CHECK(green_select(cases + 2, 1, GREEN_FOREVER), ==, 0);
    CHECK(cases[2].error, ==, -EXDEV);
    green_queue_free(own);
    green_queue_free(foreign);
    other_hub_close(&other);
    other_hub_release(&other);
}

/* Bad input ---------------------------------------------------------------- */

TEST(no_case, "no case and no timeout is -EINVAL, also if all are absent; with a timeout it is a sleep") {
    green_case absent[] = {green_case_get(NULL, &(int){0}),
                           green_case_put(NULL, &(int){0}),
                           green_case_event(NULL),
                           green_case_acquire(NULL),
                           green_case_receive(NULL, &(int){0}),
                           green_case_send(NULL, &(int){0}),
                           green_case_thread(NULL),
                           green_case_fd(-1, POLLIN),
                           green_case_deadline(-1),
                           green_case_after(GREEN_FOREVER),
                           {0}};
    size_t count = sizeof absent / sizeof *absent;
    CHECK(green_select(absent, 0, GREEN_FOREVER), ==, -EINVAL);
    CHECK(green_select(absent, count, GREEN_FOREVER), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "no case is present, and there is no timeout");
    CHECK(green_select(absent, count, INT64_MIN), ==, -EINVAL);
    CHECK(green_select(absent, count, 0), ==, -ETIMEDOUT);
    CHECK(green_select(absent, 0, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_select(absent, count, GREEN_MILLISECOND), ==, -ETIMEDOUT);
}

static void select_in_link(green_thread *thread, void *argument) {
    (void)thread;
    struct selector *selector = argument;
    selector->index = green_select(selector->cases, selector->count, selector->timeout);
}

static ssize_t in_link(struct selector *selector) {
    green_thread *thread = start(nap, &(int64_t){1});
    CHECK(green_thread_link(thread, NULL, select_in_link, selector), ==, 0);
    finish(thread);
    return selector->index;
}

TEST(in_link, "a select in a link is served if a case is ready, and fails with -EWOULDBLOCK otherwise") {
    green_queue *queue = words(1);
    int word = 1;
    struct selector selector = {.timeout = GREEN_FOREVER, .count = 1};
    selector.cases[0] = green_case_get(queue, &word);
    CHECK(in_link(&selector), ==, -EWOULDBLOCK);
    CHECK(green_queue_getting(queue), ==, 0);
    CHECK(green_queue_put(queue, &word, 0), ==, 0);
    CHECK(in_link(&selector), ==, 0);
    green_queue_free(queue);
}

/* The same object several times -------------------------------------------- */

TEST(twice, "the same queue in several cases is served once") {
    green_queue *queue = words(1);
    int first = -1, second = -1;
    struct selector selector = {.timeout = GREEN_FOREVER, .count = 2};
    selector.cases[0] = green_case_get(queue, &first);
    selector.cases[1] = green_case_get(queue, &second);
    begin(&selector);
    CHECK(green_queue_getting(queue), ==, 2);
    int word = 4;
    CHECK(green_queue_put(queue, &word, 0), ==, 0);
    CHECK(green_queue_getting(queue), ==, 0);
    word = 5;
    CHECK(green_queue_put(queue, &word, 0), ==, 0); /* is stored */
    CHECK(end(&selector), ==, 0);
    CHECK(first, ==, 4);
    CHECK(second, ==, -1);
    CHECK(green_queue_count(queue), ==, 1);
    green_queue_free(queue);
}

static void check_not_itself(green_case get, green_case put, int *got) {
    struct selector one = {.timeout = GREEN_FOREVER, .count = 2}, two = one;
    one.cases[0] = get;
    one.cases[1] = put;
    two.cases[0] = get;
    two.cases[1] = put;
    begin(&one);
    CHECK(one.index, ==, -1); /* it does not meet itself */
    begin(&two);
    ssize_t index = end(&one);
    CHECK(end(&two), ==, 1 - index);
    CHECK(*got, ==, 9);
}

TEST(both_ends, "selects that put into and get from the same rendezvous meet each other, not themselves") {
    int got = -1, put = 9;
    green_queue *queue = words(0);
    green_channel *channel = channel_of_words(0);
    check_not_itself(green_case_get(queue, &got), green_case_put(queue, &put), &got);
    got = -1;
    check_not_itself(green_case_receive(channel, &got), green_case_send(channel, &put), &got);
    green_queue_free(queue);
    green_channel_release(channel);
}

TEST(event_twice, "an event that is sent serves each select once, and each thread once") {
    green_event *event = new_event();
    struct selector selectors[3];
    for (int i = 0; i < 3; i++) {
        selectors[i] = (struct selector){.timeout = GREEN_FOREVER, .count = 2};
        selectors[i].cases[0] = selectors[i].cases[1] = green_case_event(event);
        begin(&selectors[i]);
    }
    CHECK(green_event_send(event, NULL), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(end(&selectors[i]), ==, 0);
    green_event_free(event);
}

/* Order and fairness ------------------------------------------------------- */

TEST(in_line, "a case waits in line with plain calls") {
    green_queue *queue = words(1), *other = words(1);
    struct selector selectors[2];
    struct call calls[2];
    int words_got[2] = {-1, -1}, unused = -1;
    green_queue *elements_queue = element_queue(1, GREEN_FIFO);
    for (int i = 0; i < 2; i++) {
        selectors[i] = (struct selector){.timeout = GREEN_FOREVER, .count = 2};
        selectors[i].cases[0] = green_case_get(other, &unused);
        selectors[i].cases[1] = green_case_get(queue, &words_got[i]);
        begin(&selectors[i]);
        call_get(&calls[i], elements_queue);
    }
    for (int i = 0; i < 2; i++) {
        CHECK(green_queue_put(queue, &i, 0), ==, 0);
        CHECK(queue_put(elements_queue, i + 1), ==, 0);
    }
    for (int i = 0; i < 2; i++) {
        CHECK(end(&selectors[i]), ==, 1);
        CHECK(words_got[i], ==, i);
        CHECK(call_end(&calls[i]), ==, i + 1);
    }
    queue_release(elements_queue);
    green_queue_free(queue);
    green_queue_free(other);
}

TEST(fair, "all cases that are ready have their turns, in any number and place") {
    enum { COUNT = 5, ROUNDS = 4000 };
    green_semaphore *semaphores[COUNT];
    for (int i = 0; i < COUNT; i++)
        semaphores[i] = new_semaphore(i == 1 ? 0 : ROUNDS);
    green_case cases[COUNT];
    int served[COUNT] = {0};
    for (int i = 0; i < COUNT; i++)
        cases[i] = green_case_acquire(semaphores[i]);
    for (int i = 0; i < ROUNDS; i++)
        served[green_select(cases, COUNT, 0)]++;
    for (int i = 0; i < COUNT; i++) {
        if (i == 1)
            CHECK(served[i], ==, 0);
        else
            CHECK(served[i] > ROUNDS / 4 * 8 / 10 && served[i] < ROUNDS / 4 * 12 / 10);
        green_semaphore_free(semaphores[i]);
    }
}

/* Many cases --------------------------------------------------------------- */

enum { MANY = 300 };

TEST(many, "a select has any number of cases") {
    green_queue *queues[MANY];
    green_case cases[MANY];
    int word = -1;
    for (int i = 0; i < MANY; i++) {
        queues[i] = words(1);
        cases[i] = green_case_get(queues[i], &word);
    }
    CHECK(green_select(cases, MANY, 0), ==, -ETIMEDOUT);
    CHECK(green_select(cases, MANY, 1), ==, -ETIMEDOUT);
    for (int i = 0; i < MANY; i++) {
        CHECK(green_queue_getting(queues[i]), ==, 0);
        CHECK(green_queue_put(queues[i], &i, 0), ==, 0);
        CHECK(green_select(cases, MANY, GREEN_FOREVER), ==, i);
        CHECK(word, ==, i);
    }
    for (int i = 0; i < MANY; i++)
        green_queue_free(queues[i]);
}

/* Times -------------------------------------------------------------------- */

static void check_deadlines(void) {
    green_queue *queue = words(1);
    int word = 1;
    green_case cases[] = {green_case_get(queue, &word), green_case_after(GREEN_SECOND),
                          green_case_after(10 * GREEN_MILLISECOND), green_case_deadline(INT64_MAX)};
    int64_t before = green_now();
    CHECK(green_select(cases, 4, GREEN_FOREVER), ==, 2);
    CHECK(green_now() - before, >=, 10 * GREEN_MILLISECOND);
    CHECK(green_select(cases, 4, GREEN_FOREVER), ==, 2); /* the time does not move */
    cases[2] = green_case_after(GREEN_SECOND);
    CHECK(green_select(cases, 4, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_queue_put(queue, &word, 0), ==, 0);
    CHECK(green_select(cases, 4, GREEN_FOREVER), ==, 0);
    cases[3] = green_case_deadline(0);
    CHECK(green_select(cases, 4, GREEN_FOREVER), ==, 3);
    cases[3] = green_case_after(0);
    CHECK(green_select(cases, 4, 0), ==, 3);
    green_queue_free(queue);
}

TEST(deadlines, "the earliest deadline is served when it has passed, if no other case is ready") {
    in_virtual_time(check_deadlines);
    on_each_engine(check_deadlines);
}

/* Reports ------------------------------------------------------------------ */

TEST(deadlock, "a select that nothing can end is a deadlock, and the message says what it waits for") {
    green_queue *queue = words(0);
    green_semaphore *semaphore = new_semaphore(0);
    green_event *event = new_event();
    int word = 0;
    green_case cases[] = {green_case_get(queue, &word), green_case_event(event), green_case_acquire(semaphore)};
    capture_begin();
    ssize_t error = green_select(cases, 3, GREEN_FOREVER);
    const char *report = capture_end();
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(report, "waiting for the first of 3: getting from a queue of 0 out of 0, an event, acquiring a "
                           "semaphore (0 ahead)");
    CHECK_CONTAINS(green_explain(-EDEADLK), "waiting for the first of 3: getting from a queue of 0 out of 0, an event");
    CHECK(green_queue_getting(queue) + green_event_waiting(event) + green_semaphore_acquiring(semaphore), ==, 0);
    green_queue_free(queue);
    green_semaphore_free(semaphore);
    green_event_free(event);
}

/* Channels ----------------------------------------------------------------- */

TEST(released_channel, "a channel that is released while a select waits for it lives until the select ends") {
    green_channel *first = channel_of_words(1), *second = channel_of_words(1);
    int word = 5, got = -1;
    struct selector selector = {.timeout = GREEN_FOREVER, .count = 2};
    selector.cases[0] = green_case_receive(first, &got);
    selector.cases[1] = green_case_receive(second, &got);
    begin(&selector);
    CHECK(green_channel_send(first, &word, 0), ==, 0);
    green_channel_release(first);
    green_channel_release(second);
    CHECK(end(&selector), ==, 0);
    CHECK(got, ==, 5);
}

static struct { green_channel *first, *second; } lost;

static int select_on_lost_hub(void *unused) {
    (void)unused;
    int word;
    green_case cases[] = {green_case_receive(lost.first, &word), green_case_receive(lost.second, &word)};
    return (int)green_select(cases, 2, GREEN_FOREVER);
}

static void lose_hub(void) {
    struct other_hub other;
    other_hub_start(&other);
    lost.first = channel_of_words(0);
    lost.second = channel_of_words(0);
    green_remote_thread *threads[] = {spawn_on(other.hub, select_on_lost_hub, NULL),
                                      spawn_on(other.hub, select_on_lost_hub, NULL)};
    UNTIL(green_channel_receiving(lost.second) == 2);
    other_hub_lose(&other);
    CHECK(green_channel_receiving(lost.first) + green_channel_receiving(lost.second), ==, 0);
    CHECK(green_channel_try_send(lost.first, &(int){1}), ==, 0);
    for (int i = 0; i < 2; i++) {
        CHECK(green_remote_thread_wait(threads[i], NULL, GREEN_FOREVER), ==, -ESRCH);
        green_remote_thread_release(threads[i]);
    }
    other_hub_release(&other);
    green_channel_release(lost.first);
    green_channel_release(lost.second);
}

TEST(lost, "selects of a hub whose OS thread ends leave their channels") {
    static struct child child;
    run_child(&child, lose_hub);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}
