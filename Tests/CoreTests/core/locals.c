/* Green-thread-local storage. */
#include "helpers.h"

#include <pthread.h>

static green_local *key, *other_key;

static void destroy(void *value) {
    CHECK(value != NULL);
    mark(*(const char *)value);
}

static void destroy_other(void *value) {
    mark(*(const char *)value == 'a' ? 'A' : 'B');
}

static int hold(void *argument) {
    CHECK(green_local_get(key) == NULL);
    CHECK(green_local_set(key, argument), ==, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(green_yield(), ==, 0);
        CHECK(green_local_get(key) == argument);
    }
    return 0;
}

TEST(own_value, "every thread has its own value, which is destroyed when the thread finishes") {
    CHECK(green_local_make(&key, destroy), ==, 0);
    CHECK(green_local_set(key, "m"), ==, 0);
    green_thread *a = start(hold, "a"), *b = start(hold, "b");
    CHECK(green_yield(), ==, 0);
    CHECK_TEXT(marks(), "");
    CHECK(finish(a), ==, 0);
    CHECK(finish(b), ==, 0);
    CHECK_TEXT(marks(), "ab");
    CHECK_TEXT(green_local_get(key), "m");
    CHECK(green_local_set(key, NULL), ==, 0);
    CHECK_TEXT(marks(), "abm");
    green_local_free(key);
}

static int replace(void *argument) {
    (void)argument;
    CHECK(green_local_set(key, "1"), ==, 0);
    CHECK(green_local_set(key, "2"), ==, 0);
    CHECK_TEXT(marks(), "1");
    CHECK_TEXT(green_local_get(key), "2");
    CHECK(green_local_set(key, NULL), ==, 0);
    CHECK_TEXT(marks(), "12");
    CHECK(green_local_get(key) == NULL);
    return 0;
}

TEST(replaced, "a replaced or removed value is destroyed at once, and only once") {
    CHECK(green_local_make(&key, destroy), ==, 0);
    CHECK(finish(start(replace, NULL)), ==, 0);
    CHECK_TEXT(marks(), "12");
    green_local_free(key);
}

static int use_two(void *argument) {
    CHECK(green_local_set(key, argument), ==, 0);
    CHECK(green_local_set(other_key, "b"), ==, 0);
    CHECK(green_local_get(key) == argument);
    CHECK_TEXT(green_local_get(other_key), "b");
    CHECK(green_local_set(other_key, "a"), ==, 0);
    CHECK_TEXT(marks(), "B");
    return 0;
}

TEST(two_keys, "two keys are independent, and each has its own destructor") {
    CHECK(green_local_make(&key, NULL), ==, 0);
    CHECK(green_local_make(&other_key, destroy_other), ==, 0);
    CHECK(finish(start(use_two, "x")), ==, 0);
    CHECK_TEXT(marks(), "BA");
    green_local_free(key);
    green_local_free(other_key);
    green_local_free(NULL);
}

static int use_many(void *argument) {
    green_local **keys = argument;
    static char values[100];
    for (int i = 0; i < 100; i++)
        CHECK(green_local_set(keys[i], &values[i]), ==, 0);
    for (int i = 0; i < 100; i++)
        CHECK(green_local_get(keys[i]) == &values[i]);
    return 0;
}

TEST(many_keys, "a thread may use many keys, and a reused thread starts without values") {
    green_local *keys[100];
    for (int i = 0; i < 100; i++)
        CHECK(green_local_make(&keys[i], NULL), ==, 0);
    for (int i = 0; i < 10; i++)
        CHECK(finish(start(use_many, keys)), ==, 0);
    key = keys[99];
    CHECK(finish(start(hold, "a")), ==, 0); /* checks that it has none */
    for (int i = 0; i < 100; i++)
        green_local_free(keys[i]);
}

static int inherit(void *argument) {
    (void)argument;
    CHECK(green_local_set(key, "p"), ==, 0);
    return finish(start(hold, "c"));
}

TEST(not_inherited, "a spawned thread inherits no values") {
    CHECK(green_local_make(&key, NULL), ==, 0);
    CHECK(finish(start(inherit, NULL)), ==, 0);
    green_local_free(key);
}

static int set_and_nap(void *argument) {
    CHECK(green_local_set(key, argument), ==, 0);
    return green_sleep(3600 * GREEN_SECOND);
}

TEST(of_killed, "the value of a killed thread is destroyed") {
    CHECK(green_local_make(&key, destroy), ==, 0);
    green_thread *thread = start(set_and_nap, "k");
    let_run();
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK_TEXT(marks(), "k");
    green_local_free(key);
}

TEST(key_released, "values outlive their key until their threads finish") {
    CHECK(green_local_make(&key, destroy), ==, 0);
    green_thread *thread = start(set_and_nap, "v");
    let_run();
    green_local_free(key);
    CHECK_TEXT(marks(), "");
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK_TEXT(marks(), "v");
}

TEST(key_reuse, "a new key does not show the values of a released one") {
    CHECK(green_local_make(&key, destroy), ==, 0);
    CHECK(green_local_set(key, "o"), ==, 0);
    green_local_free(key);
    CHECK(green_local_make(&key, destroy), ==, 0);
    CHECK(green_local_get(key) == NULL);
    CHECK(green_hub_close(), ==, 0); /* main's thread ends with its hub, and its value with it */
    CHECK_TEXT(marks(), "o");
    green_local_free(key);
}

static void *use_elsewhere(void *argument) {
    CHECK(green_local_get(key) == NULL);
    CHECK(green_local_set(key, argument), ==, 0);
    CHECK(finish(start(hold, "x")), ==, 0);
    CHECK(green_local_get(key) == argument);
    CHECK(green_local_set(key, NULL), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(other_os_thread, "a key works on every OS thread") {
    pthread_t other;
    CHECK(green_local_make(&key, NULL), ==, 0);
    CHECK(green_local_set(key, "m"), ==, 0);
    CHECK(pthread_create(&other, NULL, use_elsewhere, "e"), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    CHECK_TEXT(green_local_get(key), "m");
    CHECK(green_local_set(key, NULL), ==, 0);
    green_local_free(key);
}

static int copies, failing_copy;

static void *copy(void *value) {
    static char upper[2];
    if (++copies == failing_copy)
        return NULL;
    upper[0] = (char)(*(const char *)value - 'a' + 'A');
    return upper;
}

static void ignore(void *value) {
    (void)value;
}

static int own_value_of_key(void *argument) {
    (void)argument;
    const char *value = green_local_get(key);
    CHECK(green_local_get(other_key) == NULL);
    return value ? *value : 0;
}

TEST(inherited, "a spawned thread gets a copy of the values whose keys have a copy function") {
    CHECK(green_local_make_inherited(&key, copy, ignore), ==, 0);
    CHECK(green_local_make(&other_key, ignore), ==, 0);
    CHECK(green_local_set(other_key, "o"), ==, 0);
    CHECK(finish(start(own_value_of_key, NULL)), ==, 0);
    CHECK(green_local_set(key, "x"), ==, 0);
    green_thread *thread = start(own_value_of_key, NULL);
    CHECK(green_local_set(key, "y"), ==, 0);
    CHECK(finish(thread), ==, 'X');
    failing_copy = ++copies;
    copies--;
    CHECK(finish(start(own_value_of_key, NULL)), ==, 0);
    CHECK_TEXT(green_local_get(key), "y");
    CHECK(green_local_set(key, NULL), ==, 0);
    CHECK(green_local_set(other_key, NULL), ==, 0);
    green_local_free(key);
    green_local_free(other_key);
}

static int remote_value(void *argument) {
    return own_value_of_key(argument);
}

TEST(not_by_posts, "a thread that the event loop starts inherits nothing of the thread it interrupts") {
    green_remote_thread *thread = NULL;
    int result = -1;
    CHECK(green_local_make_inherited(&key, copy, ignore), ==, 0);
    CHECK(green_local_make(&other_key, ignore), ==, 0);
    CHECK(green_local_set(key, "x"), ==, 0);
    CHECK(green_hub_spawn(green_hub_current(), &thread, NULL, remote_value, NULL), ==, 0);
    CHECK(green_remote_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, 0);
    green_remote_thread_release(thread);
    CHECK(green_local_set(key, NULL), ==, 0);
    green_local_free(key);
    green_local_free(other_key);
}

static int killed_first(void *argument) {
    return give(argument);
}

TEST(inherited_destroyed, "an inherited value is destroyed with its thread, also if that never begins") {
    CHECK(green_local_make_inherited(&key, copy, destroy), ==, 0);
    CHECK(green_local_set(key, "x"), ==, 0);
    int zero = 0;
    CHECK(finish(start(give, &zero)), ==, 0);
    CHECK_TEXT(marks(), "X");
    CHECK(kill_and_finish(start(killed_first, &zero)), ==, -ECANCELED);
    CHECK_TEXT(marks(), "XX");
    CHECK(green_local_set(key, NULL), ==, 0);
    CHECK_TEXT(marks(), "XXx");
    green_local_free(key);
}
