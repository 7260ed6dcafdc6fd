/* Channels: no element is lost or received twice, elements leave in the order in which they
 * came, waiters are served in the order in which they came, and a call that fails has moved
 * nothing. */
#include "../../../csrc/core/hub_record.h"
#include "../../../csrc/sync/biased_lock.h"
#include "sites.h"
#include "turn_calls.h"

enum { SLOTS = 2, CHANNELS_MAX = 8, ELEMENTS_MAX = 4096, UNTOUCHED = 0x55555555, MOVED = 0x77777777 };

/* Of 64 bits, because channels move such elements in another way, too. */
struct element {
    uint32_t id;
    uint16_t number; /* among those of the sender */
    int16_t sender;
};

enum state { NEW, SENDING, SENT, RECEIVED, KEPT, LEFT };

struct channel {
    green_channel *channel;
    int64_t capacity;
    uint32_t references;
    bool reports_moves; /* by a move function, so that each move is checked */
    bool closing, closed;
    int64_t stored;
    uint32_t accepted, delivered; /* reported moves into and out of the channel */
    uint32_t last[SITES_MAX];     /* by sender: of reported moves */
};

/* A call in progress. On the stack of its thread, also after the end of a hub. */
struct channel_call {
    struct channel_call *next;
    struct channel *channel;
    struct site_actor *actor;
    struct element *element;
    green_thread *thread; /* NULL: none */
    bool sends, waits, moved;
    bool overtaken;         /* a later call was served while this one waited */
    uint64_t begun, queued; /* numbers of calls: its own, and one that began after it was queued; 0: none */
};

static struct {
    struct channel channels[CHANNELS_MAX];
    uint32_t channel_count;
    struct channel *slots[SLOTS];
    uint8_t states[ELEMENTS_MAX];
    uint32_t order[ELEMENTS_MAX]; /* among the accepted ones of the channel */
    uint32_t elements;
    uint16_t numbers[SITES_MAX];
    struct channel_call *calls;
    uint64_t begun;
} all;

/* Moves ---------------------------------------------------------------------- */

static struct channel_call *call_with(const void *element) {
    for (struct channel_call *call = all.calls; call; call = call->next)
        if (call->element == element)
            return call;
    return NULL;
}

/* Whether the thread of a call is in the list of waiters for sure. */
static bool is_queued(const struct channel_call *call) {
    if (!call->waits || call->moved)
        return false;
    return call->thread ? call->thread->state == GREEN_PARKED : waits_without_hub(call->actor->site->number);
}

static void note_queued(void) {
    for (struct channel_call *call = all.calls; call; call = call->next)
        if (!call->queued && is_queued(call))
            call->queued = all.begun;
}

/* All that were waiting when this call began, and still are. If one of them is served later,
 * it should have been first. */
static void note_overtaken(const struct channel_call *served) {
    for (struct channel_call *call = all.calls; call; call = call->next)
        if (call->channel == served->channel && call->sends == served->sends && call->queued &&
            call->queued <= served->begun && is_queued(call))
            call->overtaken = true;
}

static void call_moved(struct channel_call *call) {
    CHECK(!call->moved);
    CHECK(!call->overtaken);
    call->moved = true;
    note_overtaken(call);
}

static void move(void *to, void *from, void *context) {
    struct channel *channel = context;
    struct element element = *(struct element *)from;
    struct channel_call *sender = call_with(from), *receiver = call_with(to);
    CHECK(element.id, <, all.elements);
    if (sender) {
        CHECK(sender->sends);
        CHECK(!turn_has_ended(sender->actor->site->number));
        call_moved(sender);
        all.order[element.id] = channel->accepted++;
    } else {
        channel->stored--;
    }
    if (receiver) {
        CHECK(!receiver->sends);
        CHECK(!turn_has_ended(receiver->actor->site->number));
        call_moved(receiver);
        CHECK(all.order[element.id], ==, channel->delivered++);
        CHECK(element.number, >, channel->last[element.sender]);
        channel->last[element.sender] = element.number;
    } else {
        channel->stored++;
        CHECK(channel->capacity < 0 || channel->stored <= channel->capacity);
    }
    *(struct element *)to = element;
    ((struct element *)from)->id = MOVED;
}

static void destroy(void *element, void *context) {
    (void)context;
    uint32_t id = ((struct element *)element)->id;
    CHECK(id, <, all.elements);
    CHECK(all.states[id] == SENT || all.states[id] == SENDING); /* its hub may have been lost in the call */
    all.states[id] = LEFT;
}

/* Life ----------------------------------------------------------------------- */

static void make(uint32_t slot) {
    static const int64_t capacities[] = {0, 0, 1, 2, 5, GREEN_UNBOUNDED};
    if (all.channel_count == CHANNELS_MAX)
        return;
    struct channel *channel = &all.channels[all.channel_count++];
    channel->capacity = capacities[below(6)];
    channel->reports_moves = chance(600);
    channel->references = 1;
    green_channel_options options = {
        .element_size = sizeof(struct element),
        .capacity = channel->capacity,
        .move = channel->reports_moves ? move : NULL,
        .destroy = destroy,
        .context = channel,
    };
    CHECK(green_channel_make(&channel->channel, &options), ==, 0);
    all.slots[slot] = channel;
}

/* At once, because the owner may release it. */
static void retain(struct channel *channel) {
    turn_keep();
    CHECK(green_channel_retain(channel->channel) == channel->channel);
    channel->references++;
    turn_keep_no_longer();
}

static void release(struct channel *channel) {
    green_channel *released = channel->channel;
    if (--channel->references == 0)
        channel->channel = NULL;
    turn_drain_own(); /* the release, which is not compiled for the simulation, has a locked instruction */
    green_channel_release(released);
}

static void close_channel(struct channel *channel) {
    channel->closing = true;
    CHECK(green_channel_close(channel->channel), ==, 0);
    channel->closed = true;
}

/* Closes a channel and makes another one instead. */
static void replace(uint32_t slot) {
    struct channel *channel = all.slots[slot];
    retain(channel);
    close_channel(channel);
    if (all.slots[slot] == channel && !program.is_ending) {
        make(slot);
        if (all.slots[slot] != channel)
            release(channel);
    }
    release(channel);
}

/* Calls ---------------------------------------------------------------------- */

static void begin(struct channel_call *call) {
    call->thread = call->actor->site->has_hub ? green_current() : NULL;
    call->begun = ++all.begun;
    note_queued();
    call->next = all.calls;
    all.calls = call;
    retain(call->channel);
}

static void end(struct channel_call *call) {
    struct channel_call **place = &all.calls;
    while (*place != call)
        place = &(*place)->next;
    *place = call->next;
    release(call->channel);
}

static int make_call(struct channel_call *call, int64_t timeout) {
    green_channel *channel = call->channel->channel;
    bool was_closed = call->channel->closed;
    int result;
    if (call->waits) {
        struct site_call blocking;
        site_call_begin(&blocking, call->actor, timeout);
        result = call->sends ? green_channel_send(channel, call->element, timeout)
                             : green_channel_receive(channel, call->element, timeout);
        site_call_end(&blocking, result);
    } else {
        result = call->sends ? green_channel_try_send(channel, call->element)
                             : green_channel_try_receive(channel, call->element);
        CHECK(result == 0 || result == 1 || result == -EBADF);
        result = result == 1 ? 0 : result == 0 ? -EAGAIN : result;
    }
    CHECK(result != -EBADF || call->channel->closing);
    CHECK(!was_closed || !call->sends || result == -EBADF || result == -ECANCELED);
    if (result == -EBADF && !call->sends && call->channel->reports_moves)
        CHECK(call->channel->stored, ==, 0);
    if (call->channel->reports_moves)
        CHECK(call->moved, ==, result == 0);
    return result;
}

static void send_one(struct site_actor *actor, struct channel *channel, bool waits) {
    int site = actor->site->number;
    if (all.elements == ELEMENTS_MAX)
        return;
    struct element element = {.id = all.elements++, .number = ++all.numbers[site], .sender = (int16_t)site};
    uint32_t id = element.id;
    struct channel_call call = {.channel = channel, .actor = actor, .element = &element, .sends = true, .waits = waits};
    all.states[id] = SENDING;
    begin(&call);
    int result = make_call(&call, some_timeout());
    if (result == 0 && all.states[id] == SENDING)
        all.states[id] = SENT;
    if (result != 0) {
        CHECK(element.id, ==, id);
        CHECK(all.states[id], ==, SENDING);
        all.states[id] = KEPT;
    }
    end(&call);
}

static void receive_one(struct site_actor *actor, struct channel *channel, bool waits) {
    struct element element = {.id = UNTOUCHED};
    struct channel_call call = {.channel = channel, .actor = actor, .element = &element, .waits = waits};
    begin(&call);
    int result = make_call(&call, some_timeout());
    if (result == 0) {
        CHECK(element.id, <, all.elements);
        CHECK(all.states[element.id] == SENT || all.states[element.id] == SENDING);
        all.states[element.id] = RECEIVED;
    } else {
        CHECK(element.id, ==, UNTOUCHED);
    }
    end(&call);
}

/* Enough calls of one hub to bias the locks of the channel to it. */
static void use_long(struct site_actor *actor, uint32_t slot) {
    for (int i = 0; i < GREEN_BIASED_LOCK_REPEATS + 8 && !program.is_ending; i++) {
        send_one(actor, all.slots[slot], true);
        receive_one(actor, all.slots[slot], true);
    }
}

void channels_act(struct site_actor *actor) {
    uint32_t slot = below(SLOTS);
    struct channel *channel = all.slots[slot];
    if (chance(20)) {
        replace(slot);
        if (chance(500) && actor->thread && !actor->is_remote)
            use_long(actor, slot);
    } else if (chance(500))
        send_one(actor, channel, chance(700));
    else
        receive_one(actor, channel, chance(700));
}

void channels_try(struct site_actor *actor) {
    struct channel *channel = all.slots[below(SLOTS)];
    if (chance(500))
        send_one(actor, channel, false);
    else
        receive_one(actor, channel, false);
}

/* Rules ---------------------------------------------------------------------- */

void channels_begin(void) {
    memset(&all, 0, sizeof all);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        make(slot);
}

/* When no OS thread can continue, nobody may wait for what is there. */
void channels_check_quiet(void) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        const struct channel *channel = all.slots[slot];
        size_t count = green_channel_count(channel->channel), sending = green_channel_sending(channel->channel);
        size_t receiving = green_channel_receiving(channel->channel);
        CHECK(receiving == 0 || (count == 0 && sending == 0 && !channel->closed));
        CHECK(sending == 0 || (!channel->closed && channel->capacity >= 0 && count == (size_t)channel->capacity));
    }
}

void channels_end_waits(void) {
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        close_channel(all.slots[slot]);
}

/* What is left belongs to hubs whose OS threads ended in a call, to which an element may
 * have been given. Called before their memory is freed. */
void channels_end(void) {
    for (struct channel_call *call = all.calls; call; call = call->next) {
        CHECK(call->actor->site->dies);
        uint32_t id = call->element->id;
        if (!call->sends && id != UNTOUCHED) {
            CHECK(id, <, all.elements);
            CHECK(all.states[id] == SENT || all.states[id] == SENDING);
            all.states[id] = RECEIVED;
        }
        if (call->sends && id != MOVED && call->channel->reports_moves)
            all.states[id] = KEPT;
        release(call->channel);
    }
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        release(all.slots[slot]);
    for (uint32_t i = 0; i < all.channel_count; i++)
        CHECK(all.channels[i].references, ==, 0);
    for (uint32_t id = 0; id < all.elements; id++)
        CHECK(all.states[id] != SENT);
}
