/* Interprets an input, and ends its connections. */
#include "fuzz.h"

#include "tls/connection.h"
#include "tls/internal.h"

#include <openssl/err.h>
#include <sys/socket.h>

enum { STEPS_MAX = 150, TICKS_MAX = 1500, BUDGET = 400 * 1000, PATIENCE = 20000 };

/* Contexts ------------------------------------------------------------------ */

/* Made once, by version. */
static green_tls_context *clients[2], *strangers[2], *servers[2][2], *hasty;

static struct certificate peer_certificate(const char *names) {
    return make_certificate(&(struct certificate_options){.names = names, .issuer = authority()});
}

/* A ticket contains the client's certificate. With this long one and small fragments it
 * arrives in several records. */
#define LONG_NAME "DNS:a-name-that-takes-a-lot-of-room-in-a-certificate.and-in-a-ticket."

static void make_contexts(void) {
    static const char *const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    static const unsigned char ticket_key[GREEN_TLS_TICKET_KEY_SIZE] = "a key that is the same in every run";
    struct certificate of_server = peer_certificate("DNS:*.green.test");
    struct certificate of_client = peer_certificate(LONG_NAME "one," LONG_NAME "two," LONG_NAME "three");
    green_tls_identity server = identity(&of_server), client = identity(&of_client);
    green_tls_options options = {
        .authorities = pem(authority()->chain), .identity_count = 1, .ciphers = ciphers, .ticket_key = ticket_key};
    for (int old = 0; old < 2; old++) {
        options.maximum = old ? GREEN_TLS_1_2 : GREEN_TLS_1_3;
        options.role = GREEN_TLS_CLIENT;
        options.identities = &client;
        clients[old] = context_of(options);
        options.no_resumption = true;
        strangers[old] = context_of(options);
        options.no_resumption = false;
        options.role = GREEN_TLS_SERVER;
        options.identities = &server;
        servers[old][false] = context_of(options);
        options.verification = GREEN_TLS_VERIFY_REQUIRED;
        servers[old][true] = context_of(options);
        options.verification = GREEN_TLS_VERIFY_DEFAULT;
    }
    options.maximum = GREEN_TLS_1_3;
    options.handshake_timeout = 1;
    hasty = context_of(options);
    free_certificate(&of_server);
    free_certificate(&of_client);
}

static green_tls_config *config_of(const struct end *end) {
    return green__tls_ex_data(green__tls_of(end->socket)->ssl)->config;
}

/* The clients' configurations, after their first use. */
static green_tls_config *remembering[2];

/* Otherwise an input would depend on those before it. */
static void forget_sessions(void) {
    for (int i = 0; i < 2; i++)
        if (remembering[i])
            green__tls_session_cache_clear(&remembering[i]->sessions);
}

/* Running ------------------------------------------------------------------- */

/* A thread that waits for another one needs one that will wake it. */
static void check_waiting(const struct end *end) {
    const green_tls *tls = end->socket ? green__tls_of(end->socket) : NULL;
    CHECK(!tls || green__wait_list_is_empty(&tls->waiters) || tls->in_handshake || tls->sending || tls->receiving);
}

bool world_tick(struct world *world) {
    uint64_t before = world->progress;
    for (int i = 0; i < 2; i++)
        world->progress += way_pass(&world->ways[i]);
    CHECK(green_yield(), ==, 0);
    for (int i = 0; i < 2; i++)
        world->progress += way_pull(&world->ways[i]);
    for (int i = 0; i < 2; i++) {
        end_reap(&world->ends[i]);
        check_waiting(&world->ends[i]);
    }
    world->ticks++;
    return world->progress != before;
}

void world_settle(struct world *world, unsigned limit) {
    enum { QUIET = 6 };
    unsigned quiet = 0;
    for (unsigned i = 0; i < limit && quiet < QUIET; i++)
        quiet = world_tick(world) ? 0 : quiet + 1;
}

/* Setting up ---------------------------------------------------------------- */

static size_t piece_of(unsigned choice) {
    static const size_t pieces[16] = {0, 0, 0, 1, 2, 3, 5, 6, 17, 100, 250, 517, 1000, 1400, 4096, 16384};
    return pieces[choice % 16];
}

static void make_small(int fd) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int));
}

/* Connects an end to the relay. Returns the end's descriptor. */
static int join(struct world *world, enum role role, bool small) {
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    world->fds[role] = fds[1];
    for (int i = 0; small && i < 2; i++)
        make_small(fds[i]);
    return fds[0];
}

static struct world *world_begin(void) {
    static struct world world;
    static uint8_t queues[2][QUEUE_MAX];
    world = (struct world){.fds = {-1, -1}, .budget = BUDGET};
    for (int i = 0; i < 2; i++) {
        struct end *end = &world.ends[i];
        *end = (struct end){.role = (enum role)i, .world = &world, .peer = &world.ends[!i], .random = 1u + (unsigned)i};
        for (int j = 0; j < SLOTS; j++)
            end->slots[j].end = end;
        world.ways[i] = (struct way){.from = &world.fds[i], .to = &world.fds[!i], .queue = queues[i]};
    }
    return &world;
}

static struct world *world_of(struct input *input, uint8_t flags) {
    struct world *world = world_begin();
    uint8_t pieces = take(input), rare = take(input) & 15;
    bool old_client = flags & CLIENT_1_2, old_server = flags & SERVER_1_2;
    world->wrong_host = rare == WRONG_HOST;
    world->hasty = rare == HASTY;
    world->version = old_client || (old_server && !world->hasty) ? GREEN_TLS_1_2 : GREEN_TLS_1_3;
    world->ends[CLIENT].context = clients[old_client];
    world->ends[CLIENT].host = world->wrong_host ? "other.test" : "one.green.test";
    world->ends[SERVER].context = world->hasty ? hasty : servers[old_server][(flags & MUTUAL) != 0];
    for (int i = 0; i < 2; i++) {
        end_open(&world->ends[i], join(world, (enum role)i, flags & SMALL_BUFFERS), flags & SMALL_FRAGMENTS);
        world->ways[i].piece = piece_of(i ? pieces >> 4 : pieces);
    }
    remembering[old_client] = config_of(&world->ends[CLIENT]);
    return world;
}

/* Ending -------------------------------------------------------------------- */

static bool is_drained(const struct slot *slot) {
    return slot->calling && slot->current == DRAIN;
}

/* Whether the peer has received all that this end wrote, or is not expected to. */
static bool has_arrived(const struct end *end) {
    const struct world *world = end->world;
    const struct end *peer = end->peer;
    const green_tls *tls = green__tls_of(end->socket);
    if (end->closed || end->stops > 0 || peer->stops > 0 || !is_drained(&peer->slots[0]) || peer->shut_read)
        return true;
    if (tls->failure || tls->output.count > 0 || tls->sending || world->ways[end->role].count > 0)
        return true; /* of an interrupted write: the next one sends it */
    return peer->received == end->accepted;
}

static bool has_finished_handshake(const struct end *end) {
    return green__tls_of(end->socket)->handshake_done;
}

/* Without any disturbance the handshake finishes and everything arrives. */
static bool is_complete(struct world *world) {
    struct end *client = &world->ends[CLIENT], *server = &world->ends[SERVER];
    if (world->damaged || world->cut || world->muddled || world->wrong_host || world->hasty)
        return true;
    bool both = !client->closed && !server->closed && !client->shut_read && !server->shut_read;
    if (both && client->stops + server->stops == 0 && is_drained(&client->slots[0]) && is_drained(&server->slots[0]) &&
        !(has_finished_handshake(client) && has_finished_handshake(server)))
        return false;
    return has_arrived(client) && has_arrived(server);
}

/* The relay passes everything on, and both ends read to the end, then send close_notify. */
static void finish_talking(struct world *world) {
    static const struct order drain = {.call = DRAIN, .limit = GREEN_FOREVER};
    static const struct order shutdown = {.call = SHUT_DOWN, .limit = GREEN_FOREVER};
    for (int i = 0; i < 2; i++) {
        world->ways[i].held = false;
        world->ways[i].piece = 0;
        if (world->ends[i].socket)
            green_socket_set_timeouts(world->ends[i].socket, GREEN_FOREVER, GREEN_FOREVER);
    }
    world_settle(world, PATIENCE);
    for (int i = 0; i < 2; i++)
        if (!world->ends[i].slots[0].thread)
            end_order(&world->ends[i].slots[0], &drain);
    world_settle(world, PATIENCE);
    for (int i = 0; i < 1000 && !is_complete(world); i++) {
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0); /* gives late bytes time to arrive */
        world_tick(world);
    }
    CHECK(is_complete(world));
    for (int i = 0; i < 2; i++)
        if (!world->ends[i].slots[1].thread)
            end_order(&world->ends[i].slots[1], &shutdown);
    world_settle(world, PATIENCE);
}

static bool is_busy(struct world *world) {
    bool first = end_reap(&world->ends[0]), second = end_reap(&world->ends[1]);
    return first || second;
}

/* The kernel's own threads may be busy, so a few iterations may not be enough. */
void be_patient(int round) {
    if (round > 200)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
}

static void hang_up(struct world *world, enum role role) {
    if (world->fds[role] >= 0)
        close(world->fds[role]);
    world->fds[role] = -1;
    world->cut = true;
}

static void world_end(struct world *world) {
    finish_talking(world);
    hang_up(world, CLIENT);
    hang_up(world, SERVER);
    for (int i = 0; i < PATIENCE && is_busy(world); i++) {
        world_tick(world);
        be_patient(i);
    }
    CHECK(!is_busy(world)); /* each call ends after the peer has disconnected */
    for (int i = 0; i < 2; i++)
        green_socket_release(world->ends[i].socket);
    check_nothing_left();
}

/* Steps --------------------------------------------------------------------- */

static size_t size_of(uint8_t choice) {
    static const size_t sizes[16] = {0,     128,   255,   256,   512,   1000,  4096,   8192,
                                     16383, 16384, 16385, 20000, 40000, 65536, 131072, 140000};
    return choice < 128 ? choice : sizes[choice % 16];
}

static void set_timeouts(struct end *end, uint8_t choice) {
    const int64_t times[4] = {GREEN_FOREVER, 0, 20 * GREEN_MICROSECOND, 3600 * GREEN_SECOND};
    int64_t read = times[choice % 4], write = times[choice / 4 % 4];
    end->timed |= (read >= 0 && read < GREEN_SECOND) || (write >= 0 && write < GREEN_SECOND);
    green_socket_set_timeouts(end->socket, read, write);
}

static void cut_half(struct world *world, struct way *way) {
    way->count = 0;
    way->held = false;
    way->ended = true;
    way_pass(way);
    world->cut = true;
}

/* Damage to plain bytes cannot be detected. */
static void damage(struct world *world, struct way *way, enum step step, uint8_t size, struct input *input) {
    if (world->ends[CLIENT].stops + world->ends[SERVER].stops > 0)
        return;
    uint8_t place = take(input);
    way_pull(way);
    world->damaged |= way_damage(way, (enum damage)(step - DAMAGE), place, size, input);
}

static void step(struct world *world, enum step step, uint8_t where, uint8_t size, struct input *input) {
    struct end *end = &world->ends[where & AT_SERVER];
    struct way *way = &world->ways[where & AT_SERVER];
    struct slot *slot = &end->slots[(where & SECOND_SLOT) != 0];
    if ((unsigned)step < CALLS) {
        int64_t limit = where & LIMITED_LATER ? 20 * GREEN_MICROSECOND : 0;
        end_order(slot, &(struct order){.call = (enum call)step,
                                        .size = size_of(size),
                                        .detail = where >> DETAIL_SHIFT,
                                        .limit = where & LIMITED ? limit : GREEN_FOREVER});
        return;
    }
    switch (step) {
    case HOLD:
        way->held = true;
        break;
    case LET_GO:
        way->held = false;
        break;
    case PIECES:
        way->piece = size;
        break;
    case SETTLE:
        world_settle(world, 50u + 4u * size);
        break;
    case KILL:
        end_kill(slot);
        break;
    case TIMEOUTS:
        set_timeouts(end, size);
        break;
    case CUT_HALF:
        cut_half(world, way);
        break;
    case CUT_ALL:
        hang_up(world, CLIENT);
        hang_up(world, SERVER);
        break;
    case RESET:
        hang_up(world, end->role);
        break;
    default:
        damage(world, way, step, size, input);
    }
}

/* Returns whether the input has another connection. */
static bool run_steps(struct world *world, struct input *input) {
    static const unsigned ticks[4] = {0, 1, 3, 12};
    for (int i = 0; i < STEPS_MAX && input->left > 0 && world->ticks < TICKS_MAX; i++) {
        enum step what = take(input) % STEPS;
        uint8_t where = take(input), size = take(input);
        if (what == AGAIN)
            return true;
        step(world, what, where, size, input);
        for (unsigned j = 0; j < ticks[where >> TICKS_SHIFT & 3]; j++)
            world_tick(world);
    }
    return false;
}

/* Raw input ----------------------------------------------------------------- */

static const char raw_host[] = "raw.green.test";

static void order_all(struct end *end, const struct order *orders, size_t count) {
    for (size_t i = 0; i < count; i++)
        end_order(&end->slots[0], &orders[i]);
}

static void order_raw(struct end *end) {
    static const struct order orders[] = {
        {.call = HANDSHAKE, .limit = GREEN_FOREVER},
        {.call = WRITE, .size = RAW_BYTES, .limit = GREEN_FOREVER},
        {.call = READ_EXACTLY, .size = 100, .limit = GREEN_FOREVER},
        {.call = DRAIN, .limit = GREEN_FOREVER},
        {.call = SHUT_DOWN, .limit = GREEN_FOREVER},
    };
    order_all(end, orders, sizeof orders / sizeof *orders);
}

static void open_raw(struct world *world, enum role role, bool old) {
    struct end *end = &world->ends[role];
    world->version = old ? GREEN_TLS_1_2 : GREEN_TLS_1_3;
    end->context = role == CLIENT ? strangers[old] : servers[old][false];
    end->host = role == CLIENT ? raw_host : NULL;
    end_open(end, join(world, role, false), false);
}

/* Only the recorded peer knows the keys, so only its data can be read, and only it can end
 * the stream. */
static struct world *world_raw(struct input *input, uint8_t flags) {
    struct world *world = world_begin();
    enum role role = flags & RAW_CLIENT ? CLIENT : SERVER;
    struct end *end = &world->ends[role], *peer = end->peer;
    struct way *in = &world->ways[peer->role];
    open_raw(world, role, flags & CLIENT_1_2);
    peer->accepted = peer->close_notify_at[0] = RAW_BYTES;
    peer->close_notifies = 1;
    peer->closed = true;
    in->piece = piece_of(take(input));
    in->count = input->left < QUEUE_MAX ? input->left : QUEUE_MAX;
    memcpy(in->queue, input->bytes, in->count);
    in->ended = true;
    world->ways[role].sunk = true;
    world->damaged = true;
    order_raw(end);
    world_settle(world, TICKS_MAX);
    return world;
}

void fuzz_record(green_tls_version version, struct recording kept[2]) {
    struct world *world = world_begin();
    for (int i = 0; i < 2; i++) {
        open_raw(world, (enum role)i, version == GREEN_TLS_1_2);
        world->ways[i].record = kept[i].bytes = malloc(RECORD_BYTES_MAX);
        order_raw(&world->ends[i]);
    }
    world_settle(world, PATIENCE);
    for (int i = 0; i < 2; i++) {
        CHECK(world->ends[i].received, ==, RAW_BYTES);
        kept[i].size = world->ways[i].recorded;
    }
    world_end(world);
}

void fuzz_replay(const uint8_t *bytes, size_t size) {
    struct input input = {bytes, size};
    uint8_t flags = take(&input);
    struct world *world = world_raw(&input, flags);
    CHECK(world->ends[flags & RAW_CLIENT ? CLIENT : SERVER].received, ==, RAW_BYTES);
    world_end(world);
}

/* The entry ----------------------------------------------------------------- */

void fuzz_one(const uint8_t *bytes, size_t size) {
    enum { CONNECTIONS_MAX = 2 };
    struct input input = {bytes, size};
    bool more = true;
    for (int i = 0; i < CONNECTIONS_MAX && more; i++) {
        uint8_t flags = take(&input);
        more = false;
        if (flags & RAW) {
            world_end(world_raw(&input, flags));
        } else {
            struct world *world = world_of(&input, flags);
            more = run_steps(world, &input);
            world_end(world);
        }
    }
    forget_sessions();
    ERR_clear_error();
}

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    CHECK(green_hub_open(NULL), ==, 0);
    fix_randomness();
    make_contexts();
    if (*count == 3 && strcmp((*arguments)[1], "--seeds") == 0) {
        write_seeds((*arguments)[2]);
        exit(0);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_one(bytes, size);
    return 0;
}
