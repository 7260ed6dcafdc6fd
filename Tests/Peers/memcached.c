/* Memcached by libmemcached, in its blocking calls. Nothing in memcached waits, so the tests
 * stop the server. */
#include "servers.h"

#include <libmemcached/memcached.h>

static memcached_st *cache_at(const char *host, int port) {
    memcached_st *cache = memcached_create(NULL);
    CHECK(cache != NULL);
    CHECK(memcached_server_add(cache, host, (in_port_t)port), ==, MEMCACHED_SUCCESS);
    CHECK(memcached_behavior_set(cache, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, UINT64_MAX), ==, MEMCACHED_SUCCESS);
    CHECK(memcached_behavior_set(cache, MEMCACHED_BEHAVIOR_VERIFY_KEY, 1), ==, MEMCACHED_SUCCESS);
    return cache;
}

/* A server that a test has killed takes a moment to restart. */
static memcached_st *ready_cache(void) {
    memcached_st *cache;
    UNTIL((cache = cache_at("127.0.0.1", port_of("MEMCACHED")), memcached_version(cache) == MEMCACHED_SUCCESS) ||
          (memcached_free(cache), false));
    return cache;
}

/* Stores a value under a key and reads it. */
struct entry {
    memcached_st *cache;
    char key[32];
};

static int store(void *argument) {
    struct entry *entry = argument;
    size_t size;
    uint32_t flags;
    memcached_return_t result =
        memcached_set(entry->cache, entry->key, strlen(entry->key), entry->key, strlen(entry->key), 0, 0);
    if (result != MEMCACHED_SUCCESS)
        return (int)result;
    char *value = memcached_get(entry->cache, entry->key, strlen(entry->key), &size, &flags, &result);
    if (value) {
        CHECK(size, ==, strlen(entry->key));
        CHECK(memcmp(value, entry->key, size), ==, 0);
    }
    free(value);
    return (int)result;
}

static struct entry entry_of(memcached_st *cache, int number) {
    struct entry entry = {.cache = cache};
    snprintf(entry.key, sizeof entry.key, "key-%d-%d", (int)getpid(), number);
    return entry;
}

/* Shows that a new connection works. */
static void expect_service(void) {
    struct entry entry = entry_of(ready_cache(), -1);
    CHECK(store(&entry), ==, MEMCACHED_SUCCESS);
    memcached_free(entry.cache);
}

TEST(hundred, "a hundred threads wait for a stopped server") {
    enum { COUNT = 100 };
    struct entry entries[COUNT];
    struct call calls[COUNT];
    green_patch *patch = import("libmemcached.so.11");
    for (int i = 0; i < COUNT; i++) {
        entries[i] = entry_of(ready_cache(), i);
        calls[i] = (struct call){.make = store, .argument = &entries[i]};
    }
    stop_server("MEMCACHED");
    int64_t begin = green_now();
    call_together(calls, COUNT, continue_server, "MEMCACHED");
    figure("libmemcached: %d that wait for a stopped server store and read: %.3f s", COUNT, seconds_since(begin));
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, MEMCACHED_SUCCESS);
        memcached_free(entries[i].cache);
    }
    CHECK(green_unpatch(patch), ==, 0);
}

static memcached_return_t store_error(const char *host, int port, const char *key) {
    struct entry entry = {.cache = cache_at(host, port)};
    snprintf(entry.key, sizeof entry.key, "%s", key);
    memcached_return_t result = (memcached_return_t)store(&entry);
    memcached_free(entry.cache);
    return result;
}

TEST(refused, "refusals of the server are errors of libmemcached") {
    green_patch *patch = import("libmemcached.so.11");
    expect_service();
    int port = port_of("MEMCACHED");
    CHECK(store_error("127.0.0.1", refusing_port(), "key"), ==, MEMCACHED_CONNECTION_FAILURE);
    CHECK(store_error("a..b", port, "key"), ==, MEMCACHED_HOST_LOOKUP_FAILURE);
    CHECK(store_error("127.0.0.1", port, "a key"), ==, MEMCACHED_BAD_KEY_PROVIDED);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(killed, "a server that is killed during calls is an error of each") {
    enum { COUNT = 10 };
    struct entry entries[COUNT];
    struct call calls[COUNT];
    green_patch *patch = import("libmemcached.so.11");
    for (int i = 0; i < COUNT; i++) {
        entries[i] = entry_of(ready_cache(), i);
        calls[i] = (struct call){.make = store, .argument = &entries[i]};
    }
    stop_server("MEMCACHED");
    call_together(calls, COUNT, kill_server, "MEMCACHED");
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, !=, MEMCACHED_SUCCESS);
        memcached_free(entries[i].cache);
    }
    figure("libmemcached: the end of the server is \"%s\"",
           memcached_strerror(NULL, (memcached_return_t)calls[0].result));
    expect_service();
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(interrupted, "a green timeout and a kill end a call as errors of libmemcached") {
    green_patch *patch = import("libmemcached.so.11");
    struct entry entry = entry_of(ready_cache(), 0);
    struct call call = {.make = store, .argument = &entry, .limit = 100 * GREEN_MILLISECOND};
    stop_server("MEMCACHED");
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, !=, MEMCACHED_SUCCESS);
    figure("libmemcached: a green timeout is \"%s\"", memcached_strerror(NULL, (memcached_return_t)call.result));
    continue_server("MEMCACHED");
    memcached_free(entry.cache);
    expect_service();

    entry.cache = ready_cache();
    stop_server("MEMCACHED");
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, !=, MEMCACHED_SUCCESS);
    figure("libmemcached: a kill is \"%s\"", memcached_strerror(NULL, (memcached_return_t)call.result));
    continue_server("MEMCACHED");
    memcached_free(entry.cache);
    expect_service();
    CHECK(green_unpatch(patch), ==, 0);
}
