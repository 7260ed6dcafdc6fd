/* Posts between hubs: what they cost the sender, a round trip between two hubs that sleep, and
 * eight OS threads that post to one hub at a time. */
#include "figure.h"
#include "wake_floor.h"

#include <green/green.h>

#include <pthread.h>
#include <stdlib.h>

/* A busy hub ------------------------------------------------------------------ */

struct flood {
    green_hub *hub;
    green_post *posts;
    long count, run;
    double taken; /* by the sender */
};

static struct flood flood;

static void count_post(green_post *post, int error) {
    (void)post;
    must(error, "a post");
    flood.run++;
}

static void *send_flood(void *unused) {
    double begin = clock_ns();
    for (long i = 0; i < flood.count; i++)
        must(green_hub_post(flood.hub, &flood.posts[i]), "green_hub_post");
    flood.taken = clock_ns() - begin;
    return unused;
}

static uint64_t wakes(void) {
    green_statistics statistics;
    must(green_hub_statistics(&statistics), "green_hub_statistics");
    return statistics.wakes;
}

/* The caller is always ready, so its hub does not sleep. Returns the wake-ups. */
static uint64_t post_to_busy_hub(long count) {
    flood = (struct flood){.hub = green_hub_current(), .count = count};
    flood.posts = calloc((size_t)count, sizeof *flood.posts);
    expect(flood.hub && flood.posts, "there is memory");
    for (long i = 0; i < count; i++)
        flood.posts[i].run = count_post;
    uint64_t before = wakes();
    pthread_t sender = start_on_core(1, send_flood, NULL);
    while (flood.run < count)
        must(green_yield(), "green_yield");
    uint64_t after = wakes();
    expect(pthread_join(sender, NULL) == 0, "the OS thread ends");
    free(flood.posts);
    return after - before;
}

static void measure_busy(void) {
    double times[FIGURE_RUNS_MAX], calls[FIGURE_RUNS_MAX];
    long count = 1000000 / plan.scale;
    post_to_busy_hub(count);
    for (int i = 0; i < plan.runs; i++) {
        calls[i] = (double)post_to_busy_hub(count);
        times[i] = flood.taken / (double)count;
    }
    figure_print("post to a busy hub", 1, "ns", times, plan.runs);
    figure_print("post to a busy hub: system calls", 1, "calls", calls, plan.runs);
}

/* Two hubs that sleep ----------------------------------------------------------- */

/* A post that goes to and fro. */
struct ball {
    green_post post;
    green_hub *hubs[2];
    int at; /* the hub that it is sent to */
    long left;
    green_event *back;
};

struct meeting {
    pthread_barrier_t both;
    green_channel *ping, *pong;
    green_promise *over;
    struct ball ball;
    pthread_t other;
};

static struct meeting meeting;

static void return_ball(green_post *post, int error) {
    struct ball *ball = (struct ball *)post;
    must(error, "a post");
    if (--ball->left == 0) {
        must(green_event_send(ball->back, NULL), "green_event_send");
        return;
    }
    ball->at ^= 1;
    must(green_hub_post(ball->hubs[ball->at], post), "green_hub_post");
}

static int return_items(void *unused) {
    uint64_t item;
    (void)unused;
    while (green_channel_receive(meeting.ping, &item, GREEN_FOREVER) == 0)
        must(green_channel_send(meeting.pong, &item, GREEN_FOREVER), "green_channel_send");
    return 0;
}

static void *run_other_hub(void *unused) {
    meeting.ball.hubs[1] = green_hub_retain(green_hub_current());
    must(green_detach(return_items, NULL), "green_detach");
    pthread_barrier_wait(&meeting.both);
    must(green_promise_wait(meeting.over, NULL, GREEN_FOREVER), "green_promise_wait");
    must(green_yield(), "green_yield"); /* lets the thread of the channels return */
    must(green_hub_close(), "green_hub_close");
    return unused;
}

static green_channel *make_channel(int64_t capacity) {
    green_channel *channel;
    green_channel_options options = {.element_size = sizeof(uint64_t), .capacity = capacity};
    must(green_channel_make(&channel, &options), "green_channel_make");
    return channel;
}

static void begin_meeting(void) {
    meeting = (struct meeting){.ping = make_channel(1), .pong = make_channel(1)};
    must(green_promise_make(&meeting.over), "green_promise_make");
    pthread_barrier_init(&meeting.both, NULL, 2);
    meeting.ball.hubs[0] = green_hub_retain(green_hub_current());
    meeting.ball.post.run = return_ball;
    meeting.other = start_on_core(1, run_other_hub, NULL);
    pthread_barrier_wait(&meeting.both);
}

static void end_meeting(void) {
    green_channel_close(meeting.ping);
    must(green_promise_send(meeting.over, NULL), "green_promise_send");
    expect(pthread_join(meeting.other, NULL) == 0, "the OS thread ends");
    pthread_barrier_destroy(&meeting.both);
    green_promise_release(meeting.over);
    green_channel_release(meeting.ping);
    green_channel_release(meeting.pong);
    for (int i = 0; i < 2; i++)
        green_hub_release(meeting.ball.hubs[i]);
}

static double by_posts(long rounds) {
    void *nothing;
    must(green_event_make(&meeting.ball.back), "green_event_make");
    meeting.ball.left = 2 * rounds;
    meeting.ball.at = 1;
    double begin = clock_ns();
    must(green_hub_post(meeting.ball.hubs[1], &meeting.ball.post), "green_hub_post");
    must(green_event_wait(meeting.ball.back, &nothing, GREEN_FOREVER), "green_event_wait");
    double taken = clock_ns() - begin;
    green_event_free(meeting.ball.back);
    return taken;
}

static double by_channels(long rounds) {
    double begin = clock_ns();
    for (uint64_t i = 0, item; i < (uint64_t)rounds; i++) {
        must(green_channel_send(meeting.ping, &i, GREEN_FOREVER), "green_channel_send");
        must(green_channel_receive(meeting.pong, &item, GREEN_FOREVER), "green_channel_receive");
        expect(item == i, "the item returns");
    }
    return clock_ns() - begin;
}

/* All in turn, so that they meet the same noise. */
static void measure_sleeping(void) {
    static const struct {
        const char *name;
        double (*run)(long rounds);
    } ways[] = {
        {"floor: ping-pong by eventfd", floor_by_eventfd},
        {"floor: ping-pong by MSG_RING", floor_by_msg_ring},
        {"ping-pong of two hubs, posts", by_posts},
        {"ping-pong of two hubs, channels", by_channels},
    };
    enum { WAYS = sizeof ways / sizeof *ways, EVENTFD = 0, MSG_RING = 1 };
    double runs[WAYS][FIGURE_RUNS_MAX], faster[FIGURE_RUNS_MAX];
    long rounds = 20000 / plan.scale;
    begin_meeting();
    for (int i = -1; i < plan.runs; i++)
        for (int way = 0; way < WAYS; way++) {
            double taken = ways[way].run(rounds) / (double)rounds;
            if (i >= 0) /* the first run warms up */
                runs[way][i] = taken;
        }
    end_meeting();
    bool has_messages = runs[MSG_RING][0] > 0;
    for (int i = 0; i < plan.runs; i++) {
        double eventfd = runs[EVENTFD][i], message = runs[MSG_RING][i];
        faster[i] = has_messages && message < eventfd ? message : eventfd;
    }
    for (int way = 0; way < WAYS; way++)
        if (way != MSG_RING || has_messages)
            figure_print(ways[way].name, 2, "ns", runs[way], plan.runs);
    figure_print("floor: ping-pong", 2, "ns", faster, plan.runs);
}

/* Eight senders ----------------------------------------------------------------- */

enum { SENDERS = 8, NUMBER_BITS = 32 };

struct numbered {
    green_post post;
    int sender;
    long number;
};

static struct {
    green_hub *hub;
    green_channel *channel;
    long each, run;
    long next[SENDERS];
    struct numbered *posts[SENDERS];
} crowd;

static void arrived(int sender, long number) {
    expect(number == crowd.next[sender]++, "what a sender sends arrives once and in order");
    crowd.run++;
}

static void run_numbered(green_post *post, int error) {
    const struct numbered *numbered = (const struct numbered *)post;
    must(error, "a post");
    arrived(numbered->sender, numbered->number);
}

static void *post_all(void *posts) {
    for (long i = 0; i < crowd.each; i++)
        must(green_hub_post(crowd.hub, &((struct numbered *)posts)[i].post), "green_hub_post");
    return NULL;
}

static void *send_all(void *posts) {
    uint64_t sender = (uint64_t)((struct numbered *)posts)->sender;
    for (uint64_t i = 0; i < (uint64_t)crowd.each; i++)
        must(green_channel_send(crowd.channel, &(uint64_t){sender << NUMBER_BITS | i}, GREEN_FOREVER),
             "green_channel_send");
    return NULL;
}

static void receive_all(void) {
    uint64_t item;
    for (long i = 0; i < SENDERS * crowd.each; i++) {
        must(green_channel_receive(crowd.channel, &item, GREEN_FOREVER), "green_channel_receive");
        arrived((int)(item >> NUMBER_BITS), (long)(item & UINT32_MAX));
    }
}

static double from_crowd(long steps, bool by_channel) {
    pthread_t senders[SENDERS];
    crowd.hub = green_hub_current();
    crowd.each = steps / SENDERS;
    crowd.run = 0;
    for (int i = 0; i < SENDERS; i++) {
        crowd.next[i] = 0;
        crowd.posts[i] = calloc((size_t)crowd.each, sizeof **crowd.posts);
        expect(crowd.posts[i] != NULL, "there is memory");
        for (long number = 0; number < crowd.each; number++)
            crowd.posts[i][number] = (struct numbered){{.run = run_numbered}, i, number};
    }
    double begin = clock_ns();
    for (int i = 0; i < SENDERS; i++)
        senders[i] = start_on_core(1, by_channel ? send_all : post_all, crowd.posts[i]);
    if (by_channel)
        receive_all();
    while (crowd.run < SENDERS * crowd.each)
        must(green_yield(), "green_yield");
    double taken = clock_ns() - begin;
    for (int i = 0; i < SENDERS; i++) {
        expect(pthread_join(senders[i], NULL) == 0, "the OS thread ends");
        free(crowd.posts[i]);
    }
    return taken;
}

static double crowd_posts(long steps, void *unused) {
    (void)unused;
    return from_crowd(steps, false);
}

static double crowd_sends(long steps, void *unused) {
    (void)unused;
    crowd.channel = make_channel(1024);
    double taken = from_crowd(steps, true);
    green_channel_release(crowd.channel);
    return taken;
}

void bench_hub(void) {
    measure_busy();
    measure_sleeping();
    figure_measure("post of 8 OS threads", SENDERS, 1000000, crowd_posts, NULL);
    figure_measure("channel item of 8 OS threads", SENDERS, 1000000, crowd_sends, NULL);
}
