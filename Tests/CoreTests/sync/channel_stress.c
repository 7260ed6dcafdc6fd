/* A channel that many OS threads use at once: no element is lost or doubled, and each
 * receiver gets the elements of a sender in the order of their sends. */
#include "helpers.h"
#include "os_threads.h"

#include <sched.h>

enum {
    NATIVES = 2, /* OS threads without a hub that send, and as many that receive */
    HUBS = 2,
    THREADS = 2, /* of each hub that send, and as many that receive */
    MEMBERS = NATIVES + HUBS * THREADS,
    ITEMS = SCALED(10000), /* of each sender */
};

struct item {
    int sender, serial;
};

/* A sender or a receiver. */
struct member {
    int index;
    bool has_hub;
    uint32_t random;
    long gave_up;
    int last[MEMBERS]; /* of a receiver: the last serial from each sender */
};

static struct {
    green_channel *channel;
    bool impatient; /* calls time out and are killed now and then, and are made again */
    struct member senders[MEMBERS], receivers[MEMBERS];
    int seen[MEMBERS][ITEMS + 1]; /* atomic: how often each item was received */
    int senders_left;             /* atomic; the last one closes the channel */
} market;

static uint32_t next_random(struct member *member) {
    member->random = member->random * 1664525 + 1013904223;
    return member->random >> 16;
}

static int64_t patience(struct member *member) {
    static const int64_t timeouts[] = {0, 1, 2000, 50000, GREEN_MILLISECOND, GREEN_FOREVER};
    return market.impatient ? timeouts[next_random(member) % 6] : GREEN_FOREVER;
}

/* Whether a call gave up, so that it is to be made again. */
static bool gave_up(struct member *member, int error) {
    if (error != -ETIMEDOUT && error != -ECANCELED)
        return false;
    CHECK(market.impatient);
    member->gave_up++;
    if (member->has_hub)
        (void)green_yield(); /* it may be killed again */
    else
        sched_yield();
    return true;
}

static int send_all(void *argument) {
    struct member *member = argument;
    for (int serial = 1; serial <= ITEMS; serial++) {
        struct item item = {member->index, serial};
        int error;
        do
            error = green_channel_send(market.channel, &item, patience(member));
        while (gave_up(member, error));
        CHECK(error, ==, 0);
    }
    if (__atomic_sub_fetch(&market.senders_left, 1, __ATOMIC_ACQ_REL) == 0)
        CHECK(green_channel_close(market.channel), ==, 0);
    return 0;
}

static int receive_all(void *argument) {
    struct member *member = argument;
    for (;;) {
        struct item item = {-1, -1};
        int error = green_channel_receive(market.channel, &item, patience(member));
        if (error == -EBADF)
            return 0;
        if (gave_up(member, error)) {
            CHECK(item.sender, ==, -1);
            continue;
        }
        CHECK(error, ==, 0);
        CHECK(item.serial, >, member->last[item.sender]);
        member->last[item.sender] = item.serial;
        __atomic_fetch_add(&market.seen[item.sender][item.serial], 1, __ATOMIC_RELAXED);
    }
}

/* Kills the threads again and again until they have finished. */
static void harass(green_thread **threads, int count) {
    for (int left = count; left > 0;) {
        left = 0;
        for (int i = 0; i < count; i++) {
            if (green_thread_is_finished(threads[i]))
                continue;
            left++;
            CHECK(green_thread_kill(threads[i]), ==, 0);
        }
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
}

static int run_hub(void *argument) {
    int first = NATIVES + *(int *)argument * THREADS;
    green_thread *threads[2 * THREADS];
    for (int i = 0; i < THREADS; i++) {
        threads[2 * i] = start(send_all, &market.senders[first + i]);
        threads[2 * i + 1] = start(receive_all, &market.receivers[first + i]);
    }
    CHECK(green_yield(), ==, 0); /* a thread that is killed before it starts never runs */
    if (market.impatient)
        harass(threads, 2 * THREADS);
    for (int i = 0; i < 2 * THREADS; i++)
        CHECK(finish(threads[i]), ==, 0);
    return green_hub_close();
}

static void prepare(int64_t capacity, bool impatient) {
    memset(&market, 0, sizeof market);
    green_channel_options options = {.element_size = sizeof(struct item), .capacity = capacity};
    CHECK(green_channel_make(&market.channel, &options), ==, 0);
    market.impatient = impatient;
    market.senders_left = MEMBERS;
    for (int i = 0; i < MEMBERS; i++) {
        market.senders[i] = (struct member){.index = i, .has_hub = i >= NATIVES, .random = (uint32_t)i};
        market.receivers[i] = (struct member){.index = i, .has_hub = i >= NATIVES, .random = (uint32_t)i + 1000};
    }
}

static void check_all_seen(void) {
    for (int i = 0; i < MEMBERS; i++)
        for (int serial = 1; serial <= ITEMS; serial++)
            CHECK(market.seen[i][serial], ==, 1);
    CHECK(green_channel_count(market.channel), ==, 0);
    CHECK(green_channel_sending(market.channel), ==, 0);
    CHECK(green_channel_receiving(market.channel), ==, 0);
}

static void trade(int64_t capacity, bool impatient) {
    struct os_thread natives[2 * NATIVES], hubs[HUBS];
    int indices[HUBS];
    prepare(capacity, impatient);
    for (int i = 0; i < NATIVES; i++) {
        os_thread_start(&natives[2 * i], send_all, &market.senders[i]);
        os_thread_start(&natives[2 * i + 1], receive_all, &market.receivers[i]);
    }
    for (int i = 0; i < HUBS; i++) {
        indices[i] = i;
        os_thread_start(&hubs[i], run_hub, &indices[i]);
    }
    for (int i = 0; i < 2 * NATIVES; i++)
        CHECK(os_thread_finish(&natives[i]), ==, 0);
    for (int i = 0; i < HUBS; i++)
        CHECK(os_thread_finish(&hubs[i]), ==, 0);
    check_all_seen();
    long gave = 0;
    for (int i = 0; i < MEMBERS; i++)
        gave += market.senders[i].gave_up + market.receivers[i].gave_up;
    CHECK(gave > 0, ==, impatient);
    green_channel_release(market.channel);
}

BIG_TEST(rendezvous, "hubs and OS threads exchange elements through a channel of capacity 0, and lose none") {
    trade(0, false);
    trade(0, true);
}

BIG_TEST(one, "hubs and OS threads exchange elements through a channel of capacity 1, and lose none") {
    trade(1, false);
    trade(1, true);
}

BIG_TEST(bounded, "hubs and OS threads exchange elements through a channel of capacity 100, and lose none") {
    trade(100, false);
    trade(100, true);
}

BIG_TEST(unbounded, "hubs and OS threads exchange elements through an unbounded channel, and lose none") {
    trade(GREEN_UNBOUNDED, false);
    trade(GREEN_UNBOUNDED, true);
}
