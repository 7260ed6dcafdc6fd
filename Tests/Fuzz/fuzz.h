/* A TLS connection whose bytes, interrupts and calls are chosen by the fuzzer's input.
 *
 * A relay between two ends, each with two threads, does all that a network and its attackers
 * can do. Invariants: an end reads what the other end wrote; the stream ends only where the
 * peer ended it; each error has a reason; each call ends; nothing is left. */
#ifndef GREEN_FUZZ_H
#define GREEN_FUZZ_H

#include "helpers.h"
#include "tls_helpers.h"

/* The input, taken from the front; then zeros. */
struct input {
    const uint8_t *bytes;
    size_t left;
};

static inline uint8_t take(struct input *input) {
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

/* Randomness and time ------------------------------------------------------- */

/* Replaces OpenSSL's random numbers by one fixed sequence for each end, and stops its clock,
 * so that the same input makes the same bytes. */
void fix_randomness(void);
uint64_t next_random(uint64_t *state);

/* Ends ---------------------------------------------------------------------- */

enum role { CLIENT, SERVER };

enum call {
    READ,
    READ_EXACTLY,
    READ_LINE,
    RECEIVE,
    DRAIN, /* reads to the end */
    WRITE,
    WRITE_PIECES,
    WRITE_SOME,
    REKEY, /* and writes; TLS 1.3 */
    SHUT_DOWN,
    CLOSE,
    HANDSHAKE,
    STOP,
    START,
    DESCRIBE,
    CALLS,
};

struct order {
    enum call call;
    size_t size;
    uint8_t detail;
    int64_t limit; /* of a green_timeout; negative: none */
};

enum { SLOTS = 2, ORDERS_MAX = 16, STOPS_MAX = 3 };

/* A thread of an end, and its remaining orders. */
struct slot {
    struct end *end;
    green_thread *thread;
    struct order orders[ORDERS_MAX];
    size_t count;
    enum call current;
    bool calling; /* it is in the call current */
    bool killed;  /* and no call has returned -ECANCELED yet */
};

struct end {
    enum role role;
    struct world *world;
    struct end *peer;
    green_socket *socket; /* NULL: the input is the output of this end */
    green_tls_context *context;
    const char *host;
    uint64_t random;
    struct slot slots[SLOTS];

    /* What happened, according to the records. */
    uint64_t accepted; /* bytes that became records; or were sent, without TLS */
    uint64_t received;
    size_t record; /* the size of the last record */
    unsigned close_notifies, starts, stops;
    uint64_t close_notify_at[STOPS_MAX + 1]; /* accepted at that time */
    bool closed, shut_read, shut_write;
    bool failed; /* a call has failed with -EPROTO */
    bool timed;  /* has had a timeout that may have expired */
};

void end_open(struct end *end, int fd, bool small_fragments);
void end_order(struct slot *slot, const struct order *order);
void end_kill(struct slot *slot);

/* Releases threads that have ended. Returns whether any is left. */
bool end_reap(struct end *end);

/* The relay ----------------------------------------------------------------- */

/* One direction. */
struct way {
    int *from, *to;
    uint8_t *queue;
    size_t count;
    size_t piece;  /* maximum size to pass on at once; 0: no limit */
    bool held;     /* nothing is passed on */
    bool ended;    /* the sender has ended */
    bool finished; /* the end has been passed on */
    bool sunk;     /* bytes are discarded */
    uint8_t *record;
    size_t recorded;
};

enum { QUEUE_MAX = 1 << 20, RECORD_BYTES_MAX = 1 << 16 };

enum damage { FLIP, DROP, REPEAT, INSERT, SWAP, DAMAGES };

/* Both return whether anything moved. */
bool way_pull(struct way *way);
bool way_pass(struct way *way);

/* Returns whether there was anything to damage. */
bool way_damage(struct way *way, enum damage damage, uint8_t place, uint8_t size, struct input *input);

/* The world ----------------------------------------------------------------- */

struct world {
    struct end ends[2];
    int fds[2]; /* the relay's side of each end; -1: closed */
    struct way ways[2];
    uint64_t progress; /* counts moves of the relay and ended calls */
    size_t budget;     /* bytes that may still be written */
    unsigned ticks;
    green_tls_version version; /* the highest that both support */
    bool wrong_host;
    bool hasty;        /* the server's handshake times out at once */
    bool damaged, cut; /* by the relay */
    bool muddled;      /* plain data cannot be told from TLS */
};

/* Runs the relay and the hub once. Returns whether anything happened. */
bool world_tick(struct world *world);

/* Repeats world_tick() until nothing happens. */
void world_settle(struct world *world, unsigned limit);

/* Call it in each iteration of a loop that waits for something that must happen. */
void be_patient(int round);

void check_nothing_left(void);

/* Seeds --------------------------------------------------------------------- */

/* The steps of an input, three bytes each: the step, the place and the amount. */
enum step {
    /* The first CALLS are calls. */
    DAMAGE = CALLS, /* the next DAMAGES */
    HOLD = DAMAGE + DAMAGES,
    LET_GO,
    PIECES,
    SETTLE,
    KILL,
    TIMEOUTS,
    CUT_HALF,
    CUT_ALL,
    RESET,
    AGAIN, /* another connection, which may resume the session */
    STEPS,
};

/* The second byte of a step. */
enum {
    AT_SERVER = 1,
    SECOND_SLOT = 2,
    LIMITED = 4,
    LIMITED_LATER = 8,
    TICKS_SHIFT = 4, /* two bits */
    DETAIL_SHIFT = 6,
};

/* The first byte of a connection. The second has the piece sizes of both directions. */
enum {
    RAW = 1, /* the rest of the input is the output of the peer */
    CLIENT_1_2 = 2,
    SERVER_1_2 = 4,
    MUTUAL = 8,
    RAW_CLIENT = 16, /* it is sent to the client */
    SMALL_BUFFERS = 64,
    SMALL_FRAGMENTS = 128,
};

/* The third byte: its lowest four bits. */
enum { WRONG_HOST = 1, HASTY = 2 };

/* The number of bytes that a recorded peer writes before its close_notify. */
enum { RAW_BYTES = 700 };

void fuzz_one(const uint8_t *bytes, size_t size);

/* Runs two ends without any disturbance and keeps their records in kept[]. */
struct recording {
    uint8_t *bytes;
    size_t size;
};
void fuzz_record(green_tls_version version, struct recording kept[2]);

/* Replays a recording to the other end, which must receive all data. */
void fuzz_replay(const uint8_t *input, size_t size);

/* Writes the initial corpus to a directory. */
void write_seeds(const char *directory);

#endif
