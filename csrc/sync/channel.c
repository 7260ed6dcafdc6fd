/* Channels. segmented_buffer.h stores the elements; this file decides which thread sends or
 * receives, and when. channel_record.h says what guards what. */
#include "channel_record.h"
#include "channel_spin.h"

#include "../core/async_wait.h"
#include "../core/fork.h"
#include "../core/select.h"
#include "../core/shared_wait.h"

#include <green/select.h>

#include <stdio.h>

/* A thread that waits to send or to receive, and the memory of its element. The thread that
 * serves it moves the element, so that it does not use the channel again. */
struct channel_wait {
    green_shared_wait wait;
    green_channel *channel;
    void *element;
    int result;
    int64_t began;             /* the time before it has spun; 0: it has not */
    green_async_wait *async;   /* NULL: a thread waits */
    struct channel_wait *next; /* in a chain of waits to wake */
};

/* Elements ----------------------------------------------------------------- */

static inline void move(const green_channel *channel, void *to, void *from) {
    green__element_move(to, from, channel->options.element_size, channel->options.move, channel->options.context);
}

/* With send_lock. Returns false if there is no memory. */
static inline bool store(green_channel *channel, void *element) {
    void *slot = green__segmented_buffer_push_back(channel->in);
    if (GREEN_UNLIKELY(!slot))
        return false;
    move(channel, slot, element);
    green__channel_set(&channel->sent, channel->sent + 1);
    return true;
}

/* With send_lock. Reads `taken`, which receivers change all the time, only if it matters. */
static inline bool is_full(green_channel *channel) {
    if (GREEN_LIKELY(channel->sent - channel->taken_seen < channel->limit))
        return false;
    channel->taken_seen = green__channel_read(&channel->taken);
    return channel->sent - channel->taken_seen >= channel->limit;
}

/* Takes the first wait off a list, to serve it. Drops waits of a select that has ended. NULL if none
 * is left. */
static struct channel_wait *take(green_wait_list *list, size_t *waiting) {
    while (GREEN_LIKELY(*waiting > 0)) {
        green__channel_set(waiting, *waiting - 1);
        green_shared_wait *wait = green__shared_wait_pop(list);
        if (GREEN_LIKELY(green__shared_wait_claim(wait)))
            return GREEN_CONTAINER(wait, struct channel_wait, wait);
    }
    return NULL;
}

static const green_shared_wait_kind sending, receiving;

/* Records the end of a wait that has spun. With the lock: once the waiter has been woken, the
 * channel may be freed. */
static inline void learn(const struct channel_wait *wait, bool was_served) {
    if (GREEN_UNLIKELY(wait->began))
        green__channel_spin_learn(wait->channel, wait->wait.wait.kind == &sending.kind, wait->began, was_served);
}

/* Adds a wait to the waits to wake. */
static struct channel_wait **served(struct channel_wait *wait, int result, struct channel_wait **last) {
    wait->result = result;
    learn(wait, true);
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

/* Sending ------------------------------------------------------------------ */

/* With send_lock. Returns 1 if the element was moved, 0 if the call would have to wait, or
 * -errno, and adds to the waits to wake.
 *
 * While a sender waits, no other one stores an element: there may be room, because a receiver
 * takes an element before it acquires send_lock and serves the sender. */
static inline int store_or_pass(green_channel *channel, void *element, struct channel_wait **woken) {
    if (GREEN_UNLIKELY(channel->closed))
        return -EBADF;
    struct channel_wait *receiver;
    if (GREEN_UNLIKELY(channel->receiving) && (receiver = take(&channel->receivers, &channel->receiving))) {
        move(channel, receiver->element, element);
        served(receiver, 0, woken);
        return 1;
    }
    if (GREEN_UNLIKELY(channel->sending) || is_full(channel))
        return 0;
    return GREEN_LIKELY(store(channel, element)) ? 1 : -ENOMEM;
}

static int send_now(green_channel *channel, void *element, struct channel_wait **woken) {
    green_channel_locks held;
    green__channel_lock_send(channel, &held);
    int done = store_or_pass(channel, element, woken);
    green__channel_unlock_send(channel, &held);
    return done;
}

/* Acquires a lock if that takes no wait and no call. The hub of a forked child may have the
 * address of a hub that owned the lock and ended before the fork. */
static inline bool try_lock(const green_channel *channel, green_biased_lock *lock, bool *as_owner) {
    if (green__is_inherited(channel->generation))
        return false;
    *as_owner = green__biased_lock_as_owner(lock);
    return GREEN_LIKELY(*as_owner) || (green__biased_lock_is_shared(lock) && green__short_lock_try(&lock->lock));
}

static inline bool is_interrupted(void) {
    return green__hub && green__hub->current->interrupts;
}

/* Bytes from the slot that is used to the one whose cache line is fetched from the other end's
 * processor: the next locked instruction would wait for a line that is not there yet. */
enum { AHEAD = 256 };

/* The usual case, without a call: stores an element of 64 bits. Returns false in other cases,
 * and has no effect then. */
static inline bool send_at_once(green_channel *channel, void *element) {
    bool as_owner;
    if (!channel->passes_words || !try_lock(channel, &channel->send_lock, &as_owner))
        return false;
    green_segmented_buffer *in = channel->in;
    bool stores = !(channel->closed | (channel->receiving != 0) | (channel->sending != 0)) &&
                  channel->sent - channel->taken_seen < channel->limit && in->tail != in->tail_end && !is_interrupted();
    if (GREEN_LIKELY(stores)) {
        __builtin_prefetch(in->tail + AHEAD, 1);
        memcpy(green__segmented_buffer_push_back(in), element, sizeof(uint64_t));
        green__channel_set(&channel->sent, channel->sent + 1);
    }
    green__biased_unlock(&channel->send_lock, as_owner);
    return stores;
}

static inline void enter(struct channel_wait *wait, const green_shared_wait_kind *kind, green_wait_list *list,
                         size_t *waiting) {
    if (GREEN_UNLIKELY(wait->async))
        green__shared_wait_init_async(&wait->wait, kind, wait->async);
    else
        green__shared_wait_init(&wait->wait, kind);
    green__wait_list_append(list, &wait->wait.wait);
    green__channel_set(waiting, *waiting + 1);
}

/* Tries with both locks, and enters the list of waits if that fails. */
static int send_or_enter(green_channel *channel, struct channel_wait *wait, struct channel_wait **woken) {
    green_channel_locks held;
    green__channel_lock_both(channel, &held);
    int done = store_or_pass(channel, wait->element, woken);
    if (done == 0)
        enter(wait, &sending, &channel->senders, &channel->sending);
    green__channel_unlock_both(channel, &held);
    return done;
}

/* Receiving ---------------------------------------------------------------- */

static inline void take_from_out(green_channel *channel, void *element) {
    move(channel, element, green__segmented_buffer_pop_front(channel->out));
    green__channel_set(&channel->taken, channel->taken + 1);
}

/* With both locks. Serves the senders that wait, while there is room. */
static void admit(green_channel *channel, struct channel_wait **last) {
    struct channel_wait *sender;
    while (channel->sending && !is_full(channel) && (sender = take(&channel->senders, &channel->sending)))
        last = served(sender, store(channel, sender->element) ? 0 : -ENOMEM, last);
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
    green_channel_locks held;
    green__channel_lock_receive(channel, &held);
    if (channel->taken != channel->swapped && !channel->sending) {
        take_from_out(channel, element);
    } else {
        green__channel_let_senders_ahead(channel);
        green__channel_lock_send(channel, &held);
        done = take_and_admit(channel, element, wait, woken);
        green__channel_unlock_send(channel, &held);
    }
    green__channel_unlock_receive(channel, &held);
    return done;
}

/* See send_at_once(). */
static inline bool receive_at_once(green_channel *channel, void *element) {
    bool as_owner;
    if (!channel->passes_words || !try_lock(channel, &channel->receive_lock, &as_owner))
        return false;
    green_segmented_buffer *out = channel->out;
    bool takes =
        channel->taken != channel->swapped && channel->sending == 0 && out->head != out->head_end && !is_interrupted();
    if (GREEN_LIKELY(takes)) {
        __builtin_prefetch(out->head + AHEAD, 0);
        memcpy(element, green__segmented_buffer_pop_front(out), sizeof(uint64_t));
        green__channel_set(&channel->taken, channel->taken + 1);
    }
    green__biased_unlock(&channel->receive_lock, as_owner);
    return takes;
}

/* Capacity 0 --------------------------------------------------------------- */

/* Passes the element to the first thread that waits at the other end, or takes it from there. With
 * the lock. */
static inline __attribute__((always_inline)) int pass_or_take(green_channel *channel, bool sends, void *element,
                                                              struct channel_wait **woken) {
    struct channel_wait *other =
        sends ? take(&channel->receivers, &channel->receiving) : take(&channel->senders, &channel->sending);
    if (!other)
        return channel->closed ? -EBADF : 0;
    move(channel, sends ? other->element : element, sends ? element : other->element);
    served(other, 0, woken);
    return 1;
}

/* Enters the list of waits if no thread waits at the other end, and wait is not NULL. */
static inline __attribute__((always_inline)) int meet(green_channel *channel, bool sends, void *element,
                                                      struct channel_wait *wait, struct channel_wait **woken) {
    green_channel_locks locks;
    green__channel_lock_send(channel, &locks);
    int done = pass_or_take(channel, sends, element, woken);
    if (done == 0 && wait && sends)
        enter(wait, &sending, &channel->senders, &channel->sending);
    else if (done == 0 && wait)
        enter(wait, &receiving, &channel->receivers, &channel->receiving);
    green__channel_unlock_send(channel, &locks);
    return done;
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
    if (removed)
        learn(GREEN_CONTAINER(wait, struct channel_wait, wait), false);
    green__channel_set(waiting, *waiting - removed);
    return removed;
}

static bool leave_receivers(green_shared_wait *wait) {
    green_channel *channel = channel_of(&wait->wait);
    green_channel_locks held;
    green__channel_lock_send(channel, &held);
    bool removed = remove_wait(wait, &channel->receiving);
    green__channel_unlock_send(channel, &held);
    return removed;
}

static bool leave_senders(green_shared_wait *wait) {
    green_channel *channel = channel_of(&wait->wait);
    green_channel_locks held;
    green__channel_lock_both(channel, &held);
    bool removed = remove_wait(wait, &channel->sending);
    green__channel_unlock_both(channel, &held);
    return removed;
}

static const green_shared_wait_kind sending = {{green__shared_wait_cancel, describe_send}, leave_senders};
static const green_shared_wait_kind receiving = {{green__shared_wait_cancel, describe_receive}, leave_receivers};

/* Calls -------------------------------------------------------------------- */

/* Whether a send will probably have to wait. A hint. */
static inline bool must_wait(const green_channel *channel) {
    return green__channel_read(&channel->receiving) == 0 && green__channel_read(&channel->sending) > 0;
}

static inline __attribute__((always_inline)) int try_or_enter(green_channel *channel, bool meets, bool sends,
                                                              void *element, struct channel_wait *wait,
                                                              struct channel_wait **woken) {
    if (green__is_inherited(channel->generation))
        return -EXDEV;
    int done = 0;
    if (meets)
        done = meet(channel, sends, element, wait, woken);
    else if (!sends)
        done = receive_or_enter(channel, element, wait, woken);
    else if (!wait || !must_wait(channel))
        done = send_now(channel, element, woken);
    if (sends && done == 0 && wait && !meets)
        done = send_or_enter(channel, wait, woken);
    return done;
}

static inline __attribute__((always_inline)) int attempt(green_channel *channel, bool meets, bool sends, void *element,
                                                         struct channel_wait *wait) {
    struct channel_wait *woken = NULL;
    int done = try_or_enter(channel, meets, sends, element, wait, &woken);
    wake(woken);
    return done;
}

/* Under a virtual clock, other OS threads that use the channel are outside work. */
static bool has_other_users(green_channel *channel) {
    return green__biased_lock_has_other_users(&channel->send_lock) ||
           (channel->limit > 0 && green__biased_lock_has_other_users(&channel->receive_lock));
}

static inline int await(green_channel *channel, struct channel_wait *wait, int64_t timeout) {
    if (GREEN_UNLIKELY(wait->wait.hub && wait->wait.hub->has_virtual_clock) && has_other_users(channel))
        return green__shared_wait_outside(&wait->wait, timeout);
    return green__shared_wait(&wait->wait, timeout);
}

/* Reserves what a wait needs before the attempt, because the attempt enters the list of waits
 * if it must. A call that cannot wait makes the attempt nevertheless. */
static inline __attribute__((always_inline)) int call(green_channel *channel, bool meets, bool sends, void *element,
                                                      int64_t timeout) {
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    if (error < 0)
        return error;
    error = timeout == 0 ? -ETIMEDOUT : green__shared_begin(timeout); /* may make a hub */
    struct channel_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    wait->channel = channel;
    wait->element = element;
    wait->began = 0;
    wait->async = NULL;
    bool spins = !meets && error == 0 && green__channel_may_spin(channel);
    int done;
    for (;; spins = false) { /* a loop, so that there is one copy of the attempt */
        done = attempt(channel, meets, sends, element, error < 0 || spins ? NULL : wait);
        if (GREEN_LIKELY(done != 0 || !spins))
            break;
        wait->began = green__channel_spin(channel, sends, timeout);
    }
    if (done == 0 && error == 0) {
        error = await(channel, wait, timeout);
        if (error == 0)
            error = wait->result;
    } else if (done != 0) {
        error = done < 0 ? done : 0;
    }
    return GREEN_LIKELY(error == 0) ? 0 : green__channel_fail(error, sends, timeout);
}

static __attribute__((noinline)) int send_slow(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, false, true, element, timeout);
}

static __attribute__((noinline)) int receive_slow(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, false, false, element, timeout);
}

/* The same for a capacity of 0. */
static __attribute__((noinline)) int send_by_meeting(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, true, true, element, timeout);
}

static __attribute__((noinline)) int receive_by_meeting(green_channel *channel, void *element, int64_t timeout) {
    return call(channel, true, false, element, timeout);
}

int green_channel_send(green_channel *channel, void *element, int64_t timeout) {
    if (GREEN_LIKELY(send_at_once(channel, element)))
        return 0;
    return channel->limit > 0 ? send_slow(channel, element, timeout) : send_by_meeting(channel, element, timeout);
}

int green_channel_receive(green_channel *channel, void *element, int64_t timeout) {
    if (GREEN_LIKELY(receive_at_once(channel, element)))
        return 0;
    return channel->limit > 0 ? receive_slow(channel, element, timeout) : receive_by_meeting(channel, element, timeout);
}

int green_channel_try_send(green_channel *channel, void *element) {
    int done = attempt(channel, channel->limit == 0, true, element, NULL);
    return done >= 0 ? done : green__channel_fail(done, true, 0);
}

int green_channel_try_receive(green_channel *channel, void *element) {
    int done = attempt(channel, channel->limit == 0, false, element, NULL);
    return done >= 0 ? done : green__channel_fail(done, false, 0);
}

/* Calls functions only without the lock of the wait. */
static int call_async(green_channel *channel, bool sends, void *element, green_async_wait *async) {
    struct channel_wait *woken = NULL, *wait = GREEN_ASYNC_WAIT_MEMORY(async, struct channel_wait);
    int done = green__async_wait_begin(async, &wait->result);
    if (done < 0)
        return done;
    wait->channel = channel;
    wait->element = element;
    wait->began = 0;
    wait->async = async;
    done = try_or_enter(channel, channel->limit == 0, sends, element, wait, &woken);
    green__async_wait_begun(async, done == 0 ? &wait->wait : NULL);
    wake(woken);
    return done >= 0 ? done : green__channel_fail(done, sends, 0);
}

int green_channel_send_async(green_channel *channel, void *element, green_async_wait *wait) {
    return call_async(channel, true, element, wait);
}

int green_channel_receive_async(green_channel *channel, void *element, green_async_wait *wait) {
    return call_async(channel, false, element, wait);
}

int green_channel_close(green_channel *channel) {
    struct channel_wait *woken = NULL, **last = &woken;
    if (green__is_inherited(channel->generation))
        return green__channel_fail(-EXDEV, false, 0);
    green_channel_locks held;
    green__channel_lock_both(channel, &held);
    __atomic_store_n(&channel->closed, true, __ATOMIC_RELAXED);
    struct channel_wait *wait;
    while ((wait = take(&channel->receivers, &channel->receiving)))
        last = served(wait, -EBADF, last);
    while ((wait = take(&channel->senders, &channel->sending)))
        last = served(wait, -EBADF, last);
    green__channel_unlock_both(channel, &held);
    wake(woken);
    return 0;
}

/* Cases of a select -------------------------------------------------------- */

/* The wait of a case. With the locks of a channel, which one of its cases holds. */
struct channel_case {
    struct channel_wait wait;
    green_channel_locks held;
    struct channel_wait *woken;
};

static bool may_receive(const green_case *c, const green_hub *hub) {
    (void)hub;
    const green_channel *channel = c->object;
    return green__channel_read(&channel->sent) != green__channel_read(&channel->taken) ||
           green__channel_read(&channel->sending) > 0 || green_channel_is_closed(channel);
}

static bool may_send(const green_case *c, const green_hub *hub) {
    (void)hub;
    const green_channel *channel = c->object;
    return green__channel_read(&channel->sent) - green__channel_read(&channel->taken) < channel->limit ||
           green__channel_read(&channel->receiving) > 0 || green_channel_is_closed(channel);
}

static bool end_attempt(green_case *c, bool sends, int done) {
    c->error = done < 0 ? green__channel_fail(done, sends, 0) : 0;
    return done != 0;
}

static bool attempt_receive(green_case *c, green_hub *hub) {
    (void)hub;
    green_channel *channel = c->object;
    return end_attempt(c, false, attempt(channel, channel->limit == 0, false, c->element, NULL));
}

static bool attempt_send(green_case *c, green_hub *hub) {
    (void)hub;
    green_channel *channel = c->object;
    return end_attempt(c, true, attempt(channel, channel->limit == 0, true, c->element, NULL));
}

static void lock_case(green_case_wait *wait) {
    green__channel_lock_both(wait->of->object, &GREEN_CASE_WAIT(wait, struct channel_case)->held);
}

static void unlock_case(green_case_wait *wait) {
    green__channel_unlock_both(wait->of->object, &GREEN_CASE_WAIT(wait, struct channel_case)->held);
}

static bool attempt_locked(green_case_wait *wait, bool sends) {
    green_channel *channel = wait->of->object;
    struct channel_case *own = GREEN_CASE_WAIT(wait, struct channel_case);
    void *element = wait->of->element;
    int done;
    own->woken = NULL;
    if (channel->limit == 0)
        done = pass_or_take(channel, sends, element, &own->woken);
    else if (sends)
        done = store_or_pass(channel, element, &own->woken);
    else
        done = take_and_admit(channel, element, NULL, &own->woken);
    return end_attempt(wait->of, sends, done);
}

static bool receive_locked(green_case_wait *wait) {
    return attempt_locked(wait, false);
}

static bool send_locked(green_case_wait *wait) {
    return attempt_locked(wait, true);
}

static void enter_case(green_case_wait *wait, bool sends) {
    green_channel *channel = wait->of->object;
    struct channel_case *own = GREEN_CASE_WAIT(wait, struct channel_case);
    green_selection *select = wait->wait.select;
    green_channel_retain(channel); /* until the thread has run: another case may be served before */
    own->wait.channel = channel;
    own->wait.element = wait->of->element;
    own->wait.began = 0;
    own->wait.async = NULL;
    if (sends)
        enter(&own->wait, &sending, &channel->senders, &channel->sending);
    else
        enter(&own->wait, &receiving, &channel->receivers, &channel->receiving);
    wait->wait.select = select; /* with the lock: nothing has seen the wait without */
}

static void enter_receive(green_case_wait *wait) {
    enter_case(wait, false);
}

static void enter_send(green_case_wait *wait) {
    enter_case(wait, true);
}

static void wake_others(green_case_wait *wait) {
    wake(GREEN_CASE_WAIT(wait, struct channel_case)->woken);
}

static void leave_case(green_case_wait *wait) {
    green__shared_wait_leave(&GREEN_CASE_WAIT(wait, struct channel_case)->wait.wait);
}

static void end_case(green_case_wait *wait) {
    green_channel_release(wait->of->object);
}

static bool is_outside(const green_case_wait *wait) {
    return has_other_users(wait->of->object);
}

static int result_of(green_case_wait *wait) {
    return GREEN_CASE_WAIT(wait, struct channel_case)->wait.result;
}

static void finish_receive(green_case_wait *wait) {
    end_attempt(wait->of, false, result_of(wait));
}

static void finish_send(green_case_wait *wait) {
    end_attempt(wait->of, true, result_of(wait));
}

static const green_shared_case_kind shared_receive_case = {.lock = lock_case,
                                                           .unlock = unlock_case,
                                                           .attempt = receive_locked,
                                                           .enter = enter_receive,
                                                           .wake = wake_others,
                                                           .leave = leave_case,
                                                           .is_outside = is_outside};
static const green_shared_case_kind shared_send_case = {.lock = lock_case,
                                                        .unlock = unlock_case,
                                                        .attempt = send_locked,
                                                        .enter = enter_send,
                                                        .wake = wake_others,
                                                        .leave = leave_case,
                                                        .is_outside = is_outside};
static const green_case_kind receive_case = {.may_be_ready = may_receive,
                                             .attempt = attempt_receive,
                                             .finish = finish_receive,
                                             .end = end_case,
                                             .shared = &shared_receive_case};
static const green_case_kind send_case = {.may_be_ready = may_send,
                                          .attempt = attempt_send,
                                          .finish = finish_send,
                                          .end = end_case,
                                          .shared = &shared_send_case};

green_case green_case_receive(green_channel *channel, void *element) {
    return (green_case){.kind = channel ? &receive_case : NULL, .object = channel, .element = element};
}

green_case green_case_send(green_channel *channel, void *element) {
    return (green_case){.kind = channel ? &send_case : NULL, .object = channel, .element = element};
}
