/* Channels. segmented_buffer.h stores the elements; this file decides which thread sends or
 * receives, and when. */
#include "segmented_buffer.h"

#include "../base/short_lock.h"
#include "../core/fork.h"
#include "../core/shared_wait.h"

#include <green/channel.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct green_channel {
    uint32_t references; /* atomic */
    uint32_t generation;
    size_t limit; /* a send stores its element while count is below it */
    green_channel_options options;

    green_short_lock lock; /* guards all below */
    bool closed;           /* atomic for readers without the lock, like the counts */
    size_t count;          /* stored elements */
    size_t receiving, sending;
    green_wait_list receivers, senders; /* receivers wait only while no element is stored and no sender waits */
    green_segmented_buffer buffer;
};

/* A thread that waits to send or to receive, and the memory of its element. The thread that
 * serves it moves the element, so that it does not use the channel again. */
struct channel_wait {
    green_shared_wait wait;
    green_channel *channel;
    void *element;
    int result;
    struct channel_wait *next; /* in a chain of waits to wake */
};

/* Making and freeing ------------------------------------------------------- */

int green_channel_make(green_channel **made, const green_channel_options *options) {
    int error = green__segmented_buffer_check("channel", options->capacity, options->element_size, options->alignment);
    if (error < 0)
        return error;
    green_channel *channel = malloc(sizeof *channel);
    if (!channel)
        return green__fail(-ENOMEM, "cannot create a channel");
    green__fork_watch();
    *channel = (green_channel){
        .references = 1,
        .generation = green__generation,
        .limit = options->capacity < 0 ? SIZE_MAX : (size_t)options->capacity,
        .options = *options,
    };
    green__wait_list_init(&channel->receivers);
    green__wait_list_init(&channel->senders);
    green__segmented_buffer_init(&channel->buffer, options->element_size,
                                 options->alignment ? options->alignment : _Alignof(max_align_t));
    green__segmented_buffer_expect(&channel->buffer, options->capacity < 0 ? 0 : (size_t)options->capacity);
    *made = channel;
    return 0;
}

green_channel *green_channel_retain(green_channel *channel) {
    __atomic_fetch_add(&channel->references, 1, __ATOMIC_RELAXED);
    return channel;
}

/* The elements of an inherited channel stay: another OS thread of the parent may have been
 * moving one of them when it forked. */
void green_channel_release(green_channel *channel) {
    if (!channel || __atomic_sub_fetch(&channel->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (!green__is_inherited(channel->generation)) {
        GREEN_INVARIANT(green__wait_list_is_empty(&channel->receivers) && green__wait_list_is_empty(&channel->senders),
                        "no thread waits for a channel when its last owner releases it");
        for (; channel->count > 0; channel->count--) {
            void *slot = green__segmented_buffer_pop_front(&channel->buffer);
            if (channel->options.destroy)
                channel->options.destroy(slot, channel->options.context);
        }
        green__segmented_buffer_destroy(&channel->buffer);
    }
    free(channel);
}

/* Elements ----------------------------------------------------------------- */

static inline void move(const green_channel *channel, void *to, void *from) {
    green__element_move(to, from, channel->options.element_size, channel->options.move, channel->options.context);
}

static inline void set_count(size_t *count, size_t value) {
    __atomic_store_n(count, value, __ATOMIC_RELAXED);
}

static inline size_t read_count(const size_t *count) {
    return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* Returns false if there is no memory. */
static inline bool store(green_channel *channel, void *element) {
    void *slot = green__segmented_buffer_push_back(&channel->buffer);
    if (GREEN_UNLIKELY(!slot))
        return false;
    move(channel, slot, element);
    set_count(&channel->count, channel->count + 1);
    return true;
}

/* Takes the first wait off a list, to serve it. */
static struct channel_wait *take(green_wait_list *list, size_t *waiting) {
    set_count(waiting, *waiting - 1);
    return GREEN_CONTAINER(green__shared_wait_take(list), struct channel_wait, wait);
}

/* Adds a wait to the waits to wake. */
static struct channel_wait **served(struct channel_wait *wait, int result, struct channel_wait **last) {
    wait->result = result;
    wait->next = NULL;
    *last = wait;
    return &wait->next;
}

static void wake(struct channel_wait *waits) {
    for (struct channel_wait *next; waits; waits = next) {
        next = waits->next;
        green__shared_wait_wake(&waits->wait);
    }
}

/* Serves waiting sends while there is room. */
static __attribute__((noinline)) void admit(green_channel *channel, struct channel_wait **last) {
    while (channel->count < channel->limit && !green__wait_list_is_empty(&channel->senders)) {
        struct channel_wait *sender = take(&channel->senders, &channel->sending);
        last = served(sender, store(channel, sender->element) ? 0 : -ENOMEM, last);
    }
}

/* The two directions. Each is called with the lock, returns 1 if the element was moved, 0 if
 * the call would have to wait, or -errno, and stores the waits to wake. */
typedef int attempt(green_channel *channel, void *element, struct channel_wait **woken);

static inline int send_now(green_channel *channel, void *element, struct channel_wait **woken) {
    if (GREEN_UNLIKELY(channel->closed))
        return -EBADF;
    if (!green__wait_list_is_empty(&channel->receivers)) {
        struct channel_wait *receiver = take(&channel->receivers, &channel->receiving);
        move(channel, receiver->element, element);
        served(receiver, 0, woken);
        return 1;
    }
    if (channel->count >= channel->limit)
        return 0;
    return GREEN_LIKELY(store(channel, element)) ? 1 : -ENOMEM;
}

static inline int receive_now(green_channel *channel, void *element, struct channel_wait **woken) {
    if (GREEN_LIKELY(channel->count > 0)) {
        move(channel, element, green__segmented_buffer_pop_front(&channel->buffer));
        set_count(&channel->count, channel->count - 1);
        if (GREEN_UNLIKELY(!green__wait_list_is_empty(&channel->senders)))
            admit(channel, woken);
        return 1;
    }
    if (!green__wait_list_is_empty(&channel->senders)) {
        struct channel_wait *sender = take(&channel->senders, &channel->sending);
        move(channel, element, sender->element);
        served(sender, 0, woken);
        return 1;
    }
    return channel->closed ? -EBADF : 0;
}

/* Waits -------------------------------------------------------------------- */

static green_channel *channel_of(const green_wait *wait) {
    return GREEN_CONTAINER(wait, const struct channel_wait, wait.wait)->channel;
}

static void describe(const char *doing, const green_wait *wait, char *text, size_t size) {
    const green_channel *channel = channel_of(wait);
    if (channel->options.capacity < 0)
        snprintf(text, size, "%s a channel of %zu", doing, read_count(&channel->count));
    else
        snprintf(text, size, "%s a channel of %zu out of %ld", doing, read_count(&channel->count),
                 channel->options.capacity);
}

static void describe_send(const green_wait *wait, char *text, size_t size) {
    describe("sending into", wait, text, size);
}

static void describe_receive(const green_wait *wait, char *text, size_t size) {
    describe("receiving from", wait, text, size);
}

static bool leave(green_shared_wait *wait, size_t *waiting) {
    green_channel *channel = channel_of(&wait->wait);
    green__short_lock(&channel->lock);
    bool left = green__shared_wait_remove(wait);
    set_count(waiting, *waiting - left);
    green__short_unlock(&channel->lock);
    return left;
}

static bool leave_senders(green_shared_wait *wait) {
    return leave(wait, &channel_of(&wait->wait)->sending);
}

static bool leave_receivers(green_shared_wait *wait) {
    return leave(wait, &channel_of(&wait->wait)->receiving);
}

static const green_shared_wait_kind sending = {{green__shared_wait_cancel, describe_send}, leave_senders};
static const green_shared_wait_kind receiving = {{green__shared_wait_cancel, describe_receive}, leave_receivers};

/* Calls -------------------------------------------------------------------- */

static __attribute__((cold)) int refuse_inherited(void) {
    return green__fail(-EXDEV, "this channel belongs to the process before the fork");
}

/* Explains the error of a call. The channel may have been freed. */
static int explain(int error, const char *doing) {
    switch (error) {
    case -ETIMEDOUT:
        return green__fail(error, "%s", doing);
    case -EBADF:
        return green__fail(error, "%s: it was closed", doing);
    case -ENOMEM:
        return green__fail(error, "%s: no memory", doing);
    default:
        return error;
    }
}

static const char *const SENDING = "cannot send into a channel", *const RECEIVING = "cannot receive from a channel";

/* Tries again, because the lock was released, and waits. */
static inline __attribute__((always_inline)) int wait_for(green_channel *channel, attempt *now, bool sends,
                                                          void *element, int64_t timeout) {
    struct channel_wait wait = {.channel = channel, .element = element}, *woken = NULL;
    int error = green__shared_begin(timeout);
    if (error < 0)
        return error;
    green__shared_wait_init(&wait.wait, sends ? &sending : &receiving);
    green__short_lock(&channel->lock);
    int done = now(channel, element, &woken);
    if (done == 0) {
        size_t *waiting = sends ? &channel->sending : &channel->receiving;
        green__wait_list_append(sends ? &channel->senders : &channel->receivers, &wait.wait.wait);
        set_count(waiting, *waiting + 1);
    }
    green__short_unlock(&channel->lock);
    wake(woken);
    if (done != 0)
        return done < 0 ? done : 0;
    error = green__shared_wait(&wait.wait, timeout);
    return error < 0 ? error : wait.result;
}

static __attribute__((noinline)) int wait_to_send(green_channel *channel, void *element, int64_t timeout) {
    return wait_for(channel, send_now, true, element, timeout);
}

static __attribute__((noinline)) int wait_to_receive(green_channel *channel, void *element, int64_t timeout) {
    return wait_for(channel, receive_now, false, element, timeout);
}

static inline __attribute__((always_inline)) int try(green_channel *channel, attempt *now, void *element) {
    struct channel_wait *woken = NULL;
    if (green__is_inherited(channel->generation))
        return -EXDEV;
    green__short_lock(&channel->lock);
    int done = now(channel, element, &woken);
    green__short_unlock(&channel->lock);
    if (GREEN_UNLIKELY(woken))
        wake(woken);
    return done;
}

static __attribute__((cold)) int failed(int error, const char *doing) {
    return error == -EXDEV ? refuse_inherited() : explain(error, doing);
}

/* A channel that is full or empty can change before the caller acts, so a zero timeout
 * returns without a wait. */
static inline __attribute__((always_inline)) int call(green_channel *channel, attempt *now, bool sends, void *element,
                                                      int64_t timeout) {
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    if (GREEN_UNLIKELY(error < 0))
        return error;
    int done = try(channel, now, element);
    if (GREEN_LIKELY(done > 0))
        return 0;
    if (done == 0 && timeout != 0)
        done = sends ? wait_to_send(channel, element, timeout) : wait_to_receive(channel, element, timeout);
    else if (done == 0)
        done = -ETIMEDOUT;
    return done == 0 ? 0 : failed(done, sends ? SENDING : RECEIVING);
}

int green_channel_send(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, send_now, true, element, timeout);
}

int green_channel_receive(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, receive_now, false, element, timeout);
}

int green_channel_try_send(green_channel *channel, void *element) {
    int done = try(channel, send_now, element);
    return GREEN_LIKELY(done >= 0) ? done : failed(done, SENDING);
}

int green_channel_try_receive(green_channel *channel, void *element) {
    int done = try(channel, receive_now, element);
    return GREEN_LIKELY(done >= 0) ? done : failed(done, RECEIVING);
}

int green_channel_close(green_channel *channel) {
    struct channel_wait *woken = NULL, **last = &woken;
    if (green__is_inherited(channel->generation))
        return refuse_inherited();
    green__short_lock(&channel->lock);
    __atomic_store_n(&channel->closed, true, __ATOMIC_RELAXED);
    while (!green__wait_list_is_empty(&channel->receivers))
        last = served(take(&channel->receivers, &channel->receiving), -EBADF, last);
    while (!green__wait_list_is_empty(&channel->senders))
        last = served(take(&channel->senders, &channel->sending), -EBADF, last);
    green__short_unlock(&channel->lock);
    wake(woken);
    return 0;
}

/* State -------------------------------------------------------------------- */

bool green_channel_is_closed(const green_channel *channel) {
    return __atomic_load_n(&channel->closed, __ATOMIC_RELAXED);
}

int64_t green_channel_capacity(const green_channel *channel) {
    return channel->options.capacity;
}

size_t green_channel_count(const green_channel *channel) {
    return read_count(&channel->count);
}

size_t green_channel_receiving(const green_channel *channel) {
    return read_count(&channel->receiving);
}

size_t green_channel_sending(const green_channel *channel) {
    return read_count(&channel->sending);
}
