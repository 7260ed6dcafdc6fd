/* The initial corpus: each input gives the fuzzer one thing to vary. */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>

static void write_seed(const char *directory, const char *name, const uint8_t *bytes, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    CHECK(fd, >=, 0);
    CHECK(write(fd, bytes, size), ==, size);
    close(fd);
}

/* The place: an end and one of its threads, and iterations of the relay afterwards. */
enum {
    C0 = 0,
    C1 = SECOND_SLOT,
    S0 = AT_SERVER,
    S1 = AT_SERVER | SECOND_SLOT,
    ROUND = 1 << TICKS_SHIFT,
    THREE_ROUNDS = 2 << TICKS_SHIFT,
    ROUNDS = 3 << TICKS_SHIFT,
    DETAIL = 1 << DETAIL_SHIFT,
    /* Amounts. */
    KILOBYTE = 128 + 5,
    RECORD = 128 + 9,
    RECORDS = 128 + 12,
    BATCHES = 128 + 15,
    WHOLE_RECORD = 255,
};

#define CONNECT HANDSHAKE, C1, 0, HANDSHAKE, S1, 0, SETTLE, 0, 100

static const struct {
    const char *name;
    size_t size;
    uint8_t bytes[96];
} seeds[] = {
#define SEED(name, ...)                                                                                                \
    {                                                                                                                  \
        name, sizeof((uint8_t[]){__VA_ARGS__}), {                                                                      \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
    SEED("talk", 0, 0, 0, WRITE, C1, KILOBYTE, READ, S0 | ROUNDS, KILOBYTE, WRITE_PIECES, S1 | DETAIL, 100, RECEIVE,
         C0 | ROUNDS, 30, READ_EXACTLY, C0 | ROUNDS, 70, DESCRIBE, C1 | ROUND, 0),
    SEED("talk-1.2", CLIENT_1_2, 0, 0, WRITE, C1, KILOBYTE, READ_LINE, S0 | ROUNDS, KILOBYTE, WRITE_SOME, S1 | ROUNDS,
         RECORD, READ_LINE, C0 | ROUNDS, 90, DESCRIBE, S1 | ROUND, 0),
    SEED("pieces", 0, 0x68, 0, WRITE, C1, KILOBYTE, WRITE, S1, RECORD, SETTLE, 0, 255, DRAIN, S0, 0, SETTLE, 0, 255),
    SEED("bytewise-1.2", CLIENT_1_2, 0x33, 0, WRITE, C1, 100, SETTLE, 0, 255, SETTLE, 0, 255, READ, S0 | ROUNDS, 100),
    SEED("both-ways", SMALL_BUFFERS, 0xfe, 0, DRAIN, C0, 0, DRAIN, S0, 0, WRITE, C1, BATCHES, WRITE, S1 | ROUNDS,
         BATCHES, SETTLE, 0, 255),
    SEED("killed-writer", SMALL_BUFFERS, 0, 0, CONNECT, WRITE, C1 | ROUNDS, BATCHES, KILL, C1 | ROUND, 0, WRITE, C1,
         100, DRAIN, S0 | ROUNDS, 0),
    SEED("killed-handshake", 0, 0x90, 0, READ, C0 | ROUND, 50, KILL, C0 | ROUND, 0, WRITE, C1 | ROUND, 50, WRITE,
         S1 | ROUNDS, 50, KILL, C1, 0, SETTLE, 0, 50),
    SEED("killed-held", SMALL_BUFFERS, 0, 0, CONNECT, HOLD, C0, 0, WRITE, C1 | ROUNDS, RECORDS, KILL, C1 | ROUND, 0,
         REKEY, C1 | ROUNDS, 100, KILL, C1 | ROUND, 0, WRITE_PIECES, C1 | ROUNDS, 100, KILL, C1 | ROUND, 0, LET_GO, C0,
         0, WRITE, C1, 30, DRAIN, S0 | ROUNDS, 0),
    /* A reader answers a key update while a writer sends. */
    SEED("rekeyed-sending", SMALL_BUFFERS, 0, 0, CONNECT, READ, C0 | ROUND, 100, HOLD, C0, 0, WRITE, C1 | ROUNDS,
         RECORDS, REKEY, S1 | DETAIL | ROUNDS, 10, REKEY, S1 | DETAIL | ROUNDS, 10, READ, C0 | ROUNDS, 100, KILL,
         C1 | ROUND, 0, LET_GO, C0, 0, WRITE, C1, 30, DRAIN, S0 | ROUNDS, 0),
    SEED("limited", SMALL_BUFFERS, 0, 0, CONNECT, WRITE, C1 | LIMITED | ROUNDS, RECORDS, READ_EXACTLY,
         S0 | LIMITED | ROUNDS, RECORD, TIMEOUTS, S0, 5, READ, S0 | ROUND, 9, WRITE, S1 | ROUNDS, RECORDS, TIMEOUTS, S0,
         0, WRITE, S1, 10),
    SEED("close-notify", 0, 0, 0, CONNECT, WRITE, C1, 50, SHUT_DOWN, C1 | ROUNDS, 0, WRITE, S1, 60, DRAIN, S0 | ROUNDS,
         0, SHUT_DOWN, S1 | ROUNDS, 0),
    SEED("close-notify-again", SMALL_BUFFERS, 0, 0, CONNECT, HOLD, C0, 0, WRITE, C1 | ROUNDS, RECORDS, KILL, C1 | ROUND,
         0, SHUT_DOWN, C1 | ROUNDS, 0, KILL, C1 | ROUND, 0, SHUT_DOWN, C1 | ROUND, 0, LET_GO, C0, 0, DRAIN, S0 | ROUNDS,
         0),
    SEED("unwrap", 0, 0, 0, CONNECT, STOP, C1 | ROUND, 0, STOP, S1 | ROUNDS, 0, WRITE, C1, 40, READ, S0 | ROUNDS, 40),
    SEED("unwrap-unread", 0, 0, 0, CONNECT, WRITE, S1 | ROUND, 20, STOP, C1 | ROUNDS, 0, DRAIN, C0 | ROUNDS, 0),
    SEED("unwrap-reading", 0, 0, 0, CONNECT, STOP, C1 | ROUND, 0, READ, C0 | ROUND, 10, STOP, S1 | ROUNDS, 0),
    SEED("unwrap-rekeyed", 0, 0, 0, CONNECT, STOP, S1 | ROUNDS, 0, REKEY, C1 | DETAIL | ROUNDS, 0, REKEY,
         C1 | DETAIL | ROUNDS, 0, STOP, C1 | ROUNDS, 0, READ, C0 | ROUNDS, 50),
    SEED("wrap-again", 0, 0, 0, CONNECT, STOP, C1 | ROUND, 0, STOP, S1 | ROUNDS, 0, START, S1 | ROUND, 0, START,
         C1 | ROUNDS, 0, WRITE, C1, 80, READ, S0 | ROUNDS, 80),
    SEED("rekey", 0, 0x90, 0, CONNECT, REKEY, C1 | DETAIL, 100, DRAIN, S0 | ROUNDS, 0, DRAIN, C0 | ROUND, 0, REKEY, S1,
         KILOBYTE, WRITE, S1 | ROUNDS, 10),
    SEED("resumed", 0, 0, 0, CONNECT, WRITE, S1, 10, READ, C0 | ROUNDS, 10, AGAIN, 0, 0, 0, 0, 0, CONNECT, DESCRIBE,
         C1 | ROUNDS, 0),
    SEED("resumed-1.2", CLIENT_1_2, 0, 0, CONNECT, AGAIN, 0, 0, CLIENT_1_2, 0, 0, CONNECT, DESCRIBE, C1 | ROUNDS, 0),
    SEED("mutual", MUTUAL | SMALL_FRAGMENTS, 0x80, 0, DRAIN, C0, 0, WRITE, C1 | ROUNDS, 10, WRITE, C1 | ROUND, 20,
         WRITE, C1 | ROUND, 20, SETTLE, 0, 255),
    /* A write after the client has received half of a ticket. */
    SEED("half-a-ticket", MUTUAL | SMALL_FRAGMENTS, 0, 0, HOLD, C0, 0, DRAIN, C0, 0, HANDSHAKE, S1, 0, SETTLE, 0, 9,
         LET_GO, C0 | ROUND, 0, HOLD, C0, 0, SETTLE, 0, 9, HOLD, S0, 0, LET_GO, C0, 0, SETTLE, 0, 9, PIECES, S0, 200,
         LET_GO, S0 | THREE_ROUNDS, 0, HOLD, S0, 0, WRITE, C1, 10, SETTLE, 0, 9, LET_GO, S0, 0, WRITE, S1, 10, SETTLE,
         0, 9, DRAIN, S0, 0, SETTLE, 0, 50),
    SEED("half-a-ticket-close-notify", MUTUAL | SMALL_FRAGMENTS, 0, 0, HOLD, C0, 0, HANDSHAKE, C0, 0, HANDSHAKE, S1, 0,
         SETTLE, 0, 9, LET_GO, C0 | ROUND, 0, HOLD, C0, 0, SETTLE, 0, 9, HOLD, S0, 0, LET_GO, C0, 0, SETTLE, 0, 9,
         PIECES, S0, 200, LET_GO, S0 | THREE_ROUNDS, 0, HOLD, S0, 0, READ, C0 | ROUNDS, 5, SHUT_DOWN, C1, 0, SETTLE, 0,
         9, LET_GO, S0, 0, SETTLE, 0, 9, DRAIN, S0, 0, SETTLE, 0, 50),
    SEED("flipped", 0, 0, 0, CONNECT, WRITE, C1 | ROUND, 100, FLIP + DAMAGE, C0, 3, 60, DRAIN, S0 | ROUNDS, 0),
    SEED("dropped", 0, 0, 0, CONNECT, WRITE, C1, 50, WRITE, C1 | ROUND, 50, DROP + DAMAGE, C0, WHOLE_RECORD, 0, DRAIN,
         S0 | ROUNDS, 0),
    SEED("repeated", 0, 0, 0, CONNECT, WRITE, C1 | ROUND, 50, REPEAT + DAMAGE, C0, WHOLE_RECORD, 0, DRAIN, S0 | ROUNDS,
         0),
    SEED("inserted", 0, 0, 0, WRITE, C1, 50, READ, S0 | ROUND, 10, INSERT + DAMAGE, C0, 7, 0, 21, 3, 3, 0, 2, 1, 0,
         SETTLE, 0, 40),
    SEED("swapped", CLIENT_1_2, 0, 0, CONNECT, WRITE, S1, 50, WRITE, S1 | ROUND, 50, SWAP + DAMAGE, S0, 158, 0, DRAIN,
         C0 | ROUNDS, 0),
    SEED("cut", 0, 0, 0, CONNECT, WRITE, C1 | ROUNDS, 50, CUT_HALF, C0 | ROUND, 0, DRAIN, S0 | ROUNDS, 0),
    SEED("cut-handshake", 0, 0x44, 0, READ, C0, 10, READ, S0 | ROUNDS, 10, CUT_ALL, 0, 0, SETTLE, 0, 9),
    SEED("reset", 0, 0, 0, CONNECT, HOLD, C0, 0, WRITE, C1 | ROUND, 50, READ, C0, 10, RESET, C0 | ROUNDS, 0),
    SEED("closed", SMALL_BUFFERS, 0, 0, CONNECT, READ, C0, 10, WRITE, C1 | ROUND, BATCHES, CLOSE, C0, 0, CLOSE,
         C1 | ROUND, 0, DRAIN, S0 | ROUNDS, 0),
    SEED("wrong-host", 0, 0, WRONG_HOST, CONNECT, READ, C0 | ROUND, 9, WRITE, S1 | ROUND, 9),
    SEED("hasty", 0, 0, HASTY, CONNECT, READ, S0 | ROUND, 9),
    SEED("http", RAW, 0, 'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n', '\r', '\n'),
};

/* Writes the output of one end, to be replayed to the other. */
static void write_recording(const char *directory, green_tls_version version) {
    struct recording kept[2];
    fuzz_record(version, kept);
    for (int to = 0; to < 2; to++) {
        char name[64];
        const struct recording *said = &kept[!to];
        uint8_t *seed = malloc(said->size + 2);
        seed[0] = (uint8_t)(RAW | (to == CLIENT ? RAW_CLIENT : 0) | (version == GREEN_TLS_1_2 ? CLIENT_1_2 : 0));
        seed[1] = 10;
        memcpy(seed + 2, said->bytes, said->size);
        snprintf(name, sizeof name, "raw-%s-1.%d", to == CLIENT ? "client" : "server",
                 version == GREEN_TLS_1_2 ? 2 : 3);
        fuzz_replay(seed, said->size + 2);
        write_seed(directory, name, seed, said->size + 2);
        free(seed);
    }
    for (int i = 0; i < 2; i++)
        free(kept[i].bytes);
}

void write_seeds(const char *directory) {
    CHECK(mkdir(directory, 0777) == 0 || errno == EEXIST);
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        write_seed(directory, seeds[i].name, seeds[i].bytes, seeds[i].size);
    write_recording(directory, GREEN_TLS_1_2);
    write_recording(directory, GREEN_TLS_1_3);
}
