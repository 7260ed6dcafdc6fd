/* Posts: each runs once, on its hub, in the order of its sender. */
#include "sites.h"

/* More than one iteration of the event loop runs, and more than one puts into order. */
enum { BATCH_MAX = 2, FLOOD = 300, GREAT_FLOOD = 5000 };

struct site_post {
    green_post post;
    int from, to;
    uint32_t number;
};

/* From each site to each hub. */
static struct { uint32_t sent, run; } counts[SITES_MAX][SITES_MAX];

static uint32_t flood; /* one batch of this run has this many posts; 0: none */

void posts_begin(void) {
    memset(counts, 0, sizeof counts);
    flood = chance(100) ? FLOOD : chance(30) ? GREAT_FLOOD : 0;
}

static void post_one(int from, int to);

static void run(green_post *base, int error) {
    struct site_post *post = (struct site_post *)base;
    struct site *site = &program.sites[post->to];
    CHECK(turn_self(), ==, post->to);
    CHECK(post->number, ==, counts[post->from][post->to].run++);
    CHECK(error == 0 || (error == -ESRCH && site->dies && site->closing));
    int to = post->from;
    free(post);
    if (error < 0)
        return;
    CHECK(green_hub_current() == site->hub);
    if (chance(50))
        CHECK(green_sleep(0), ==, -EWOULDBLOCK);
    if (program.sites[to].has_hub && chance(200))
        post_one(site->number, to);
    if (chance(100))
        channels_try(&site->root);
}

static void post_one(int from, int to) {
    green_hub *hub = program.sites[to].hub;
    if (!hub)
        return;
    struct site_post *post = malloc(sizeof *post);
    CHECK(post);
    *post = (struct site_post){.post.run = run, .from = from, .to = to, .number = counts[from][to].sent};
    int error = green_hub_post(hub, &post->post);
    if (error == 0) {
        counts[from][to].sent++;
        return;
    }
    CHECK(error, ==, -ESRCH);
    CHECK(program.sites[to].closing);
    CHECK(counts[from][to].run, ==, counts[from][to].sent);
    free(post);
}

void posts_flood(const struct site *site) {
    for (int i = 0; i < FLOOD; i++)
        post_one(site->number, site->number);
}

void posts_act(struct site_actor *actor) {
    int to = some_hub()->number;
    uint32_t count = 1 + below(BATCH_MAX);
    if (flood > 0 && actor->site->has_hub && chance(200)) {
        to = actor->site->number; /* it cannot run them meanwhile, so it takes all at once */
        count = flood;
        flood = 0;
    }
    for (uint32_t i = 0; i < count; i++)
        post_one(actor->site->number, to);
}

void posts_end(void) {
    for (uint32_t from = 0; from < program.site_count; from++)
        for (uint32_t to = 0; to < program.site_count; to++)
            CHECK(counts[from][to].run, ==, counts[from][to].sent);
}
