/* Channels: elements that are passed between green threads of any hubs and OS threads.
 *
 *     green_channel *jobs;
 *     int error = green_channel_make(&jobs, &(green_channel_options){
 *         .element_size = sizeof(struct job), .capacity = 100});
 *     ...
 *     error = green_channel_send(jobs, &job, GREEN_FOREVER);      on any OS thread
 *     ...
 *     while ((error = green_channel_receive(jobs, &job, GREEN_FOREVER)) == 0)
 *         work(&job);                                             on any OS thread
 *
 * All functions may be called on any OS thread, at the same time. On an OS thread with a
 * hub, a call that waits lets other green threads run. On an OS thread without a hub, it
 * blocks the OS thread, and makes no hub, except on the main OS thread of a Swift program,
 * which has to call the main queue: see hub.h. green_channel_try_send() and
 * green_channel_try_receive() never wait, so callbacks of libraries may call them.
 *
 * If several OS threads use a channel that stores elements, a call that has to wait may first
 * spin for up to 20 microseconds, which takes processor time: if the last such wait was short,
 * and the hub of the caller has nothing else to run.
 *
 * Waiters are served in order of arrival. A waiter that is killed or times out takes no
 * element and leaves none behind. A thread that waits for a channel may be woken from
 * another OS thread, so it never counts as a deadlock. Within one hub a queue costs less:
 * see queue.h. A forked child cannot use its parent's channels: -EXDEV. */
#ifndef GREEN_CHANNEL_H
#define GREEN_CHANNEL_H

#include <green/async_wait.h>
#include <green/queue.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_channel green_channel;

/* element_size must be set, unless elements have no size. Zero in any other field means
 * what the field says. */
typedef struct green_channel_options {
    /* Bytes of an element; may be 0. The channel stores elements in slots of its own. */
    size_t element_size;
    /* A power of two. 0: enough for any type of this size, up to the alignment of malloc(). */
    size_t alignment;
    /* The number of elements that the channel can hold. 0: none, and a send returns when a
     * receive has taken its element. GREEN_UNBOUNDED: no limit. */
    int64_t capacity;
    /* Moves an element to uninitialized memory. NULL: copies its bytes. Must be short, must
     * not block and must not call functions of channels: it runs while the channel is
     * locked, on the OS thread of the sender or of the receiver. */
    void (*GREEN_NULLABLE move)(void *to, void *from, void *GREEN_NULLABLE context);
    /* Destroys an element that is left in the channel when its last owner releases it. NULL:
     * does nothing. */
    void (*GREEN_NULLABLE destroy)(void *element, void *GREEN_NULLABLE context);
    void *GREEN_NULLABLE context;
} green_channel_options;

/* Makes an empty channel with one owner, the caller.
 *
 * Returns 0, or:
 *   -EINVAL   capacity is below GREEN_UNBOUNDED, alignment is not a power of two, or
 *             elements are too large
 *   -ENOMEM */
GREEN_API GREEN_CHECK int green_channel_make(green_channel **channel, const green_channel_options *options);

/* Adds an owner, and returns the channel. */
GREEN_API green_channel *green_channel_retain(green_channel *channel);

/* Releases the channel. The last release destroys the elements that are left and frees it.
 * No thread may wait for it then. NULL does nothing. */
GREEN_API void green_channel_release(green_channel *GREEN_NULLABLE channel);

/* Moves an element into the channel, or directly to a thread that waits for one. Blocks
 * while the channel is full; with capacity 0, until the element is taken.
 *
 * Returns 0 if the element was moved. Otherwise the caller keeps it:
 *   -ETIMEDOUT    there was no room within timeout nanoseconds; with a timeout of 0 the
 *                 call does not wait
 *   -EBADF        the channel is closed
 *   -ENOMEM       no memory for the element or for a timer
 *   -EXDEV        the channel belongs to the process before a fork
 *   -EWOULDBLOCK  it would have to wait, in a link or a destructor
 *   -ECANCELED, -ETIME
 *                 the calling green thread was interrupted */
GREEN_API GREEN_CHECK int green_channel_send(green_channel *channel, void *element, int64_t timeout);

/* Moves the next element to uninitialized memory. Blocks while the channel is empty.
 * Elements that were sent before a close are received after it.
 *
 * Returns 0 if the element was moved, or the errors of green_channel_send(); -EBADF: the
 * channel is closed and empty. */
GREEN_API GREEN_CHECK int green_channel_receive(green_channel *channel, void *element, int64_t timeout);

/* The same without waiting and without delivering interrupts. With capacity 0, a send
 * succeeds only if a thread waits to receive, and a receive only if one waits to send.
 * Return 1 if the element was moved, 0 if the call would have to wait, or an error as
 * above. May be called in links, destructors, posts and callbacks; not in signal
 * handlers. */
GREEN_API GREEN_CHECK int green_channel_try_send(green_channel *channel, void *element);
GREEN_API GREEN_CHECK int green_channel_try_receive(green_channel *channel, void *element);

/* The same without a thread that waits: see async_wait.h. Return 1 if the element was moved, 0 if
 * the wait has begun, -ECANCELED, or an error of green_channel_send(). element is used until the
 * wait has ended: with 0 if the element was moved, otherwise with -EBADF, -ENOMEM or -ECANCELED. */
GREEN_API GREEN_CHECK int green_channel_send_async(green_channel *channel, void *element, green_async_wait *wait);
GREEN_API GREEN_CHECK int green_channel_receive_async(green_channel *channel, void *element, green_async_wait *wait);

/* Closes the channel. Waiting threads get -EBADF; those that wait to send keep their
 * elements. Does not block. Returns 0, also the second time. -EXDEV: the channel belongs to
 * the process before a fork. */
GREEN_API int green_channel_close(green_channel *channel);

GREEN_API bool green_channel_is_closed(const green_channel *channel);

/* The capacity given to green_channel_make(). */
GREEN_API int64_t green_channel_capacity(const green_channel *channel);

/* The number of elements in the channel, of waits to receive, and of waits to send. Other OS threads may change them at
 * any time. */
GREEN_API size_t green_channel_count(const green_channel *channel);
GREEN_API size_t green_channel_receiving(const green_channel *channel);
GREEN_API size_t green_channel_sending(const green_channel *channel);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
