/* Queues: elements that are passed between green threads.
 *
 *     green_queue *jobs;
 *     int error = green_queue_make(&jobs, &(green_queue_options){
 *         .element_size = sizeof(struct job), .capacity = 100});
 *     ...
 *     error = green_queue_put(jobs, &job, GREEN_FOREVER);      one thread
 *     ...
 *     while ((error = green_queue_get(jobs, &job, GREEN_FOREVER)) == 0)
 *         work(&job);                                          another thread
 *
 * A queue with a capacity applies back-pressure: a put blocks while the queue is full.
 * Waiting threads are served in order of arrival; Eventlet's queue module wakes them in
 * no particular order. A wait that is killed or times out takes no element and leaves
 * none behind. A queue belongs to the OS thread that first uses it; calls on other OS
 * threads return -EXDEV. */
#ifndef GREEN_QUEUE_H
#define GREEN_QUEUE_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_queue green_queue;

/* The capacity of a queue without limit. A queue of capacity 0 is a rendezvous, which
 * stores nothing: a put returns when a get has taken its element. */
#ifndef __swift__
#define GREEN_UNBOUNDED INT64_C(-1)
#else
static const int64_t GREEN_UNBOUNDED = -1;
#endif

typedef enum green_queue_order {
    GREEN_FIFO,     /* first in, first out */
    GREEN_LIFO,     /* last in, first out */
    GREEN_PRIORITY, /* the element that precedes all others; equal ones in FIFO order */
} green_queue_order;

/* element_size must be set, unless elements have no size. Zero in any other field means
 * what the field says. */
typedef struct green_queue_options {
    /* Bytes of an element; may be 0. The queue stores elements in slots of its own. */
    size_t element_size;
    /* A power of two. 0: the alignment of malloc(). */
    size_t alignment;
    /* The number of elements that the queue can hold. 0: a rendezvous.
     * GREEN_UNBOUNDED: no limit. */
    int64_t capacity;
    /* The order of the stored elements. Waiting threads are always served in order of
     * arrival. */
    green_queue_order order;
    /* For GREEN_PRIORITY: whether first comes before second. Must not block; nor must
     * move and destroy. */
    bool (*GREEN_NULLABLE precedes)(const void *first, const void *second, void *GREEN_NULLABLE context);
    /* Moves an element to uninitialized memory. NULL: copies its bytes. */
    void (*GREEN_NULLABLE move)(void *to, void *from, void *GREEN_NULLABLE context);
    /* Destroys an element that is left in the queue when green_queue_free() is called.
     * NULL: does nothing. */
    void (*GREEN_NULLABLE destroy)(void *element, void *GREEN_NULLABLE context);
    void *GREEN_NULLABLE context;
    /* Called once when the queue uses context no more: in green_queue_free(), or, if that is
     * called on another OS thread, soon after it. Must not block. NULL: does nothing. */
    void (*GREEN_NULLABLE release)(void *GREEN_NULLABLE context);
} green_queue_options;

/* Creates an empty queue.
 *
 * Returns 0, or:
 *   -EINVAL   capacity is below GREEN_UNBOUNDED, alignment is not a power of two,
 *             elements are too large, or a priority queue has no precedes
 *   -ENOMEM */
GREEN_API GREEN_CHECK int green_queue_make(green_queue **queue, const green_queue_options *options);

/* Destroys the elements in the queue and frees it. Threads that wait get -EBADF. Threads
 * that wait to put keep their elements. On another OS thread than that of the
 * queue, this takes effect soon after the call, on the hub of the queue, where the elements
 * are destroyed. After the hub, or if no hub has used the queue, the caller destroys them. */
GREEN_API void green_queue_free(green_queue *GREEN_NULLABLE queue);

/* Moves an element into the queue, or directly to a thread that waits for one. Blocks
 * while the queue is full; in a rendezvous, until the element is taken.
 *
 * Returns 0 if the element was moved. Otherwise the caller keeps it:
 *   -ETIMEDOUT   there was no room within timeout nanoseconds (0 polls)
 *   -EBADF       the queue is closed or was freed
 *   -ENOMEM      no memory for the element
 *   -ECANCELED, -ETIME   the caller was interrupted */
GREEN_API GREEN_CHECK int green_queue_put(green_queue *queue, void *element, int64_t timeout);

/* Moves the next element to uninitialized memory. Blocks while the queue is empty.
 *
 * Returns 0 if the element was moved, or:
 *   -ETIMEDOUT   there was no element within timeout nanoseconds (0 polls)
 *   -EBADF       the queue is closed and empty, or was freed
 *   -ECANCELED, -ETIME   the caller was interrupted */
GREEN_API GREEN_CHECK int green_queue_get(green_queue *queue, void *element, int64_t timeout);

/* The same without blocking and without delivering interrupts, for links and other code
 * that must not block. In a rendezvous, a put succeeds only if a thread waits to get,
 * and a get only if one waits to put. Return 1 if the element was moved, 0 if the call would
 * block, or an error as above. */
GREEN_API GREEN_CHECK int green_queue_try_put(green_queue *queue, void *element);
GREEN_API GREEN_CHECK int green_queue_try_get(green_queue *queue, void *element);

/* Put and get an element without copying it twice. The caller constructs the element in
 * the returned slot, or moves it out of the slot, before it calls any other function of
 * Green. The slot is in the queue or in the memory of the thread at the other end.
 * Return NULL if that is not possible at once, for lack of room or elements, because of a
 * pending interrupt, because the queue is closed, or for another reason. The caller must
 * then call green_queue_put() or green_queue_get(). Do not block. */
GREEN_API void *GREEN_NULLABLE green_queue_put_slot(green_queue *queue);
GREEN_API void *GREEN_NULLABLE green_queue_get_slot(green_queue *queue);

/* Closes the queue. Later puts fail with -EBADF, and gets do once the queue is empty.
 * Waiting threads get -EBADF at once. Returns 0, also if the queue is closed already. */
GREEN_API int green_queue_close(green_queue *queue);
GREEN_API bool green_queue_is_closed(const green_queue *queue);

/* Changes the capacity. If it grows, waiting puts proceed at once. If it shrinks, the
 * elements stay, and no put succeeds until fewer than capacity are left. Returns 0, or
 * -EINVAL if capacity is below GREEN_UNBOUNDED. */
GREEN_API GREEN_CHECK int green_queue_resize(green_queue *queue, int64_t capacity);
GREEN_API int64_t green_queue_capacity(const green_queue *queue);

/* The number of elements in the queue. This count and the next two are exact until the
 * caller blocks: no other green thread runs before. */
GREEN_API size_t green_queue_count(const green_queue *queue);

/* The number of threads that wait to get an element. */
GREEN_API size_t green_queue_getting(const green_queue *queue);

/* The number of threads that wait to put an element. */
GREEN_API size_t green_queue_putting(const green_queue *queue);

/* Whether a put would wait for a get. Always true for a rendezvous. */
GREEN_API bool green_queue_is_full(const green_queue *queue);

/* Marks one element that was taken as processed. Returns 0, or -EINVAL if this was called
 * more often than elements were put. */
GREEN_API int green_queue_task_done(green_queue *queue);

/* Blocks until all elements that were put are processed. Returns at once if they are.
 *
 * Returns 0, or:
 *   -ETIMEDOUT   elements were left after timeout nanoseconds (0 polls)
 *   -EBADF       the queue was freed
 *   -ECANCELED, -ETIME   the caller was interrupted */
GREEN_API GREEN_CHECK int green_queue_join(green_queue *queue, int64_t timeout);

/* The number of elements that were put and are not processed yet. */
GREEN_API uint64_t green_queue_unfinished(const green_queue *queue);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
