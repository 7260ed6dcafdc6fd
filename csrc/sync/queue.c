/* Queues: what stands between put and get. Where the elements lie is segmented_buffer.h's
 * and heap.h's business. */
#include "heap.h"
#include "hub_affinity.h"

#include <green/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct green_queue {
    green_hub *home;
    size_t count; /* elements stored */
    size_t limit; /* of those: no put that has to wait is served above it; 0 when closed */
    green_wait_list getters, putters, joiners;
    uint64_t unfinished;
    green_segmented_buffer store;
    green_heap heap;
    green_queue_options options;
    bool closed;
    void *scratch; /* one more slot, of a LIFO queue: see take_and_refill() */
};

/* A thread that waits to get or to put, and where its element is or goes. */
struct turn {
    green_wait wait;
    const green_queue *queue;
    void *element;
};

/* Making and freeing ------------------------------------------------------- */

static size_t limit_of(int64_t capacity) {
    return capacity < 0 ? SIZE_MAX : (size_t)capacity;
}

static void set_limit(green_queue *queue) {
    queue->limit = queue->closed ? 0 : limit_of(queue->options.capacity);
    green__segmented_buffer_expect(&queue->store, queue->options.capacity < 0 ? 0 : (size_t)queue->options.capacity);
}

static int check_options(const green_queue_options *options) {
    if (options->capacity < GREEN_UNBOUNDED)
        return green__fail(-EINVAL, "green_queue_make: a capacity of %ld; use GREEN_UNBOUNDED for one without limit",
                           options->capacity);
    if (options->alignment & (options->alignment - 1))
        return green__fail(-EINVAL, "green_queue_make: an alignment of %zu, which is no power of two",
                           options->alignment);
    if (options->element_size > SIZE_MAX / 16 || options->alignment > SIZE_MAX / 16)
        return green__fail(-EINVAL, "green_queue_make: elements of %zu bytes", options->element_size);
    if (options->order == GREEN_PRIORITY && !options->precedes)
        return green__fail(-EINVAL, "green_queue_make: a priority queue needs to know which element precedes which");
    return 0;
}

int green_queue_make(green_queue **made, const green_queue_options *options) {
    int error = check_options(options);
    if (error < 0)
        return error;
    green_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return green__fail(-ENOMEM, "green_queue_make");
    size_t alignment = options->alignment ? options->alignment : _Alignof(max_align_t);
    queue->options = *options;
    queue->heap.precedes = options->precedes;
    queue->heap.context = options->context;
    green__segmented_buffer_init(&queue->store, options->element_size, alignment);
    if (options->order == GREEN_LIFO) {
        queue->scratch = aligned_alloc(queue->store.alignment, queue->store.stride);
        if (!queue->scratch) {
            free(queue);
            return green__fail(-ENOMEM, "green_queue_make");
        }
    }
    green__wait_list_init(&queue->getters);
    green__wait_list_init(&queue->putters);
    green__wait_list_init(&queue->joiners);
    set_limit(queue);
    *made = queue;
    return 0;
}

/* Elements ----------------------------------------------------------------- */

static inline void move(const green_queue *queue, void *to, void *from) {
    if (queue->options.move)
        queue->options.move(to, from, queue->options.context);
    else if (queue->options.element_size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t)); /* in line, unlike the next */
    else
        memcpy(to, from, queue->options.element_size);
}

static inline void *take(green_queue *queue) {
    queue->count--;
    if (GREEN_LIKELY(queue->options.order == GREEN_FIFO))
        return green__segmented_buffer_pop_front(&queue->store);
    if (queue->options.order == GREEN_LIFO)
        return green__segmented_buffer_pop_back(&queue->store);
    void *slot = green__heap_pop(&queue->heap);
    if (queue->count == 0 && green__wait_list_is_empty(&queue->putters))
        green__heap_shrink(&queue->heap, &queue->store);
    return slot;
}

/* Stores an element by moving it. False: no memory. */
static bool store(green_queue *queue, void *element) {
    bool ordered = queue->options.order == GREEN_PRIORITY;
    void *slot =
        ordered ? green__heap_reserve(&queue->heap, &queue->store) : green__segmented_buffer_push_back(&queue->store);
    if (!slot)
        return false;
    move(queue, slot, element);
    if (ordered)
        green__heap_push(&queue->heap, slot);
    queue->count++;
    queue->unfinished++;
    return true;
}

/* Takes the first off a list and lets it go on. Its call succeeds. */
static inline void *serve(green_wait_list *list) {
    struct turn *turn = GREEN_CONTAINER(green__wait_list_take(list), struct turn, wait);
    green__ready(turn->wait.thread);
    return turn->element;
}

/* Lets in as many as there is room for. */
static void admit(green_queue *queue) {
    while (queue->count < queue->limit && !green__wait_list_is_empty(&queue->putters)) {
        green_wait *first = GREEN_CONTAINER(queue->putters.next, green_wait, link);
        if (!store(queue, GREEN_CONTAINER(first, struct turn, wait)->element)) {
            green__wait_end(first, -ENOMEM);
            continue;
        }
        serve(&queue->putters);
    }
}

/* The next element of a queue in which somebody waits to put. The one that comes
 * in must not come in where the one that goes out still is. */
static __attribute__((noinline)) void *take_and_refill(green_queue *queue) {
    void *slot = take(queue);
    if (queue->scratch) {
        move(queue, queue->scratch, slot);
        slot = queue->scratch;
    }
    admit(queue);
    return slot;
}

/* The element that a get takes, or NULL when it would have to wait. */
static inline void *get_now(green_queue *queue) {
    if (GREEN_LIKELY(queue->count > 0))
        return GREEN_LIKELY(green__wait_list_is_empty(&queue->putters)) ? take(queue) : take_and_refill(queue);
    if (green__wait_list_is_empty(&queue->putters))
        return NULL;
    queue->unfinished++;
    return serve(&queue->putters);
}

/* The memory of a thread that waits for an element, or NULL. */
static inline void *getter_now(green_queue *queue) {
    if (green__wait_list_is_empty(&queue->getters))
        return NULL;
    queue->unfinished++;
    return serve(&queue->getters);
}

/* 1: the element has been moved. 0: it would have to wait. -ENOMEM. */
static int put_now(green_queue *queue, void *element) {
    void *waiting = getter_now(queue);
    if (waiting) {
        move(queue, waiting, element);
        return 1;
    }
    if (queue->count >= queue->limit)
        return 0;
    if (!store(queue, element))
        return green__fail(-ENOMEM, "putting into a queue that holds %zu elements", queue->count);
    return 1;
}

/* Slots -------------------------------------------------------------------- */

/* Whether a call may go straight to its element. */
static inline bool is_fast_path(const green_queue *queue) {
    const green_hub *hub = green__hub;
    return GREEN_LIKELY(hub && queue->home == hub && !hub->current->interrupts);
}

static inline void *put_slot(green_queue *queue) {
    if (!is_fast_path(queue))
        return NULL;
    void *waiting = getter_now(queue);
    if (waiting)
        return waiting;
    /* A priority queue has to see the element before it knows its place. */
    if (queue->count >= queue->limit || GREEN_UNLIKELY(queue->options.order == GREEN_PRIORITY))
        return NULL;
    void *slot = green__segmented_buffer_push_back(&queue->store);
    if (GREEN_LIKELY(slot)) {
        queue->count++;
        queue->unfinished++;
    }
    return slot;
}

static inline void *get_slot(green_queue *queue) {
    return is_fast_path(queue) ? get_now(queue) : NULL;
}

void *green_queue_put_slot(green_queue *queue) {
    return put_slot(queue);
}

void *green_queue_get_slot(green_queue *queue) {
    return get_slot(queue);
}

/* Calls -------------------------------------------------------------------- */

static void describe(const char *doing, const green_wait *wait, char *text, size_t size) {
    const green_queue *queue = GREEN_CONTAINER(wait, const struct turn, wait)->queue;
    if (queue->options.capacity < 0)
        snprintf(text, size, "%s a queue of %zu", doing, queue->count);
    else
        snprintf(text, size, "%s a queue of %zu out of %ld", doing, queue->count, queue->options.capacity);
}

static void describe_get(const green_wait *wait, char *text, size_t size) {
    describe("getting from", wait, text, size);
}

static void describe_put(const green_wait *wait, char *text, size_t size) {
    describe("putting into", wait, text, size);
}

static void describe_join(const green_wait *wait, char *text, size_t size) {
    const green_queue *queue = GREEN_CONTAINER(wait, const struct turn, wait)->queue;
    snprintf(text, size, "joining a queue with %lu unfinished", queue->unfinished);
}

static const green_wait_kind getting = {green__wait_leave_list, describe_get};
static const green_wait_kind putting = {green__wait_leave_list, describe_put};
static const green_wait_kind joining = {green__wait_leave_list, describe_join};

/* A sentence for what ended a call. The queue may be gone by now. */
static int explain(int error, const char *doing) {
    switch (error) {
    case -ETIMEDOUT:
        return green__fail(error, "%s", doing);
    case -EBADF:
        return green__fail(error, "%s: the queue was closed", doing);
    case -ENOMEM:
        return green__fail(error, "%s: no memory for the element", doing);
    default:
        return error;
    }
}

/* Waits in the list for what doing says. */
static __attribute__((noinline)) int wait_in(green_queue *queue, green_wait_list *list, const green_wait_kind *kind,
                                             void *element, int64_t timeout, const char *doing) {
    green_hub *hub = queue->home;
    if (timeout == 0)
        return green__fail(-ETIMEDOUT, "%s", doing);
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    struct turn turn = {.queue = queue, .element = element};
    green__wait_init(hub, &turn.wait, kind);
    green__wait_list_append(list, &turn.wait);
    error = green__wait(hub, &turn.wait, timeout);
    return GREEN_LIKELY(error == 0) ? 0 : explain(error, doing);
}

/* Called at the start of each call that may block. */
static int enter(green_queue *queue) {
    int error = green__hub_affinity_check(&queue->home, "queue");
    return error < 0 ? error : green__check_interrupt(queue->home);
}

/* What a put comes to where the element has no slot at once. */
static __attribute__((noinline)) int put_slow(green_queue *queue, void *element, int64_t timeout) {
    int error = enter(queue);
    if (error < 0)
        return error;
    if (queue->closed)
        return explain(-EBADF, "putting");
    int done = put_now(queue, element);
    if (done != 0)
        return done < 0 ? done : 0;
    return wait_in(queue, &queue->putters, &putting, element, timeout, "putting into a full queue");
}

int green_queue_put(green_queue *queue, void *element, int64_t timeout) {
    void *slot = put_slot(queue);
    if (GREEN_UNLIKELY(!slot))
        return put_slow(queue, element, timeout);
    move(queue, slot, element);
    return 0;
}

static __attribute__((noinline)) int get_slow(green_queue *queue, void *element, int64_t timeout) {
    int error = enter(queue);
    if (error < 0)
        return error;
    void *slot = get_now(queue);
    if (slot) {
        move(queue, element, slot);
        return 0;
    }
    if (queue->closed)
        return explain(-EBADF, "getting");
    return wait_in(queue, &queue->getters, &getting, element, timeout, "getting from an empty queue");
}

int green_queue_get(green_queue *queue, void *element, int64_t timeout) {
    void *slot = get_slot(queue);
    if (GREEN_UNLIKELY(!slot))
        return get_slow(queue, element, timeout);
    move(queue, element, slot);
    return 0;
}

int green_queue_try_put(green_queue *queue, void *element) {
    int error = green__hub_affinity_check(&queue->home, "queue");
    if (error < 0)
        return error;
    return queue->closed ? explain(-EBADF, "putting") : put_now(queue, element);
}

int green_queue_try_get(green_queue *queue, void *element) {
    int error = green__hub_affinity_check(&queue->home, "queue");
    if (error < 0)
        return error;
    void *slot = get_now(queue);
    if (!slot)
        return queue->closed ? explain(-EBADF, "getting") : 0;
    move(queue, element, slot);
    return 1;
}

int green_queue_close(green_queue *queue) {
    int error = green__hub_affinity_check(&queue->home, "queue");
    if (error < 0 || queue->closed)
        return error;
    queue->closed = true;
    set_limit(queue);
    green__wait_list_end(&queue->getters, -EBADF);
    green__wait_list_end(&queue->putters, -EBADF);
    return 0;
}

int green_queue_resize(green_queue *queue, int64_t capacity) {
    int error = green__hub_affinity_check(&queue->home, "queue");
    if (error < 0)
        return error;
    if (capacity < GREEN_UNBOUNDED)
        return green__fail(-EINVAL, "resizing a queue to %ld; use GREEN_UNBOUNDED for one without limit", capacity);
    queue->options.capacity = capacity;
    set_limit(queue);
    admit(queue);
    return 0;
}

void green_queue_free(green_queue *queue) {
    if (!queue)
        return;
    green__wait_list_end(&queue->getters, -EBADF);
    green__wait_list_end(&queue->putters, -EBADF);
    green__wait_list_end(&queue->joiners, -EBADF);
    while (queue->count > 0) {
        void *slot = take(queue);
        if (queue->options.destroy)
            queue->options.destroy(slot, queue->options.context);
    }
    green__segmented_buffer_destroy(&queue->store);
    free(queue->heap.entries);
    free(queue->scratch);
    free(queue);
}

/* Work done ---------------------------------------------------------------- */

int green_queue_task_done(green_queue *queue) {
    int error = green__hub_affinity_check(&queue->home, "queue");
    if (error < 0)
        return error;
    if (queue->unfinished == 0)
        return green__fail(-EINVAL, "task_done: called more often than elements were put into the queue");
    if (--queue->unfinished == 0)
        while (!green__wait_list_is_empty(&queue->joiners))
            serve(&queue->joiners);
    return 0;
}

int green_queue_join(green_queue *queue, int64_t timeout) {
    int error = enter(queue);
    if (error < 0 || queue->unfinished == 0)
        return error;
    return wait_in(queue, &queue->joiners, &joining, NULL, timeout, "joining a queue with unfinished elements");
}

/* Questions ---------------------------------------------------------------- */

bool green_queue_is_closed(const green_queue *queue) {
    return queue->closed;
}

int64_t green_queue_capacity(const green_queue *queue) {
    return queue->options.capacity;
}

size_t green_queue_count(const green_queue *queue) {
    return queue->count;
}

size_t green_queue_getting(const green_queue *queue) {
    return green__wait_list_count(&queue->getters);
}

size_t green_queue_putting(const green_queue *queue) {
    return green__wait_list_count(&queue->putters);
}

bool green_queue_is_full(const green_queue *queue) {
    return queue->count >= limit_of(queue->options.capacity);
}

uint64_t green_queue_unfinished(const green_queue *queue) {
    return queue->unfinished;
}
