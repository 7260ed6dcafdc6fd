/* A TLS connection whose bytes, interrupts and calls an input decides.
 *
 * Two ends, each with two threads, are joined by a relay that can do all that a
 * network and its attackers can. Whatever they do, what one end reads is what
 * the other wrote, an end of the stream was meant by the peer, an error has its
 * reason, every call ends, and nothing is left. */
#ifndef GREEN_FUZZ_H
#define GREEN_FUZZ_H

#include "helpers.h"
#include "tls_helpers.h"

/* The input, taken from the front; zeros once it is used up. */
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

/* From here on OpenSSL's random numbers are ours, one sequence for each end, and
 * its clock stands still: the same input makes the same bytes. */
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

/* A thread of an end, and what it is still to do. */
struct slot {
    struct end *end;
    green_thread *thread;
    struct order orders[ORDERS_MAX];
    size_t count;
    enum call current;
    bool calling; /* it is in current */
    bool killed;  /* and has not heard of it */
};

struct end {
    enum role role;
    struct world *world;
    struct end *peer;
    green_socket *socket; /* NULL: the input speaks for this end */
    green_tls_context *context;
    const char *host;
    uint64_t random;
    struct slot slots[SLOTS];

    /* What really happened, as the records tell. */
    uint64_t accepted; /* bytes that became records; or were sent, without TLS */
    uint64_t received;
    size_t record; /* the size of the last record */
    unsigned goodbyes, starts, stops;
    uint64_t goodbye_at[STOPS_MAX + 1]; /* accepted, then */
    bool closed, shut_read, shut_write;
    bool failed; /* has refused what came */
    bool timed;  /* has had a timeout that may have been over */
};

void end_open(struct end *end, int fd, bool small_fragments);
void end_order(struct slot *slot, const struct order *order);
void end_kill(struct slot *slot);

/* Puts threads that have ended away; returns whether any is left. */
bool end_reap(struct end *end);

/* The relay ----------------------------------------------------------------- */

/* One direction. */
struct way {
    int *from, *to;
    uint8_t *queue;
    size_t count;
    size_t piece;  /* at most so much is passed on at once; 0: all */
    bool held;     /* nothing is */
    bool ended;    /* nothing more comes */
    bool finished; /* and that has been passed on */
    bool sunk;     /* what comes is thrown away */
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
    uint64_t progress; /* what the relay has moved, and calls that have ended */
    size_t budget;     /* bytes that may still be written */
    unsigned ticks;
    green_tls_version version; /* the highest that both have */
    bool wrong_host;
    bool hasty;        /* the server's handshake has no time at all */
    bool damaged, cut; /* by the relay */
    bool muddled;      /* what is plain cannot be told from what is TLS */
};

/* One round of the relay and the hub. Returns whether anything happened. */
bool world_tick(struct world *world);

/* Rounds until nothing happens any more. */
void world_settle(struct world *world, unsigned limit);

/* To be called in each round of a wait for what must happen. */
void be_patient(int round);

void check_nothing_left(void);

/* Seeds --------------------------------------------------------------------- */

/* The steps of an input: a byte for what, one for where, one for how much. */
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

/* The first byte of a connection; the second has the pieces of both ways. */
enum {
    RAW = 1, /* the rest of the input is what the peer sends */
    CLIENT_1_2 = 2,
    SERVER_1_2 = 4,
    MUTUAL = 8,
    RAW_CLIENT = 16, /* it is the client that it is sent to */
    SMALL_BUFFERS = 64,
    SMALL_FRAGMENTS = 128,
};

/* The third byte: its lowest four bits. */
enum { WRONG_HOST = 1, HASTY = 2 };

/* What a recorded peer writes before its goodbye. */
enum { RAW_BYTES = 700 };

void fuzz_one(const uint8_t *bytes, size_t size);

/* Two ends that talk without any disturbance; their records are kept in kept[]. */
struct recording {
    uint8_t *bytes;
    size_t size;
};
void fuzz_record(green_tls_version version, struct recording kept[2]);

/* Plays it to the other end, which must get all of it. */
void fuzz_replay(const uint8_t *input, size_t size);

/* Writes inputs to begin with into a directory. */
void write_seeds(const char *directory);

#endif
