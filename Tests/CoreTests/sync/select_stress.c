/* Selects on several OS threads over the same channels, and over a queue of each hub: no element is
 * lost or doubled, although each select may be served by all of them. */
#include "helpers.h"
#include "os_threads.h"

enum {
    CHANNELS = 3,
    HUBS = 3,
    THREADS = 3, /* of each hub; the context of its OS thread is one more */
    MEMBERS = HUBS * (THREADS + 1),
    ITEMS = SCALED(20000), /* of each member */
};

struct item {
    int sender, serial;
};

/* A thread that sends and receives by the same select. */
struct member {
    int index, sent;
    green_queue *queue; /* of its hub */
    uint32_t random;
};

static struct {
    green_channel *channels[CHANNELS];
    bool impatient; /* selects time out and are killed now and then */
    struct member members[MEMBERS];
    int seen[MEMBERS][ITEMS + 1]; /* atomic: how often each item was received */
    long received;                /* atomic */
} market;

static uint32_t next_random(struct member *member) {
    member->random = member->random * 1664525 + 1013904223;
    return member->random >> 16;
}

static int64_t patience(struct member *member) {
    static const int64_t timeouts[] = {0, 1, 2000, 50000, GREEN_MILLISECOND, GREEN_FOREVER};
    return market.impatient ? timeouts[next_random(member) % 6] : GREEN_FOREVER;
}

/* The one who receives the last item ends all. */
static void receive(const struct item *item) {
    CHECK(__atomic_add_fetch(&market.seen[item->sender][item->serial], 1, __ATOMIC_RELAXED), ==, 1);
    if (__atomic_add_fetch(&market.received, 1, __ATOMIC_ACQ_REL) == (long)MEMBERS * ITEMS)
        for (int i = 0; i < CHANNELS; i++)
            CHECK(green_channel_close(market.channels[i]), ==, 0);
}

/* Cases that receive, and then those that send. */
enum { RECEIVES = CHANNELS + 1, CASES = 2 * RECEIVES };

static void make_cases(struct member *member, green_case *cases, struct item *got, struct item *item) {
    int first = (int)(next_random(member) % CHANNELS);
    bool sends = member->sent < ITEMS;
    for (int i = 0; i < CHANNELS; i++) {
        green_channel *channel = market.channels[(first + i) % CHANNELS];
        cases[i] = green_case_receive(channel, got);
        cases[RECEIVES + i] = green_case_send(sends ? channel : NULL, item);
    }
    cases[CHANNELS] = green_case_get(member->queue, got);
    cases[RECEIVES + CHANNELS] = green_case_put(sends ? member->queue : NULL, item);
}

static int trade(void *argument) {
    struct member *member = argument;
    for (;;) {
        green_case cases[CASES];
        struct item got = {-1, -1}, item = {member->index, member->sent + 1};
        make_cases(member, cases, &got, &item);
        ssize_t index = green_select(cases, CASES, patience(member));
        CHECK(got.sender >= 0, ==, index >= 0 && index < RECEIVES && cases[index].error == 0);
        if (index < 0) {
            CHECK(market.impatient && (index == -ETIMEDOUT || index == -ECANCELED));
            (void)green_yield();
        } else if (cases[index].error < 0) {
            CHECK(cases[index].error, ==, -EBADF);
            return 0;
        } else if (index < RECEIVES) {
            receive(&got);
        } else {
            member->sent++;
        }
    }
}

static void harass(green_thread **threads) {
    for (int left = 1; left > 0;) {
        left = 0;
        for (int i = 0; i < THREADS; i++) {
            left += !green_thread_is_finished(threads[i]);
            CHECK(green_thread_kill(threads[i]), ==, 0);
        }
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
}

static int run_hub(void *argument) {
    struct member *members = &market.members[*(int *)argument * (THREADS + 1)];
    green_thread *threads[THREADS];
    green_queue *queue = NULL;
    CHECK(green_queue_make(&queue, &(green_queue_options){.element_size = sizeof(struct item), .capacity = 1}), ==, 0);
    for (int i = 0; i <= THREADS; i++)
        members[i].queue = queue;
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(trade, &members[i]);
    CHECK(green_yield(), ==, 0);
    CHECK(trade(&members[THREADS]), ==, 0);
    if (market.impatient)
        harass(threads);
    for (int i = 0; i < THREADS; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_queue_count(queue), ==, 0);
    CHECK(green_queue_getting(queue) + green_queue_putting(queue), ==, 0);
    green_queue_free(queue);
    return green_hub_close();
}

static void trade_through(int64_t capacity, bool impatient) {
    struct os_thread hubs[HUBS];
    int numbers[HUBS];
    memset(&market, 0, sizeof market);
    market.impatient = impatient;
    for (int i = 0; i < CHANNELS; i++)
        CHECK(green_channel_make(&market.channels[i],
                                 &(green_channel_options){.element_size = sizeof(struct item), .capacity = capacity}),
              ==, 0);
    for (int i = 0; i < MEMBERS; i++)
        market.members[i] = (struct member){.index = i, .random = (uint32_t)i};
    for (int i = 0; i < HUBS; i++) {
        numbers[i] = i;
        os_thread_start(&hubs[i], run_hub, &numbers[i]);
    }
    for (int i = 0; i < HUBS; i++)
        CHECK(os_thread_finish(&hubs[i]), ==, 0);
    CHECK(market.received, ==, (long)MEMBERS * ITEMS);
    for (int i = 0; i < CHANNELS; i++) {
        CHECK(green_channel_receiving(market.channels[i]) + green_channel_sending(market.channels[i]), ==, 0);
        green_channel_release(market.channels[i]);
    }
}

BIG_TEST(rendezvous, "selects of several hubs meet in channels of capacity 0, and no element is lost or doubled") {
    trade_through(0, false);
}

BIG_TEST(one, "selects of several hubs share channels of capacity 1, and no element is lost or doubled") {
    trade_through(1, false);
}

BIG_TEST(impatient, "selects of several hubs that time out and are killed lose and double no element") {
    trade_through(0, true);
    trade_through(2, true);
}
