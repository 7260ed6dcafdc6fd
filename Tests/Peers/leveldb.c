/* LevelDB, which has its own thread for its files. Its writers wait for that thread and for
 * each other by locks of the C++ library, which is patched with it. */
#include "peers.h"

#include <leveldb/c.h>

enum { WRITERS = 40, VALUES = 500, VALUE_SIZE = 1024 };

static green_patch *import_leveldb(unsigned families, bool with_language) {
    static const char *const also[] = {"libstdc++.so.6"};
    green_import_options options = {.families = families, .also = also, .also_count = with_language};
    green_patch *patch;
    CHECK(green_import_patched(&patch, "libleveldb.so.1d", &options), ==, 0);
    return patch;
}

static leveldb_t *open_database(void) {
    leveldb_options_t *options = leveldb_options_create();
    char *error = NULL;
    leveldb_options_set_create_if_missing(options, 1);
    leveldb_options_set_write_buffer_size(options, 64 << 10); /* small, so that writers wait for the files */
    leveldb_t *database = leveldb_open(options, make_directory(), &error);
    CHECK(error == NULL);
    leveldb_options_destroy(options);
    return database;
}

struct writer {
    leveldb_t *database;
    int number, *inside, *most;
};

static void value_of(char value[VALUE_SIZE], int writer, int i) {
    pattern_fill(value, VALUE_SIZE, (uint64_t)(writer * VALUES + i));
}

static int write_values(void *argument) {
    const struct writer *writer = argument;
    leveldb_writeoptions_t *options = leveldb_writeoptions_create();
    for (int i = 0; i < VALUES; i++) {
        char key[32], value[VALUE_SIZE], *error = NULL;
        snprintf(key, sizeof key, "%d/%d", writer->number, i);
        value_of(value, writer->number, i);
        leveldb_writeoptions_set_sync(options, i % 50 == 0);
        if (++*writer->inside > *writer->most)
            *writer->most = *writer->inside;
        leveldb_put(writer->database, options, key, strlen(key), value, sizeof value, &error);
        --*writer->inside;
        CHECK(error == NULL);
        CHECK(green_yield(), ==, 0);
    }
    leveldb_writeoptions_destroy(options);
    return 0;
}

static void check_values(leveldb_t *database) {
    leveldb_readoptions_t *options = leveldb_readoptions_create();
    for (int writer = 0; writer < WRITERS; writer++)
        for (int i = 0; i < VALUES; i++) {
            char key[32], expected[VALUE_SIZE], *error = NULL;
            size_t size = 0;
            snprintf(key, sizeof key, "%d/%d", writer, i);
            char *value = leveldb_get(database, options, key, strlen(key), &size, &error);
            CHECK(error == NULL);
            CHECK(size, ==, VALUE_SIZE);
            value_of(expected, writer, i);
            CHECK(memcmp(value, expected, size) == 0);
            leveldb_free(value);
        }
    leveldb_readoptions_destroy(options);
}

static void write_and_read(const char *how) {
    green_thread *threads[WRITERS];
    struct writer writers[WRITERS];
    int inside = 0, most = 0;
    CHECK(green_yield(), ==, 0);
    leveldb_t *database = open_database();
    int64_t before = green_now();
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){database, i, &inside, &most};
        threads[i] = start(write_values, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("leveldb, %s: %d writes of %d green threads in %.2f s, up to %d at once", how, WRITERS * VALUES, WRITERS,
           seconds_since(before), most);
    CHECK(most, >, 1);
    check_values(database);
    leveldb_close(database);
    remove_directory();
}

TEST(own_thread, "green threads write to one database, and wait for its background thread") {
    green_patch *patch = import_leveldb(GREEN_PATCH_ALL | GREEN_PATCH_FILE | GREEN_PATCH_LOCK, false);
    write_and_read("its thread an OS thread");
    CHECK(green_unpatch(patch), ==, 0);
}

/* That thread never ends, so the hub of this process would not end either. */
static void write_by_green_threads(void) {
    green_statistics now;
    green_patch *patch = import_leveldb(GREEN_PATCH_ALL | GREEN_PATCH_FILE | GREEN_PATCH_THREAD, true);
    write_and_read("its thread green");
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.threads, ==, 2);
    (void)patch;
    _exit(0);
}

TEST(green_thread, "its own thread may be a green one, too") {
    struct child child;
    run_child(&child, write_by_green_threads);
    if (child.status != 0)
        fputs(child.output, stderr);
    CHECK(child.status, ==, 0);
}
