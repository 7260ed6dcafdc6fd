/* Out of memory at each point of the creation of a green thread. */
#include "fault_injection.h"
#include "patched_threads.h"

/* Makes each allocation of a function fail in turn, and none at the end. Returns the number of
 * failures. */
static int fail_until_done(int (*call)(void), int expected) {
    for (unsigned nth = 1;; nth++) {
        fail_calls(FAIL_MEMORY, nth, nth);
        int error = call();
        bool is_done = fail_calls(0, 0, 0) < nth;
        CHECK(error == 0 || error == expected);
        if (is_done) {
            CHECK(error, ==, 0);
            return (int)nth - 1;
        }
    }
}

static void *set_both(void *argument);
static size_t asked_size = 128 << 10; /* the minimum on some architectures */

/* A different size each time, so that no stack is reused. */
static int create_one(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes), ==, 0);
    CHECK(pthread_attr_setstacksize(&attributes, asked_size += 4 << 10), ==, 0);
    int error = lib->create(&thread, &attributes, set_both, NULL);
    CHECK(pthread_attr_destroy(&attributes), ==, 0);
    if (error == 0)
        joined(thread);
    return error;
}

static pthread_key_t near_key, far_key;

static int set_near(void) {
    return lib->setspecific(near_key, &near_key);
}

static int set_far(void) {
    return lib->setspecific(far_key, &far_key);
}

static void *set_both(void *are_failing) {
    if (are_failing) {
        CHECK(fail_until_done(set_near, ENOMEM), ==, 2);
        CHECK(fail_until_done(set_far, ENOMEM), ==, 1);
        CHECK(lib->getspecific(near_key) == &near_key && lib->getspecific(far_key) == &far_key);
    }
    return NULL;
}

TEST(patched_threads, "without memory, creating a thread is EAGAIN and setting a key's value ENOMEM") {
    begin();
    CHECK(fail_until_done(create_one, EAGAIN), >=, 3);
    do
        CHECK(lib->key_create(near_key ? &far_key : &near_key, NULL), ==, 0);
    while (far_key < 8);
    joined(create(set_both, &near_key));
    end();
}
