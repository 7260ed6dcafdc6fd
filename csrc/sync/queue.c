/* Queues. segmented_buffer.h and heap.h store the elements; this file decides
 * which thread puts or gets, and when. */
#include "heap.h"
#include "hub_affinity.h"
#include "queue_case.h"

#include <green/queue.h>
#include <green/select.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct green_queue {
    green_queue_state state;
    green_wait_list getters, putters, joiners;
    uint64_t unfinished;
    green_segmented_buffer buffer;
    green_heap heap;
    green_queue_options options;
    bool closed;
    void *scratch; /* an extra slot of a LIFO queue: see take_and_refill() */
    green_foreign_release foreign_release;
};

/* A thread that waits to get or to put, and the memory of its element. */
struct queue_wait {
    green_wait wait;
    const green_queue *queue;
    void *element;
};

/* Making and freeing ------------------------------------------------------- */

static size_t limit_of(int64_t capacity) {
    return capacity < 0 ? SIZE_MAX : (size_t)capacity;
}

static void set_limit(green_queue *queue) {
    queue->state.limit = queue->closed ? 0 : limit_of(queue->options.capacity);
    green__segmented_buffer_expect(&queue->buffer, queue->options.capacity < 0 ? 0 : (size_t)queue->options.capacity);
}

static int check_options(const green_queue_options *options) {
    int error = green__segmented_buffer_check("queue", options->capacity, options->element_size, options->alignment);
    if (error < 0)
        return error;
    if (options->order == GREEN_PRIORITY && !options->precedes)
        return green__fail(-EINVAL, "cannot create a priority queue: precedes is not set");
    return 0;
}

int green_queue_make(green_queue **made, const green_queue_options *options) {
    int error = check_options(options);
    if (error < 0)
        return error;
    green_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return green__fail(-ENOMEM, "cannot create a queue");
    size_t alignment = options->alignment ? options->alignment : _Alignof(max_align_t);
    queue->options = *options;
    queue->heap.precedes = options->precedes;
    queue->heap.context = options->context;
    green__segmented_buffer_init(&queue->buffer, options->element_size, alignment);
    if (options->order == GREEN_LIFO) {
        queue->scratch = aligned_alloc(queue->buffer.alignment, queue->buffer.stride);
        if (!queue->scratch) {
            free(queue);
            return green__fail(-ENOMEM, "cannot create a queue");
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
    green__element_move(to, from, queue->options.element_size, queue->options.move, queue->options.context);
}

static inline void *take(green_queue *queue) {
    queue->state.count--;
    if (GREEN_LIKELY(queue->options.order == GREEN_FIFO))
        return green__segmented_buffer_pop_front(&queue->buffer);
    if (queue->options.order == GREEN_LIFO)
        return green__segmented_buffer_pop_back(&queue->buffer);
    void *slot = green__heap_pop(&queue->heap);
    if (queue->state.count == 0 && green__wait_list_is_empty(&queue->putters))
        green__heap_shrink(&queue->heap, &queue->buffer);
    return slot;
}

/* Moves an element into the queue. Returns false if there is no memory. */
static bool store_element(green_queue *queue, void *element) {
    bool ordered = queue->options.order == GREEN_PRIORITY;
    void *slot =
        ordered ? green__heap_reserve(&queue->heap, &queue->buffer) : green__segmented_buffer_push_back(&queue->buffer);
    if (!slot)
        return false;
    move(queue, slot, element);
    if (ordered)
        green__heap_push(&queue->heap, slot);
    queue->state.count++;
    queue->unfinished++;
    return true;
}

/* Wakes the first thread in a list; its call succeeds. Returns its element. NULL: none waits. */
static inline void *serve(green_wait_list *list) {
    green_wait *first = green__wait_list_take(list);
    if (!first)
        return NULL;
    green__ready(first->thread);
    return GREEN_CONTAINER(first, struct queue_wait, wait)->element;
}

/* Serves waiting puts while there is room. */
static void admit(green_queue *queue) {
    green_wait *first;
    while (queue->state.count < queue->state.limit && (first = green__wait_list_take(&queue->putters))) {
        if (!store_element(queue, GREEN_CONTAINER(first, struct queue_wait, wait)->element)) {
            first->cause = -ENOMEM;
            first->cancelled = true;
        }
        green__ready(first->thread);
    }
}

/* Takes the next element, then serves the puts that wait. A LIFO queue would store
 * the new element in the slot that still holds the taken one, so the latter moves
 * to the scratch slot first. */
static __attribute__((noinline)) void *take_and_refill(green_queue *queue) {
    void *slot = take(queue);
    if (queue->scratch) {
        move(queue, queue->scratch, slot);
        slot = queue->scratch;
    }
    admit(queue);
    return slot;
}

/* Takes the next element. Returns NULL if a get would have to wait. */
static inline void *get_now(green_queue *queue) {
    if (GREEN_LIKELY(queue->state.count > 0))
        return GREEN_LIKELY(green__wait_list_is_empty(&queue->putters)) ? take(queue) : take_and_refill(queue);
    void *element = serve(&queue->putters);
    queue->unfinished += element != NULL;
    return element;
}

/* Wakes the first waiting get. Returns the memory for its element, or NULL if none waits. */
static inline void *getter_now(green_queue *queue) {
    void *memory = serve(&queue->getters);
    queue->unfinished += memory != NULL;
    return memory;
}

/* Returns 1 if the element was moved, 0 if a put would have to wait, or -ENOMEM. */
static int put_now(green_queue *queue, void *element) {
    void *waiting = getter_now(queue);
    if (waiting) {
        move(queue, waiting, element);
        return 1;
    }
    if (queue->state.count >= queue->state.limit)
        return 0;
    if (!store_element(queue, element))
        return green__fail(-ENOMEM, "cannot put into a queue of %zu elements", queue->state.count);
    return 1;
}

/* Slots -------------------------------------------------------------------- */

/* Whether a call needs neither checks nor a pending interrupt delivered. */
static inline bool is_fast_path(const green_queue *queue) {
    const green_hub *hub = green__hub;
    return GREEN_LIKELY(hub && queue->state.hub == hub && !hub->current->interrupts);
}

static inline void *put_slot(green_queue *queue) {
    if (!is_fast_path(queue))
        return NULL;
    void *waiting = getter_now(queue);
    if (waiting)
        return waiting;
    /* The place in a priority queue depends on the element. */
    if (queue->state.count >= queue->state.limit || GREEN_UNLIKELY(queue->options.order == GREEN_PRIORITY))
        return NULL;
    void *slot = green__segmented_buffer_push_back(&queue->buffer);
    if (GREEN_LIKELY(slot)) {
        queue->state.count++;
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
    const green_queue *queue = GREEN_CONTAINER(wait, const struct queue_wait, wait)->queue;
    if (queue->options.capacity < 0)
        snprintf(text, size, "%s a queue of %zu", doing, queue->state.count);
    else
        snprintf(text, size, "%s a queue of %zu out of %ld", doing, queue->state.count, queue->options.capacity);
}

static void describe_get(const green_wait *wait, char *text, size_t size) {
    describe("getting from", wait, text, size);
}

static void describe_put(const green_wait *wait, char *text, size_t size) {
    describe("putting into", wait, text, size);
}

static void describe_join(const green_wait *wait, char *text, size_t size) {
    const green_queue *queue = GREEN_CONTAINER(wait, const struct queue_wait, wait)->queue;
    snprintf(text, size, "joining a queue with %lu unfinished elements", queue->unfinished);
}

static const green_wait_kind getting = {green__wait_leave_list, describe_get};
static const green_wait_kind putting = {green__wait_leave_list, describe_put};
static const green_wait_kind joining = {green__wait_leave_list, describe_join};

/* Explains the error of a call. The queue may have been freed. */
static int explain(int error, const char *what) {
    switch (error) {
    case -ENOMEM:
        return green__fail(error, "%s", what);
    case -EBADF:
        return green__fail(error, "%s: the queue was closed", what);
    default:
        return error;
    }
}

static __attribute__((noinline)) int wait_in(green_queue *queue, green_wait_list *list, const green_wait_kind *kind,
                                             void *element, int64_t timeout, const char *what, const char *missed) {
    if (timeout == 0)
        return green__fail_timed_out(timeout, "%s: %s", what, missed);
    struct queue_wait wait = {.queue = queue, .element = element};
    int error = green__wait_in_list(queue->state.hub, &wait.wait, kind, list, timeout);
    if (GREEN_LIKELY(error == 0))
        return 0;
    return error == -ETIMEDOUT ? green__fail_timed_out(timeout, "%s: %s", what, missed) : explain(error, what);
}

static __attribute__((noinline)) int put_slow(green_queue *queue, void *element, int64_t timeout) {
    int error = green__hub_affinity_enter(&queue->state.hub, "queue");
    if (error < 0)
        return error;
    if (queue->closed)
        return explain(-EBADF, "cannot put");
    int done = put_now(queue, element);
    if (done != 0)
        return done < 0 ? done : 0;
    return wait_in(queue, &queue->putters, &putting, element, timeout, "cannot put into a queue", "it had no room");
}

int green_queue_put(green_queue *queue, void *element, int64_t timeout) {
    void *slot = put_slot(queue);
    if (GREEN_UNLIKELY(!slot))
        return put_slow(queue, element, timeout);
    move(queue, slot, element);
    return 0;
}

static __attribute__((noinline)) int get_slow(green_queue *queue, void *element, int64_t timeout) {
    int error = green__hub_affinity_enter(&queue->state.hub, "queue");
    if (error < 0)
        return error;
    void *slot = get_now(queue);
    if (slot) {
        move(queue, element, slot);
        return 0;
    }
    if (queue->closed)
        return explain(-EBADF, "cannot get");
    return wait_in(queue, &queue->getters, &getting, element, timeout, "cannot get from a queue", "it had no element");
}

int green_queue_get(green_queue *queue, void *element, int64_t timeout) {
    void *slot = get_slot(queue);
    if (GREEN_UNLIKELY(!slot))
        return get_slow(queue, element, timeout);
    move(queue, element, slot);
    return 0;
}

int green_queue_try_put(green_queue *queue, void *element) {
    int error = green__hub_affinity_check(&queue->state.hub, "queue");
    if (error < 0)
        return error;
    return queue->closed ? explain(-EBADF, "cannot put") : put_now(queue, element);
}

int green_queue_try_get(green_queue *queue, void *element) {
    int error = green__hub_affinity_check(&queue->state.hub, "queue");
    if (error < 0)
        return error;
    void *slot = get_now(queue);
    if (!slot)
        return queue->closed ? explain(-EBADF, "cannot get") : 0;
    move(queue, element, slot);
    return 1;
}

int green_queue_close(green_queue *queue) {
    int error = green__hub_affinity_check(&queue->state.hub, "queue");
    if (error < 0 || queue->closed)
        return error;
    queue->closed = true;
    set_limit(queue);
    green__wait_list_end(&queue->getters, -EBADF);
    green__wait_list_end(&queue->putters, -EBADF);
    return 0;
}

int green_queue_resize(green_queue *queue, int64_t capacity) {
    int error = green__hub_affinity_check(&queue->state.hub, "queue");
    if (error < 0)
        return error;
    if (capacity < GREEN_UNBOUNDED)
        return green__fail(-EINVAL, "cannot resize a queue to %ld; use GREEN_UNBOUNDED for no limit", capacity);
    queue->options.capacity = capacity;
    set_limit(queue);
    admit(queue);
    return 0;
}

static void destroy(green_queue *queue) {
    while (queue->state.count > 0) {
        void *slot = take(queue);
        if (queue->options.destroy)
            queue->options.destroy(slot, queue->options.context);
    }
    green__segmented_buffer_destroy(&queue->buffer);
    free(queue->heap.entries);
    free(queue->scratch);
    if (queue->options.release)
        queue->options.release(queue->options.context);
    free(queue);
}

static void foreign_released(green_post *post, int error) {
    green_queue *queue = GREEN_CONTAINER(post, green_queue, foreign_release.post);
    if (error < 0)
        destroy(queue);
    else
        green_queue_free(queue);
}

void green_queue_free(green_queue *queue) {
    if (!queue)
        return;
    if (green__hub_affinity_is_foreign(queue->state.hub)) {
        if (green__foreign_release(queue->state.hub, &queue->foreign_release, foreign_released) > 0)
            destroy(queue);
        return;
    }
    green__wait_list_end(&queue->getters, -EBADF);
    green__wait_list_end(&queue->putters, -EBADF);
    green__wait_list_end(&queue->joiners, -EBADF);
    destroy(queue);
}

/* Unfinished elements ------------------------------------------------------ */

int green_queue_task_done(green_queue *queue) {
    int error = green__hub_affinity_check(&queue->state.hub, "queue");
    if (error < 0)
        return error;
    if (queue->unfinished == 0)
        return green__fail(-EINVAL, "green_queue_task_done: called more often than elements were put");
    if (--queue->unfinished == 0)
        green__ready_all(&queue->joiners);
    return 0;
}

int green_queue_join(green_queue *queue, int64_t timeout) {
    int error = green__hub_affinity_enter(&queue->state.hub, "queue");
    if (error < 0 || queue->unfinished == 0)
        return error;
    return wait_in(queue, &queue->joiners, &joining, NULL, timeout, "cannot join a queue",
                   "not all of its elements were finished");
}

/* Cases of a select -------------------------------------------------------- */

static bool may_get(const green_case *c, const green_hub *hub) {
    const green_queue *queue = c->object;
    return queue->state.hub != hub || green__queue_may_give(&queue->state);
}

static bool may_put(const green_case *c, const green_hub *hub) {
    const green_queue *queue = c->object;
    return queue->state.hub != hub || queue->state.count < queue->state.limit ||
           !green__wait_list_is_empty(&queue->getters) || queue->closed;
}

static bool attempt_get(green_case *c, green_hub *hub) {
    (void)hub;
    int done = green_queue_try_get(c->object, c->element);
    c->error = done < 0 ? done : 0;
    return done != 0;
}

ssize_t green__select_get(green_case *cases, size_t count, int64_t timeout, size_t index) {
    green_case *c = &cases[index];
    green_queue *queue = c->object;
    void *slot = GREEN_LIKELY(queue->state.hub == green__hub) ? get_now(queue) : NULL;
    if (GREEN_UNLIKELY(!slot))
        return green__select_any(cases, count, timeout);
    move(queue, c->element, slot);
    c->error = 0;
    return (ssize_t)index;
}

static bool attempt_put(green_case *c, green_hub *hub) {
    (void)hub;
    int done = green_queue_try_put(c->object, c->element);
    c->error = done < 0 ? done : 0;
    return done != 0;
}

static green_wait_list *begin_case(green_case_wait *wait, bool gets) {
    green_queue *queue = wait->of->object;
    struct queue_wait *own = GREEN_CASE_WAIT(wait, struct queue_wait);
    own->queue = queue;
    own->element = wait->of->element;
    return gets ? &queue->getters : &queue->putters;
}

static void enter_get(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green__case_wait_enter(wait, &getting, begin_case(wait, true));
}

static void enter_put(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green__case_wait_enter(wait, &putting, begin_case(wait, false));
}

static void finish_get(green_case_wait *wait) {
    wait->of->error = explain(wait->wait.cause, "cannot get");
}

static void finish_put(green_case_wait *wait) {
    wait->of->error = explain(wait->wait.cause, "cannot put");
}

const green_case_kind green__get_case = {
    .may_be_ready = may_get, .attempt = attempt_get, .enter = enter_get, .finish = finish_get};
static const green_case_kind put_case = {
    .may_be_ready = may_put, .attempt = attempt_put, .enter = enter_put, .finish = finish_put};

green_case green_case_get(green_queue *queue, void *element) {
    return (green_case){.kind = queue ? &green__get_case : NULL, .object = queue, .element = element};
}

green_case green_case_put(green_queue *queue, void *element) {
    return (green_case){.kind = queue ? &put_case : NULL, .object = queue, .element = element};
}

/* State -------------------------------------------------------------------- */

bool green_queue_is_closed(const green_queue *queue) {
    return queue->closed;
}

int64_t green_queue_capacity(const green_queue *queue) {
    return queue->options.capacity;
}

size_t green_queue_count(const green_queue *queue) {
    return queue->state.count;
}

size_t green_queue_getting(const green_queue *queue) {
    return green__wait_list_count(&queue->getters);
}

size_t green_queue_putting(const green_queue *queue) {
    return green__wait_list_count(&queue->putters);
}

bool green_queue_is_full(const green_queue *queue) {
    return queue->state.count >= limit_of(queue->options.capacity);
}

uint64_t green_queue_unfinished(const green_queue *queue) {
    return queue->unfinished;
}
