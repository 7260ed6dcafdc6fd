/* LMDB, whose single writer holds a lock that all processes share, from the beginning of a
 * transaction to its end. */
#include "peers.h"

#include <lmdb.h>

enum { WRITERS = 50, ROUNDS = 20 };

static MDB_env *environment;
static MDB_dbi database;
static green_patch *patch;

static void begin(unsigned families, unsigned flags) {
    MDB_txn *transaction;
    green_import_options options = {.families = GREEN_PATCH_ALL | GREEN_PATCH_FILE | families};
    CHECK(green_import_patched(&patch, "liblmdb.so.0", &options), ==, 0);
    CHECK(mdb_env_create(&environment), ==, 0);
    CHECK(mdb_env_set_mapsize(environment, 64 << 20), ==, 0);
    CHECK(mdb_env_open(environment, make_directory(), flags, 0600), ==, 0);
    CHECK(mdb_txn_begin(environment, NULL, 0, &transaction), ==, 0);
    CHECK(mdb_dbi_open(transaction, NULL, 0, &database), ==, 0);
    CHECK(mdb_txn_commit(transaction), ==, 0);
}

static void end(void) {
    mdb_env_close(environment);
    remove_directory();
    CHECK(green_unpatch(patch), ==, 0);
}

static int value_in(MDB_txn *transaction) {
    MDB_val key = {3, "sum"}, value;
    int error = mdb_get(transaction, database, &key, &value);
    CHECK(error == 0 || error == MDB_NOTFOUND);
    return error == 0 ? *(int *)value.mv_data : 0;
}

/* Adds one, and lets other threads run in the middle of it. */
static int add(void *unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        MDB_txn *transaction;
        CHECK(mdb_txn_begin(environment, NULL, 0, &transaction), ==, 0);
        int sum = value_in(transaction) + 1;
        CHECK(green_yield(), ==, 0);
        MDB_val key = {3, "sum"}, value = {sizeof sum, &sum};
        CHECK(mdb_put(transaction, database, &key, &value, 0), ==, 0);
        CHECK(mdb_txn_commit(transaction), ==, 0);
    }
    return 0;
}

static int sum(void) {
    MDB_txn *transaction;
    CHECK(mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction), ==, 0);
    int found = value_in(transaction);
    mdb_txn_abort(transaction);
    return found;
}

TEST(writers, "green threads that write to one database wait for each other's transactions") {
    green_thread *threads[WRITERS];
    begin(GREEN_PATCH_LOCK, 0);
    int64_t before = green_now();
    for (int i = 0; i < WRITERS; i++)
        threads[i] = start(add, NULL);
    for (int i = 0; i < WRITERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(sum(), ==, WRITERS * ROUNDS);
    figure("lmdb: %d transactions of %d green threads in %.2f s", WRITERS * ROUNDS, WRITERS, seconds_since(before));
    end();
}

/* Reads the same values all the time, whatever is written meanwhile. */
static int read_twice(void *unused) {
    MDB_txn *transaction;
    (void)unused;
    CHECK(mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction), ==, 0);
    int before = value_in(transaction);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(value_in(transaction), ==, before);
    mdb_txn_abort(transaction);
    return 0;
}

static void read_and_write(void) {
    green_thread *threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        threads[i] = start(i % 5 == 0 ? add : read_twice, NULL);
    for (int i = 0; i < WRITERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(sum(), ==, WRITERS / 5 * ROUNDS);
}

TEST(readers, "many green threads read at the same time while others write") {
    begin(GREEN_PATCH_LOCK, MDB_NOTLS); /* without it an OS thread has one reading transaction at a time */
    read_and_write();
    end();
}

TEST(thread_readers, "a reading transaction may belong to a green thread instead of an OS thread") {
    begin(GREEN_PATCH_THREAD, 0);
    read_and_write();
    end();
}
