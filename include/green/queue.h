/* Queues: elements that go from green thread to green thread.
 *
 *     green_queue *jobs;
 *     int error = green_queue_make(&jobs, &(green_queue_options){
 *         .element_size = sizeof(struct job), .capacity = 100});
 *     ...
 *     error = green_queue_put(jobs, &job, GREEN_FOREVER);      one thread
 *     ...
 *     while ((error = green_queue_get(jobs, &job, GREEN_FOREVER)) == 0)
 *         work(&job);                                          another one
 *
 * From Eventlet's queue module, whose waiters wake in no particular order. Here they
 * are served first come, first served; one that is killed or runs out of time takes
 * nothing and leaves nothing behind. A queue belongs to the OS thread that first uses it. */
#ifndef GREEN_QUEUE_H
#define GREEN_QUEUE_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_queue green_queue;

/* A capacity without limit. One of 0 makes a channel, which stores nothing: a
 * put returns when a get has taken its element. */
#ifndef __swift__
#define GREEN_UNBOUNDED INT64_C(-1)
#else
static const int64_t GREEN_UNBOUNDED = -1;
#endif

typedef enum green_queue_order {
    GREEN_FIFO,     /* first in, first out */
    GREEN_LIFO,     /* last in, first out */
    GREEN_PRIORITY, /* the one that precedes all others; equal ones as they came */
} green_queue_order;

/* element_size is to be set; zero in any other field means what it says. */
typedef struct green_queue_options {
    /* Bytes of an element; 0 is allowed. They are kept in slots of the queue. */
    size_t element_size;
    /* A power of two; 0 is that of malloc(). */
    size_t alignment;
    /* How many elements it holds: 0 is a channel, GREEN_UNBOUNDED any number.
     * The order of a queue is one of what it holds; waiting threads are always
     * served in the order they came. */
    int64_t capacity;
    green_queue_order order;
    /* For GREEN_PRIORITY: whether the first element comes before the second.
     * This and the next two must not block. */
    bool (*GREEN_NULLABLE precedes)(const void *first, const void *second, void *GREEN_NULLABLE context);
    /* Moves an element to uninitialized memory; NULL copies its bytes. */
    void (*GREEN_NULLABLE move)(void *to, void *from, void *GREEN_NULLABLE context);
    /* Destroys an element that nobody will get: green_queue_free() found it in
     * the queue. NULL: nothing. */
    void (*GREEN_NULLABLE destroy)(void *element, void *GREEN_NULLABLE context);
    void *GREEN_NULLABLE context;
} green_queue_options;

/* A new, empty queue. -EINVAL: a capacity below GREEN_UNBOUNDED, an alignment
 * that is no power of two, a priority queue without precedes. -ENOMEM. */
GREEN_API GREEN_CHECK int green_queue_make(green_queue **queue, const green_queue_options *options);

/* Destroys what is still in the queue, and frees it. Whoever still waits gets
 * -EBADF; the elements of those who are putting stay theirs. */
GREEN_API void green_queue_free(green_queue *GREEN_NULLABLE queue);

/* Moves the element into the queue, or straight to the thread that waits for
 * one. Blocks while the queue is full, on a channel until it is taken.
 * 0: it is no longer the caller's. In every other case it still is:
 * -ETIMEDOUT: no room within timeout nanoseconds (0 asks without blocking).
 * -EBADF: the queue is closed. -ENOMEM. */
GREEN_API GREEN_CHECK int green_queue_put(green_queue *queue, void *element, int64_t timeout);

/* Moves the next element to uninitialized memory. Blocks while there is none.
 * 0: it is there. -ETIMEDOUT: none within timeout nanoseconds (0 asks without
 * blocking). -EBADF: the queue is closed and empty. */
GREEN_API GREEN_CHECK int green_queue_get(green_queue *queue, void *element, int64_t timeout);

/* The same without blocking, as in a link. On a channel, put needs a thread that
 * waits for an element, get one that waits with an element.
 * 1: moved. 0: it would have to wait. Otherwise an error, as above. */
GREEN_API GREEN_CHECK int green_queue_try_put(green_queue *queue, void *element);
GREEN_API GREEN_CHECK int green_queue_try_get(green_queue *queue, void *element);

/* Put and get without moving anything twice: the caller itself makes the
 * element in the slot, or takes it out of it, before it calls anything else of
 * Green. The slot may be in the queue or in the memory of the thread at the
 * other end. NULL when there is more to it than that (no room, nothing there, a
 * pending interrupt, a closed queue): then green_queue_put() or
 * green_queue_get() is to be called. Do not block. */
GREEN_API void *GREEN_NULLABLE green_queue_put_slot(green_queue *queue);
GREEN_API void *GREEN_NULLABLE green_queue_get_slot(green_queue *queue);

/* Ends the queue: puts fail from here on, gets once it is empty. Those who wait
 * get -EBADF at once. Does nothing the second time. */
GREEN_API int green_queue_close(green_queue *queue);
GREEN_API bool green_queue_is_closed(const green_queue *queue);

/* Changes the capacity. More room lets waiting puts go on at once; above a
 * smaller capacity the elements stay, and no put succeeds until there are fewer.
 * -EINVAL: a capacity below GREEN_UNBOUNDED. */
GREEN_API GREEN_CHECK int green_queue_resize(green_queue *queue, int64_t capacity);
GREEN_API int64_t green_queue_capacity(const green_queue *queue);

/* Elements in the queue; threads that wait to get one; threads that wait with
 * one to put. Exact, since nothing runs in between. */
GREEN_API size_t green_queue_count(const green_queue *queue);
GREEN_API size_t green_queue_getting(const green_queue *queue);
GREEN_API size_t green_queue_putting(const green_queue *queue);

/* Whether a put would have to wait for a get. Always, for a channel. */
GREEN_API bool green_queue_is_full(const green_queue *queue);

/* Says that one element that was got has been worked off. -EINVAL: there were
 * more of these than elements put. */
GREEN_API int green_queue_task_done(green_queue *queue);

/* Blocks until every element that was ever put has been worked off, at once
 * when that is so. -ETIMEDOUT: not within timeout nanoseconds. */
GREEN_API GREEN_CHECK int green_queue_join(green_queue *queue, int64_t timeout);

/* Elements put and not yet worked off. */
GREEN_API uint64_t green_queue_unfinished(const green_queue *queue);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
