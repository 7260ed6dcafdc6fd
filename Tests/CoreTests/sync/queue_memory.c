/* The elements of a queue: their order, their size and alignment, when they are
 * moved and destroyed, and the memory that they use. */
#include "elements.h"
#include "helpers.h"

#include <sys/resource.h>

static const green_queue_order orders[] = {GREEN_FIFO, GREEN_LIFO, GREEN_PRIORITY};

static void put(green_queue *queue, int key, int serial) {
    CHECK(element_put(queue, key, serial, 0), ==, 0);
}

static int get(green_queue *queue) {
    return element_get(queue, 0);
}

static void free_empty(green_queue *queue) {
    CHECK(green_queue_count(queue), ==, 0);
    green_queue_free(queue);
    CHECK(elements.alive, ==, 0);
    CHECK(elements.destroyed, ==, 0);
}

/* Orders ------------------------------------------------------------------- */

TEST(fifo, "a FIFO queue returns the oldest element") {
    green_queue *queue = element_queue(GREEN_UNBOUNDED, GREEN_FIFO);
    for (int i = 1; i <= 5; i++)
        put(queue, 0, i);
    for (int i = 1; i <= 3; i++)
        CHECK(get(queue), ==, i);
    put(queue, 0, 6);
    for (int i = 4; i <= 6; i++)
        CHECK(get(queue), ==, i);
    free_empty(queue);
}

TEST(lifo, "a LIFO queue returns the newest element") {
    green_queue *queue = element_queue(GREEN_UNBOUNDED, GREEN_LIFO);
    for (int i = 1; i <= 5; i++)
        put(queue, 0, i);
    CHECK(get(queue), ==, 5);
    CHECK(get(queue), ==, 4);
    put(queue, 0, 6);
    CHECK(get(queue), ==, 6);
    for (int i = 3; i >= 1; i--)
        CHECK(get(queue), ==, i);
    free_empty(queue);
}

TEST(priority, "a priority queue returns the element that precedes all others") {
    static const int keys[] = {5, 1, 4, 9, 0, 7, 3};
    green_queue *queue = element_queue(GREEN_UNBOUNDED, GREEN_PRIORITY);
    for (int i = 0; i < 7; i++)
        put(queue, keys[i], keys[i] + 1);
    CHECK(get(queue), ==, 1);
    CHECK(get(queue), ==, 2);
    put(queue, 2, 3);
    static const int rest[] = {2, 3, 4, 5, 7, 9};
    for (int i = 0; i < 6; i++)
        CHECK(get(queue), ==, rest[i] + 1);
    free_empty(queue);
}

TEST(equal_priorities, "a priority queue returns equal elements in FIFO order, even among others") {
    green_queue *queue = element_queue(GREEN_UNBOUNDED, GREEN_PRIORITY);
    for (int i = 1; i <= 300; i++)
        put(queue, i % 3, i);
    for (int key = 0; key < 3; key++)
        for (int i = key ? key : 3; i <= 300; i += 3)
            CHECK(get(queue), ==, i);
    free_empty(queue);
}

/* The index of the next element, found by a search. */
static int next_of(const struct element *held, int count, green_queue_order order) {
    int next = order == GREEN_LIFO ? count - 1 : 0;
    for (int i = 1; i < count && order == GREEN_PRIORITY; i++)
        if (held[i].key < held[next].key)
            next = i;
    return next;
}

/* Random puts and gets that fill and empty the queue in waves, compared with an
 * array. */
static void mix(green_queue_order order) {
    enum { MOST = 700 };
    static struct element held[MOST];
    int count = 0, serial = 0;
    green_queue *queue = element_queue(GREEN_UNBOUNDED, order);
    for (int i = 0; i < SCALED(60000); i++) {
        uint32_t puts_of_ten = i / 1500 % 2 ? 3 : 7;
        if (count < MOST && random_below(10) < puts_of_ten) {
            held[count] = (struct element){NULL, (int)random_below(20), ++serial};
            put(queue, held[count].key, serial);
            count++;
        } else if (count > 0) {
            int next = next_of(held, count, order);
            CHECK(get(queue), ==, held[next].serial);
            memmove(&held[next], &held[next + 1], (size_t)(--count - next) * sizeof held[0]);
        }
        CHECK(green_queue_count(queue), ==, count);
    }
    CHECK(elements.alive, ==, count);
    elements.destroyed = 0;
    green_queue_free(queue);
    CHECK(elements.destroyed, ==, count);
    CHECK(elements.alive, ==, 0);
}

TEST(mixed, "puts and gets in any mixture keep the order, in every order") {
    for (int i = 0; i < 3; i++)
        mix(orders[i]);
}

/* The life of elements ----------------------------------------------------- */

enum { MANY = 100 * 1000 };

static int expected(green_queue_order order, int count, int index) {
    return order == GREEN_LIFO ? count - index : index + 1;
}

static void grow_and_drain(green_queue_order order) {
    green_queue *queue = element_queue(GREEN_UNBOUNDED, order);
    for (int round = 0; round < 2; round++) { /* the second reuses the slots of the first */
        for (int i = 0; i < MANY; i++)
            put(queue, i, i + 1);
        CHECK(elements.alive, ==, MANY);
        for (int i = 0; i < MANY; i++)
            CHECK(get(queue), ==, expected(order, MANY, i));
        CHECK(get(queue), ==, -ETIMEDOUT);
    }
    free_empty(queue);
}

TEST(growth, "a queue of 100 000 elements returns each once, in every order") {
    for (int i = 0; i < 3; i++)
        grow_and_drain(orders[i]);
}

static void free_full(green_queue_order order, int count, int taken) {
    elements = (struct element_tally){0};
    green_queue *queue = element_queue(GREEN_UNBOUNDED, order);
    for (int i = 0; i < count; i++)
        put(queue, count - i, i + 1);
    for (int i = 0; i < taken; i++)
        CHECK(get(queue), >, 0);
    CHECK(elements.alive, ==, count - taken);
    green_queue_free(queue);
    CHECK(elements.destroyed, ==, count - taken);
    CHECK(elements.alive, ==, 0);
}

TEST(destroyed, "elements left in a queue are destroyed with it, once each, in every order") {
    static const int counts[][2] = {{0, 0},    {1, 0},    {1, 1},      {7, 3},
                                    {1000, 1}, {MANY, 0}, {MANY, 999}, {MANY, MANY - 1}};
    for (int i = 0; i < 3; i++)
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++)
            free_full(orders[i], counts[j][0], counts[j][1]);
}

TEST(no_destroy, "a queue without move and destroy copies bytes and drops them") {
    green_queue *queue = NULL;
    green_queue_options options = {.element_size = sizeof(int), .capacity = GREEN_UNBOUNDED};
    CHECK(green_queue_make(&queue, &options), ==, 0);
    for (int i = 0; i < 100; i++)
        CHECK(green_queue_put(queue, &i, 0), ==, 0);
    int value = -1;
    CHECK(green_queue_get(queue, &value, 0), ==, 0);
    CHECK(value, ==, 0);
    green_queue_free(queue);
}

/* An element is moved directly to the memory of the waiting thread. */
static int get_one(void *queue) {
    return element_get(queue, GREEN_FOREVER);
}

static int put_one(void *queue) {
    return element_put(queue, 0, 1, GREEN_FOREVER);
}

TEST(moved_straight, "an element is moved once between a put and a waiting get") {
    for (int64_t capacity = GREEN_UNBOUNDED; capacity <= 1; capacity++) {
        green_queue *queue = element_queue(capacity, GREEN_FIFO);
        green_thread *getter = start(get_one, queue);
        let_run();
        elements.moved = 0;
        CHECK(element_put(queue, 0, 7, GREEN_FOREVER), ==, 0);
        CHECK(elements.moved, ==, 1);
        CHECK(finish(getter), ==, 7);
        CHECK(elements.moved, ==, 1);
        free_empty(queue);
    }
    green_queue *rendezvous = element_queue(0, GREEN_FIFO);
    green_thread *putter = start(put_one, rendezvous);
    let_run();
    elements.moved = 0;
    CHECK(element_get(rendezvous, GREEN_FOREVER), ==, 1);
    CHECK(finish(putter), ==, 0);
    CHECK(elements.moved, ==, 1);
    free_empty(rendezvous);
}

TEST(moved_twice, "a stored element is moved twice, in and out") {
    for (int i = 0; i < 3; i++) {
        green_queue *queue = element_queue(GREEN_UNBOUNDED, orders[i]);
        elements.moved = 0;
        for (int j = 0; j < 1000; j++)
            put(queue, j % 7, j + 1);
        for (int j = 0; j < 1000; j++)
            CHECK(get(queue), >, 0);
        CHECK(elements.moved, ==, 2000);
        free_empty(queue);
    }
}

/* Sizes and alignments ----------------------------------------------------- */

enum { LARGEST = 5000 };

struct shape {
    size_t size, alignment;
    green_queue_order order;
};

static void check_aligned(const void *element, const struct shape *shape) {
    size_t alignment = shape->alignment ? shape->alignment : _Alignof(max_align_t);
    CHECK((uintptr_t)element % alignment, ==, 0);
}

/* precedes and move see where the queue stores the elements. */
static bool never_first(const void *first, const void *second, void *context) {
    check_aligned(first, context);
    check_aligned(second, context);
    return false;
}

static void copy(void *to, void *from, void *context) {
    const struct shape *shape = context;
    check_aligned(to, shape);
    check_aligned(from, shape);
    memcpy(to, from, shape->size);
}

static green_queue *queue_of(struct shape *shape, bool moves) {
    green_queue *queue = NULL;
    green_queue_options options = {
        .element_size = shape->size,
        .alignment = shape->alignment,
        .capacity = GREEN_UNBOUNDED,
        .order = shape->order,
        .precedes = never_first,
        .move = moves ? copy : NULL,
        .context = shape,
    };
    CHECK(green_queue_make(&queue, &options), ==, 0);
    return queue;
}

/* The bytes around the element must not change. */
static void check_shape(struct shape *shape, bool moves) {
    static _Alignas(4096) unsigned char element[LARGEST + 64];
    green_queue *queue = queue_of(shape, moves);
    for (int i = 0; i < 50; i++) {
        pattern_fill(element, shape->size, (uint64_t)i * 77);
        CHECK(green_queue_put(queue, element, 0), ==, 0);
    }
    for (int i = 0; i < 50; i++) {
        memset(element, 0xa5, sizeof element);
        CHECK(green_queue_get(queue, element, 0), ==, 0);
        pattern_check(element, shape->size, (uint64_t)(shape->order == GREEN_LIFO ? 49 - i : i) * 77);
        for (size_t j = shape->size; j < shape->size + 64; j++)
            CHECK(element[j], ==, 0xa5);
    }
    CHECK(green_queue_try_get(queue, element), ==, 0);
    green_queue_free(queue);
}

TEST(shapes, "elements of any size and alignment come out unchanged") {
    static const size_t sizes[] = {0, 1, 3, 8, 24, 200, LARGEST};
    for (int order = 0; order < 3; order++)
        for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++)
            for (size_t alignment = 0; alignment <= 64; alignment = alignment ? alignment * 2 : 1) {
                struct shape shape = {sizes[size], alignment, orders[order]};
                check_shape(&shape, false);
                check_shape(&shape, true);
            }
}

TEST(page_aligned, "elements may be aligned to a page") {
    for (int order = 0; order < 3; order++) {
        struct shape shape = {24, 4096, orders[order]};
        check_shape(&shape, true);
    }
}

TEST(immeasurable, "an element size larger than any memory is an error, not a crash") {
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 8, SIZE_MAX - 100, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        green_queue *queue = NULL;
        green_queue_options options = {.element_size = sizes[i], .capacity = GREEN_UNBOUNDED};
        char byte = 0;
        int error = green_queue_make(&queue, &options);
        if (error == 0)
            error = green_queue_try_put(queue, &byte);
        CHECK(error == -ENOMEM || error == -EINVAL);
        green_queue_free(queue);
    }
}

/* Memory ------------------------------------------------------------------- */

struct large {
    int key;
    char rest[60];
};

static bool large_precedes(const void *first, const void *second, void *context) {
    (void)context;
    return ((const struct large *)first)->key < ((const struct large *)second)->key;
}

static green_queue *queue_of_large(green_queue_order order) {
    green_queue *queue = NULL;
    green_queue_options options = {
        .element_size = sizeof(struct large), .capacity = GREEN_UNBOUNDED, .order = order, .precedes = large_precedes};
    CHECK(green_queue_make(&queue, &options), ==, 0);
    return queue;
}

/* The queue still exists and may keep some spare memory. */
static void grow_to_a_million(green_queue_order order) {
    enum { COUNT = 1000 * 1000 };
    green_queue *queue = queue_of_large(order);
    struct large large = {0};
    size_t before = resident_bytes();
    for (int i = 0; i < COUNT; i++) {
        large.key = COUNT - i;
        CHECK(green_queue_put(queue, &large, 0), ==, 0);
    }
    CHECK(resident_bytes(), >, before + COUNT * sizeof large * 9 / 10);
    for (int i = 0; i < COUNT; i++)
        CHECK(green_queue_get(queue, &large, 0), ==, 0);
    CHECK(resident_bytes(), <, before + COUNT * sizeof large / 4);
    CHECK(green_queue_put(queue, &large, 0), ==, 0);
    CHECK(green_queue_get(queue, &large, 0), ==, 0);
    green_queue_free(queue);
}

static void without_sanitizer(void) {
    if (SANITIZED)
        skip("sanitizers keep what is freed");
}

TEST(memory_of_fifo, "a FIFO queue that grew to a million elements gives their memory back") {
    without_sanitizer();
    grow_to_a_million(GREEN_FIFO);
}

TEST(memory_of_lifo, "a LIFO queue that grew to a million elements gives their memory back") {
    without_sanitizer();
    grow_to_a_million(GREEN_LIFO);
}

TEST(memory_of_priority, "a priority queue that grew to a million elements gives their memory back") {
    without_sanitizer();
    grow_to_a_million(GREEN_PRIORITY);
}

/* A thousand elements at a time, a million in all. */
static void flow(green_queue_order order) {
    green_queue *queue = queue_of_large(order);
    struct large large = {0};
    size_t before = 0;
    for (int i = 0; i < 1000 * 1000; i++) {
        large.key = (int)random_below(1000);
        CHECK(green_queue_put(queue, &large, 0), ==, 0);
        if (i >= 1000)
            CHECK(green_queue_get(queue, &large, 0), ==, 0);
        if (i == 10000)
            before = resident_bytes();
    }
    CHECK(resident_bytes(), <, before + (1 << 20));
    green_queue_free(queue);
}

TEST(flat, "the memory of a queue that is never empty does not grow with the number of elements put") {
    without_sanitizer();
    for (int i = 0; i < 3; i++)
        flow(orders[i]);
}

static void put_without_memory(void) {
    enum { EACH = 1 << 20 };
    CHECK(green_yield(), ==, 0);
    static char element[EACH];
    rlim_t bytes = address_space_bytes() + (200 << 20);
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    CHECK(setrlimit(RLIMIT_AS, &limit), ==, 0);
    for (int i = 0; i < 3; i++) {
        struct shape shape = {.size = EACH, .order = orders[i]};
        green_queue *queue = queue_of(&shape, false);
        int error = 0, count = -1;
        for (; count < 1000 && error == 0; count++)
            error = green_queue_put(queue, element, 0);
        CHECK(error, ==, -ENOMEM);
        CHECK_CONTAINS(green_explain(error), "queue");
        CHECK(count, >, 50);
        CHECK(green_queue_count(queue), ==, count);
        CHECK(green_queue_unfinished(queue), ==, count);
        CHECK(green_queue_try_put(queue, element), ==, -ENOMEM);
        for (int j = 0; j < count; j++)
            CHECK(green_queue_get(queue, element, 0), ==, 0);
        CHECK(green_queue_put(queue, element, 0), ==, 0); /* there is memory again */
        green_queue_free(queue);
    }
}

TEST(no_memory, "a put without memory is -ENOMEM, and the queue keeps its elements") {
    needs_kernel();
    if (SANITIZED)
        skip("sanitizers need the address space");
    struct child child;
    run_child(&child, put_without_memory);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}
