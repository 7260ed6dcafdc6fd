/* Values of pthread keys in green threads. */
#include "patched_threads.h"

static pthread_key_t key;
static int destroyed;

static void count(void *value) {
    destroyed += (int)(intptr_t)value;
}

static void make(void (*destroy)(void *value)) {
    destroyed = 0;
    CHECK(lib->key_create(&key, destroy), ==, 0);
}

static void *set_and_get(void *value) {
    CHECK(lib->getspecific(key) == NULL);
    CHECK(lib->setspecific(key, value), ==, 0);
    CHECK(lib->usleep(1000), ==, 0);
    return lib->getspecific(key);
}

static int set_in_spawned(void *value) {
    return set_and_get(value) == value ? 0 : -EIO;
}

TEST(own, "each green thread has its own values, and so has the OS thread's own context") {
    begin();
    make(count);
    CHECK(lib->setspecific(key, (void *)1000), ==, 0);
    pthread_t one = create(set_and_get, (void *)1), other = create(set_and_get, (void *)2);
    green_thread *spawned = start(set_in_spawned, (void *)4);
    CHECK((intptr_t)joined(one), ==, 1);
    CHECK((intptr_t)joined(other), ==, 2);
    CHECK(finish(spawned), ==, 0);
    CHECK(lib->getspecific(key) == (void *)1000);
    CHECK(pthread_getspecific(key) == (void *)1000);
    CHECK(destroyed, ==, 7);
    CHECK(lib->key_delete(key), ==, 0);
    end();
}

static void *set_and_exit(void *value) {
    CHECK(lib->setspecific(key, value), ==, 0);
    lib->exit(value);
    return NULL;
}

static int set_and_exit_spawned(void *value) {
    set_and_exit(value);
    return -EIO;
}

TEST(exits, "destructors are called once at the end, also by pthread_exit") {
    begin();
    make(count);
    CHECK((intptr_t)joined(create(set_and_exit, (void *)5)), ==, 5);
    CHECK(destroyed, ==, 5);
    CHECK(finish(start(set_and_exit_spawned, (void *)6)), ==, 0);
    CHECK(destroyed, ==, 11);
    CHECK(lib->key_delete(key), ==, 0);
    end();
}

static void set_again(void *value) {
    destroyed++;
    CHECK(lib->getspecific(key) == NULL);
    CHECK(lib->setspecific(key, value), ==, 0);
}

TEST(iterations, "a destructor that sets its value again is called four times") {
    begin();
    make(set_again);
    CHECK((intptr_t)joined(create(set_and_get, (void *)1)), ==, 1);
    CHECK(destroyed, ==, PTHREAD_DESTRUCTOR_ITERATIONS);
    CHECK(finish(start(set_in_spawned, (void *)1)), ==, 0);
    CHECK(destroyed, ==, 2 * PTHREAD_DESTRUCTOR_ITERATIONS);
    CHECK(lib->key_delete(key), ==, 0);
    end();
}

static void sleep_and_count(void *value) {
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    count(value);
}

TEST(waits, "a destructor may wait, and a join waits for it") {
    begin();
    make(sleep_and_count);
    pthread_t thread = create(set_and_get, (void *)1), other = create(set_and_exit, (void *)2);
    joined(thread);
    CHECK(destroyed, >=, 1);
    joined(other);
    CHECK(destroyed, ==, 3);
    CHECK(lib->key_delete(key), ==, 0);
    end();
}

static void *use_again(void *unused) {
    (void)unused;
    pthread_key_t first = key;
    CHECK(lib->setspecific(first, (void *)1), ==, 0);
    CHECK(lib->key_delete(first), ==, 0);
    CHECK(lib->setspecific(first, (void *)1), ==, EINVAL);
    CHECK(lib->getspecific(first) == NULL);
    make(count);
    CHECK(key, ==, first);
    return lib->getspecific(key);
}

TEST(deleted, "a deleted key has no values, and a new key in its place has none of them") {
    begin();
    make(count);
    CHECK(joined(create(use_again, NULL)) == NULL);
    CHECK(destroyed, ==, 0);
    CHECK(lib->key_delete(key), ==, 0);
    CHECK(lib->key_delete(key), ==, EINVAL);
    end();
}

static void *replace_key(void *unused) {
    (void)unused;
    pthread_key_t first = key;
    CHECK(lib->setspecific(first, (void *)1), ==, 0);
    CHECK(pthread_key_delete(first), ==, 0);
    make(NULL);
    CHECK(key, ==, first);
    return lib->getspecific(key);
}

TEST(deleted_elsewhere, "a key deleted by an object that is not patched has no values in a new key either") {
    begin();
    make(NULL);
    CHECK(joined(create(replace_key, NULL)) == NULL);
    CHECK(lib->key_delete(key), ==, 0);
    end();
}

static void *use_bad_keys(void *unused) {
    (void)unused;
    CHECK(lib->getspecific(PTHREAD_KEYS_MAX) == NULL);
    CHECK(lib->setspecific(PTHREAD_KEYS_MAX, NULL), ==, EINVAL);
    CHECK(lib->setspecific((pthread_key_t)-1, NULL), ==, EINVAL);
    return NULL;
}

static void *use_many_keys(void *unused) {
    (void)unused;
    static pthread_key_t keys[500];
    for (intptr_t i = 0; i < 500; i++) {
        CHECK(lib->key_create(&keys[i], count), ==, 0);
        CHECK(lib->setspecific(keys[i], (void *)(i + 1)), ==, 0);
    }
    for (intptr_t i = 0; i < 500; i++)
        CHECK((intptr_t)lib->getspecific(keys[i]), ==, i + 1);
    for (intptr_t i = 0; i < 500; i += 2)
        CHECK(lib->key_delete(keys[i]), ==, 0);
    return NULL;
}

TEST(bounds, "invalid keys are refused, and hundreds of keys may exist") {
    begin();
    joined(create(use_bad_keys, NULL));
    destroyed = 0;
    joined(create(use_many_keys, NULL));
    CHECK(destroyed, ==, 250 * 251); /* 2 + 4 + ... + 500 */
    end();
}

TEST(made_before, "a key created before the patch has values in green threads, but no destructor") {
    load();
    make(count);
    begin();
    CHECK((intptr_t)joined(create(set_and_get, (void *)3)), ==, 3);
    CHECK(destroyed, ==, 0);
    CHECK(lib->key_delete(key), ==, 0);
    end();
}

static void *keep_in_os_thread(void *unused) {
    (void)unused;
    set_and_get((void *)9);
    CHECK(pthread_getspecific(key) == (void *)9);
    return NULL;
}

TEST(os_threads, "on an OS thread without a hub, values and destructors are those of the C library") {
    begin();
    make(count);
    on_os_thread(keep_in_os_thread, NULL);
    CHECK(destroyed, ==, 9);
    CHECK(lib->key_delete(key), ==, 0);
    end();
}
