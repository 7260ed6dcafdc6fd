/* Channels. segmented_buffer.h stores the elements; this file decides which thread sends or
 * receives, and when.
 *
 * Senders and receivers have a lock and a buffer each, on cache lines of their own, so that
 * they meet seldom: a receiver that finds its buffer empty swaps it for that of the senders.
 *
 *   send_lock     guards `in` and `sent`, and the receivers that wait
 *   receive_lock  guards `out`, `taken` and `swapped`; acquired before send_lock
 *   both          guard the senders that wait and `closed`: either is enough to read them
 *
 * A channel of capacity 0 stores nothing, and send_lock guards all of it.
 *
 * A thread enters a list of waits with both locks, so with both it is true that
 *
 *   a receiver waits only while no element is stored and no sender waits,
 *   a sender waits only while `sent - taken` is at least the capacity. */
#include "biased_lock.h"
#include "segmented_buffer.h"

#include "../core/fork.h"
#include "../core/shared_wait.h"

#include <green/channel.h>

#include <stdio.h>
#include <stdlib.h>

enum { APART = 2 * GREEN_CACHE_LINE }; /* processors fetch pairs of cache lines */

struct green_channel {
    uint32_t references; /* atomic */
    uint32_t generation;
    size_t limit;
    green_channel_options options;
    bool passes_words;         /* elements are copied by one instruction, and stored: see send_as_owner() */
    bool closed;               /* atomic, like all counts below, for readers without the lock */
    size_t receiving, sending; /* the lengths of the next two */
    green_wait_list receivers, senders;
    green_segmented_buffer buffers[2] __attribute__((aligned(APART)));

    green_biased_lock send_lock __attribute__((aligned(APART)));
    size_t sent;       /* elements that were stored since the channel was made */
    size_t taken_seen; /* `taken`, when a sender last read it */
    green_segmented_buffer *in;

    green_biased_lock receive_lock __attribute__((aligned(APART)));
    size_t taken;   /* elements that were taken out of the buffers */
    size_t swapped; /* `sent` at the last swap: elements are in `out` while `taken` is below it */
    green_segmented_buffer *out;
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
    green_channel *channel = aligned_alloc(APART, sizeof *channel);
    if (!channel)
        return green__fail(-ENOMEM, "cannot create a channel");
    green__fork_watch();
    *channel = (green_channel){
        .references = 1,
        .generation = green__generation,
        .limit = options->capacity < 0 ? SIZE_MAX : (size_t)options->capacity,
        .options = *options,
        .passes_words = options->element_size == sizeof(uint64_t) && !options->move && options->capacity != 0,
        .send_lock = GREEN_BIASED_LOCK_INITIALIZER,
        .receive_lock = GREEN_BIASED_LOCK_INITIALIZER,
        .in = &channel->buffers[0],
        .out = &channel->buffers[1],
    };
    green__wait_list_init(&channel->receivers);
    green__wait_list_init(&channel->senders);
    for (int i = 0; i < 2; i++) {
        green__segmented_buffer_init(&channel->buffers[i], options->element_size,
                                     options->alignment ? options->alignment : _Alignof(max_align_t));
        green__segmented_buffer_expect(&channel->buffers[i], options->capacity < 0 ? 0 : (size_t)options->capacity);
    }
    *made = channel;
    return 0;
}

green_channel *green_channel_retain(green_channel *channel) {
    __atomic_fetch_add(&channel->references, 1, __ATOMIC_RELAXED);
    return channel;
}

static void destroy_elements(green_channel *channel, green_segmented_buffer *buffer, size_t count) {
    for (; count > 0 && channel->options.destroy; count--)
        channel->options.destroy(green__segmented_buffer_pop_front(buffer), channel->options.context);
    green__segmented_buffer_destroy(buffer);
}

/* The elements of an inherited channel stay: another OS thread of the parent may have been
 * moving one of them when it forked. */
void green_channel_release(green_channel *channel) {
    if (!channel || __atomic_sub_fetch(&channel->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (!green__is_inherited(channel->generation)) {
        GREEN_INVARIANT(channel->receiving == 0 && channel->sending == 0,
                        "no thread waits for a channel when its last owner releases it");
        destroy_elements(channel, channel->out, channel->swapped - channel->taken);
        destroy_elements(channel, channel->in, channel->sent - channel->swapped);
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

/* With send_lock. Returns false if there is no memory. */
static inline bool store(green_channel *channel, void *element) {
    void *slot = green__segmented_buffer_push_back(channel->in);
    if (GREEN_UNLIKELY(!slot))
        return false;
    move(channel, slot, element);
    set_count(&channel->sent, channel->sent + 1);
    return true;
}

/* With send_lock. Reads `taken`, which receivers change all the time, only if it matters. */
static inline bool is_full(green_channel *channel) {
    if (GREEN_LIKELY(channel->sent - channel->taken_seen < channel->limit))
        return false;
    channel->taken_seen = read_count(&channel->taken);
    return channel->sent - channel->taken_seen >= channel->limit;
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

static inline void wake(struct channel_wait *waits) {
    for (struct channel_wait *next; waits; waits = next) {
        next = waits->next;
        green__shared_wait_wake(&waits->wait);
    }
}

/* Locks -------------------------------------------------------------------- */

/* How the caller acquired the locks. */
struct held {
    bool receive, send;
};

static inline void lock_receive(green_channel *channel, struct held *held) {
    held->receive = channel->limit > 0 && green__biased_lock(&channel->receive_lock);
}

static inline void unlock_receive(green_channel *channel, const struct held *held) {
    if (channel->limit > 0)
        green__biased_unlock(&channel->receive_lock, held->receive);
}

static inline void lock_send(green_channel *channel, struct held *held) {
    held->send = green__biased_lock(&channel->send_lock);
}

static inline void unlock_send(green_channel *channel, const struct held *held) {
    green__biased_unlock(&channel->send_lock, held->send);
}

static inline void lock_both(green_channel *channel, struct held *held) {
    lock_receive(channel, held);
    lock_send(channel, held);
}

static inline void unlock_both(green_channel *channel, const struct held *held) {
    unlock_send(channel, held);
    unlock_receive(channel, held);
}

/* Sending ------------------------------------------------------------------ */

/* With send_lock. Returns 1 if the element was moved, 0 if the call would have to wait, or
 * -errno, and adds to the waits to wake.
 *
 * While a sender waits, no other one stores an element: there may be room, because a receiver
 * takes an element before it acquires send_lock and serves the sender. */
static inline int store_or_pass(green_channel *channel, void *element, struct channel_wait **woken) {
    if (GREEN_UNLIKELY(channel->closed))
        return -EBADF;
    if (GREEN_UNLIKELY(channel->receiving)) {
        struct channel_wait *receiver = take(&channel->receivers, &channel->receiving);
        move(channel, receiver->element, element);
        served(receiver, 0, woken);
        return 1;
    }
    if (GREEN_UNLIKELY(channel->sending) || is_full(channel))
        return 0;
    return GREEN_LIKELY(store(channel, element)) ? 1 : -ENOMEM;
}

static int send_now(green_channel *channel, void *element, struct channel_wait **woken) {
    struct held held;
    lock_send(channel, &held);
    int done = store_or_pass(channel, element, woken);
    unlock_send(channel, &held);
    return done;
}

/* The usual case, without a locked instruction and without a call: the hub that owns the lock
 * stores an element of 64 bits. Returns false in other cases, and has no effect then. Needs no
 * check for a fork: the hub of a forked child owns no lock of the parent. */
static inline bool send_as_owner(green_channel *channel, void *element) {
    if (!channel->passes_words || !green__biased_lock_as_owner(&channel->send_lock))
        return false;
    green_segmented_buffer *in = channel->in;
    bool stores = !(channel->closed | (channel->receiving != 0) | (channel->sending != 0)) &&
                  channel->sent - channel->taken_seen < channel->limit && in->tail != in->tail_end &&
                  !green__hub->current->interrupts;
    if (GREEN_LIKELY(stores)) {
        memcpy(green__segmented_buffer_push_back(in), element, sizeof(uint64_t));
        set_count(&channel->sent, channel->sent + 1);
    }
    green__biased_lock_leave(&channel->send_lock);
    return stores;
}

static const green_shared_wait_kind sending, receiving;

static inline void enter(struct channel_wait *wait, const green_shared_wait_kind *kind, green_wait_list *list,
                         size_t *waiting) {
    green__shared_wait_init(&wait->wait, kind);
    green__wait_list_append(list, &wait->wait.wait);
    set_count(waiting, *waiting + 1);
}

/* Tries with both locks, and enters the list of waits if that fails. */
static int send_or_enter(green_channel *channel, struct channel_wait *wait, struct channel_wait **woken) {
    struct held held;
    lock_both(channel, &held);
    int done = store_or_pass(channel, wait->element, woken);
    if (done == 0)
        enter(wait, &sending, &channel->senders, &channel->sending);
    unlock_both(channel, &held);
    return done;
}

/* Receiving ---------------------------------------------------------------- */

static inline void take_from_out(green_channel *channel, void *element) {
    move(channel, element, green__segmented_buffer_pop_front(channel->out));
    set_count(&channel->taken, channel->taken + 1);
}

/* With both locks. Serves the senders that wait, while there is room. */
static void admit(green_channel *channel, struct channel_wait **last) {
    while (channel->sending && !is_full(channel)) {
        struct channel_wait *sender = take(&channel->senders, &channel->sending);
        last = served(sender, store(channel, sender->element) ? 0 : -ENOMEM, last);
    }
}

static void swap_buffers(green_channel *channel) {
    green_segmented_buffer *empty = channel->out;
    channel->out = channel->in;
    channel->in = empty;
    channel->swapped = channel->sent;
}

/* With both locks. */
static int take_and_admit(green_channel *channel, void *element, struct channel_wait *wait,
                          struct channel_wait **woken) {
    if (channel->sent != channel->taken) {
        if (channel->taken == channel->swapped)
            swap_buffers(channel);
        take_from_out(channel, element);
        admit(channel, woken);
        return 1;
    }
    if (channel->sending) { /* the capacity is 0 */
        struct channel_wait *sender = take(&channel->senders, &channel->sending);
        move(channel, element, sender->element);
        served(sender, 0, woken);
        return 1;
    }
    if (channel->closed)
        return -EBADF;
    if (wait)
        enter(wait, &receiving, &channel->receivers, &channel->receiving);
    return 0;
}

/* Returns 1 if an element was moved, 0 if the call has to wait, or -errno. Enters the list of
 * waits if it has to wait and wait is not NULL. */
static int receive_or_enter(green_channel *channel, void *element, struct channel_wait *wait,
                            struct channel_wait **woken) {
    int done = 1;
    struct held held;
    lock_receive(channel, &held);
    if (channel->taken != channel->swapped && !channel->sending) {
        take_from_out(channel, element);
    } else {
        lock_send(channel, &held);
        done = take_and_admit(channel, element, wait, woken);
        unlock_send(channel, &held);
    }
    unlock_receive(channel, &held);
    return done;
}

/* See send_as_owner(). */
static inline bool receive_as_owner(green_channel *channel, void *element) {
    if (!channel->passes_words || !green__biased_lock_as_owner(&channel->receive_lock))
        return false;
    green_segmented_buffer *out = channel->out;
    bool takes = channel->taken != channel->swapped && channel->sending == 0 && out->head != out->head_end &&
                 !green__hub->current->interrupts;
    if (GREEN_LIKELY(takes)) {
        memcpy(element, green__segmented_buffer_pop_front(out), sizeof(uint64_t));
        set_count(&channel->taken, channel->taken + 1);
    }
    green__biased_lock_leave(&channel->receive_lock);
    return takes;
}

/* Waits -------------------------------------------------------------------- */

static green_channel *channel_of(const green_wait *wait) {
    return GREEN_CONTAINER(wait, const struct channel_wait, wait.wait)->channel;
}

static void describe(const char *doing, const green_wait *wait, char *text, size_t size) {
    const green_channel *channel = channel_of(wait);
    if (channel->options.capacity < 0)
        snprintf(text, size, "%s a channel of %zu", doing, green_channel_count(channel));
    else
        snprintf(text, size, "%s a channel of %zu out of %ld", doing, green_channel_count(channel),
                 channel->options.capacity);
}

static void describe_send(const green_wait *wait, char *text, size_t size) {
    describe("sending into", wait, text, size);
}

static void describe_receive(const green_wait *wait, char *text, size_t size) {
    describe("receiving from", wait, text, size);
}

static bool remove_wait(green_shared_wait *wait, size_t *waiting) {
    bool removed = green__shared_wait_remove(wait);
    set_count(waiting, *waiting - removed);
    return removed;
}

static bool leave_receivers(green_shared_wait *wait) {
    green_channel *channel = channel_of(&wait->wait);
    struct held held;
    lock_send(channel, &held);
    bool removed = remove_wait(wait, &channel->receiving);
    unlock_send(channel, &held);
    return removed;
}

static bool leave_senders(green_shared_wait *wait) {
    green_channel *channel = channel_of(&wait->wait);
    struct held held;
    lock_both(channel, &held);
    bool removed = remove_wait(wait, &channel->sending);
    unlock_both(channel, &held);
    return removed;
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

static __attribute__((cold)) int failed(int error, bool sends) {
    if (error == -EXDEV)
        return refuse_inherited();
    return explain(error, sends ? "cannot send into a channel" : "cannot receive from a channel");
}

/* Whether a send will probably have to wait. A hint. */
static inline bool must_wait(const green_channel *channel) {
    return read_count(&channel->receiving) == 0 && (channel->limit == 0 || read_count(&channel->sending) > 0);
}

static inline __attribute__((always_inline)) int attempt(green_channel *channel, bool sends, void *element,
                                                         struct channel_wait *wait) {
    struct channel_wait *woken = NULL;
    if (green__is_inherited(channel->generation))
        return -EXDEV;
    int done = 0;
    if (!sends)
        done = receive_or_enter(channel, element, wait, &woken);
    else if (!wait || !must_wait(channel))
        done = send_now(channel, element, &woken);
    if (sends && done == 0 && wait)
        done = send_or_enter(channel, wait, &woken);
    wake(woken);
    return done;
}

/* Reserves what a wait needs before the attempt, because the attempt enters the list of waits
 * if it must. A call that cannot wait makes the attempt nevertheless. */
static inline __attribute__((always_inline)) int call(green_channel *channel, bool sends, void *element,
                                                      int64_t timeout) {
    struct channel_wait wait;
    wait.channel = channel;
    wait.element = element;
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    if (error < 0)
        return error;
    error = timeout == 0 ? -ETIMEDOUT : green__shared_begin(timeout);
    int done = attempt(channel, sends, element, error == 0 ? &wait : NULL);
    if (done == 0 && error == 0) {
        error = green__shared_wait(&wait.wait, timeout);
        if (error == 0)
            error = wait.result;
    } else if (done != 0) {
        error = done < 0 ? done : 0;
    }
    return GREEN_LIKELY(error == 0) ? 0 : failed(error, sends);
}

static __attribute__((noinline)) int send_slow(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, true, element, timeout);
}

int green_channel_send(green_channel *channel, void *element, int64_t timeout) {
    return GREEN_LIKELY(send_as_owner(channel, element)) ? 0 : send_slow(channel, element, timeout);
}

static __attribute__((noinline)) int receive_slow(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, false, element, timeout);
}

int green_channel_receive(green_channel *channel, void *element, int64_t timeout) {
    return GREEN_LIKELY(receive_as_owner(channel, element)) ? 0 : receive_slow(channel, element, timeout);
}

int green_channel_try_send(green_channel *channel, void *element) {
    int done = attempt(channel, true, element, NULL);
    return done >= 0 ? done : failed(done, true);
}

int green_channel_try_receive(green_channel *channel, void *element) {
    int done = attempt(channel, false, element, NULL);
    return done >= 0 ? done : failed(done, false);
}

int green_channel_close(green_channel *channel) {
    struct channel_wait *woken = NULL, **last = &woken;
    if (green__is_inherited(channel->generation))
        return refuse_inherited();
    struct held held;
    lock_both(channel, &held);
    __atomic_store_n(&channel->closed, true, __ATOMIC_RELAXED);
    while (!green__wait_list_is_empty(&channel->receivers))
        last = served(take(&channel->receivers, &channel->receiving), -EBADF, last);
    while (!green__wait_list_is_empty(&channel->senders))
        last = served(take(&channel->senders, &channel->sending), -EBADF, last);
    unlock_both(channel, &held);
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
    size_t taken = read_count(&channel->taken), count = read_count(&channel->sent) - taken;
    return count < channel->limit ? count : channel->limit; /* others may have sent and taken in between */
}

size_t green_channel_receiving(const green_channel *channel) {
    return read_count(&channel->receiving);
}

size_t green_channel_sending(const green_channel *channel) {
    return read_count(&channel->sending);
}
