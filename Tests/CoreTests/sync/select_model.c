/* Every sequence of up to five steps on a queue or a channel whose threads select among it and other
 * objects, which are never ready: each select must behave like the plain call, and leave nothing
 * behind in the others. */
#include "explored_objects.h"

/* Objects that are never ready. All sequences use the same. */
static struct {
    green_queue *empty, *full;
    green_event *event;
    green_semaphore *semaphore;
    green_channel *channel; /* NULL: the select has only objects of the hub */
    bool mixes;             /* every other call is a plain one */
    unsigned calls;
} others;

static void others_make(bool has_channel, bool mixes) {
    others.empty = element_queue(0, GREEN_FIFO);
    others.full = element_queue(0, GREEN_FIFO);
    others.channel = has_channel ? element_channel(0) : NULL;
    others.mixes = mixes;
    CHECK(green_event_make(&others.event), ==, 0);
    CHECK(green_semaphore_make(&others.semaphore, 0, -1), ==, 0);
}

static void others_free(void) {
    green_queue_free(others.empty);
    green_queue_free(others.full);
    green_event_free(others.event);
    green_semaphore_free(others.semaphore);
    green_channel_release(others.channel);
}

/* Threads that were served have left the lists of the hub's objects, even before they run. That of
 * the channel they leave when they run. */
static void others_check(const struct model *model) {
    size_t waiting = (size_t)(model_waiting(model, false) + model_waiting(model, true));
    if (!others.mixes) {
        CHECK(green_queue_getting(others.empty), ==, waiting);
        CHECK(green_queue_putting(others.full), ==, waiting);
        CHECK(green_event_waiting(others.event), ==, waiting);
        CHECK(green_semaphore_acquiring(others.semaphore), ==, waiting);
    }
    CHECK(green_queue_getting(others.empty), <=, waiting);
    if (others.channel && !model->without_yields && !others.mixes)
        CHECK(green_channel_receiving(others.channel), ==, waiting);
}

/* Makes the call of a case among the others, at a place that varies. */
static int among_others(green_case own, int64_t timeout) {
    struct element left = {.serial = -1}, right = {.serial = -1};
    green_case cases[] = {
        green_case_get(others.empty, &left),  green_case_put(others.full, &right),       green_case_event(others.event),
        green_case_acquire(others.semaphore), green_case_receive(others.channel, &left), green_case_thread(NULL),
    };
    ssize_t place = others.calls % 6, count = sizeof cases / sizeof *cases;
    green_case moved = cases[place];
    cases[place] = own;
    cases[count - 1] = place == count - 1 ? own : moved;
    ssize_t index = green_select(cases, (size_t)count, timeout);
    CHECK(left.serial == -1 && right.serial == -1);
    if (index < 0)
        return (int)index;
    CHECK(index, ==, place);
    return cases[index].error;
}

static bool is_plain(void) {
    return others.calls++ % 2 != 0 && others.mixes;
}

static int put_selecting(green_case (*make)(void *object, void *element), void *object, int key, int serial,
                         int64_t timeout) {
    struct element element;
    element_make(&element, key, serial);
    int error = among_others(make(object, &element), timeout);
    if (error == 0)
        CHECK(element.self == NULL);
    else
        element_take(&element);
    return error;
}

static int get_selecting(green_case (*make)(void *object, void *element), void *object, int64_t timeout) {
    struct element element = {NULL, -1, -1};
    int error = among_others(make(object, &element), timeout);
    CHECK(element.serial >= 0, ==, error == 0);
    return error < 0 ? error : element_take(&element);
}

/* A queue ------------------------------------------------------------------ */

static green_case case_get(void *queue, void *element) {
    return green_case_get(queue, element);
}

static green_case case_put(void *queue, void *element) {
    return green_case_put(queue, element);
}

static int put(void *queue, int key, int serial, int64_t timeout) {
    return is_plain() ? queue_put(queue, key, serial, timeout) : put_selecting(case_put, queue, key, serial, timeout);
}

static int get(void *queue, int64_t timeout) {
    return is_plain() ? queue_get(queue, timeout) : get_selecting(case_get, queue, timeout);
}

static void compare_queue(const void *queue, const struct model *model) {
    queue_compare_waits(queue, model);
    others_check(model);
}

static const struct explored queues = {"queue",       queue_make,    put,          get,
                                       queue_try_put, queue_try_get, queue_resize, queue_close,
                                       compare_queue, queue_free,    true};

/* A channel ---------------------------------------------------------------- */

static green_case case_receive(void *channel, void *element) {
    return green_case_receive(channel, element);
}

static green_case case_send(void *channel, void *element) {
    return green_case_send(channel, element);
}

static int send_element(void *channel, int key, int serial, int64_t timeout) {
    return is_plain() ? channel_send(channel, key, serial, timeout)
                      : put_selecting(case_send, channel, key, serial, timeout);
}

static int receive_element(void *channel, int64_t timeout) {
    return is_plain() ? channel_receive(channel, timeout) : get_selecting(case_receive, channel, timeout);
}

static void compare_channel(const void *channel, const struct model *model) {
    channel_compare_waits(channel, model);
    others_check(model);
}

/* A select owns its channels until its thread has run. */
static void free_channel(void *channel) {
    CHECK(green_channel_close(channel), ==, 0);
    CHECK(green_yield(), ==, 0);
    green_channel_release(channel);
}

static const struct explored channels = {"channel",        channel_make,        send_element, receive_element,
                                         channel_try_send, channel_try_receive, NULL,         channel_close,
                                         compare_channel,  free_channel,        true};

/* Tests -------------------------------------------------------------------- */

static void explore_among(const struct explored *kind, green_queue_order order, int64_t capacity, bool has_channel,
                          bool mixes) {
    others_make(has_channel, mixes);
    explore_all(kind, order, capacity);
    others_free();
}

TEST(rendezvous, "selects on a rendezvous match the model of the plain calls in every sequence of steps") {
    explore_among(&queues, GREEN_FIFO, 0, false, false);
}

TEST(one, "selects on a queue of capacity 1 match the model in every sequence of steps") {
    explore_among(&queues, GREEN_FIFO, 1, false, false);
}

TEST(priority, "selects on a priority queue of capacity 1 match the model in every sequence of steps") {
    explore_among(&queues, GREEN_PRIORITY, 1, false, false);
}

TEST(mixed, "selects and plain calls on a queue of capacity 1 match the model in every sequence of steps") {
    explore_among(&queues, GREEN_FIFO, 1, false, true);
}

TEST(with_channel, "selects on a queue and on a channel of other OS threads match the model in every sequence") {
    explore_among(&queues, GREEN_FIFO, 1, true, false);
}

TEST(channel_rendezvous, "selects on a channel of capacity 0 match the model in every sequence of steps") {
    explore_among(&channels, GREEN_FIFO, 0, false, false);
}

TEST(channel_one, "selects on a channel of capacity 1 match the model in every sequence of steps") {
    explore_among(&channels, GREEN_FIFO, 1, false, false);
}

TEST(channel_mixed, "selects on two channels and plain calls match the model in every sequence of steps") {
    explore_among(&channels, GREEN_FIFO, 1, true, true);
}
