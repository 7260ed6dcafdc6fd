/* Promises: one value, which every wait returns. */
#include "sites.h"

enum { SLOTS = 2, PROMISES_MAX = 128 };

struct promise {
    green_promise *promise;
    uint32_t references;
    uint32_t sends; /* calls in progress or done */
    uintptr_t sent; /* by the call that succeeded; 0: none has yet */
    uint32_t succeeded;
};

static struct {
    struct promise promises[PROMISES_MAX];
    struct promise *slots[SLOTS];
    uint32_t count;
    uintptr_t values;
} all;

static void make(uint32_t slot) {
    struct promise *promise = &all.promises[all.count++];
    promise->references = 1;
    CHECK(green_promise_make(&promise->promise), ==, 0);
    all.slots[slot] = promise;
}

static void retain(struct promise *promise) {
    turn_keep();
    CHECK(green_promise_retain(promise->promise) == promise->promise);
    promise->references++;
    turn_keep_no_longer();
}

static void release(struct promise *promise) {
    green_promise *released = promise->promise;
    if (--promise->references == 0)
        promise->promise = NULL;
    green_promise_release(released);
}

static void send_value(struct promise *promise) {
    uintptr_t value = ++all.values;
    bool was_sent = promise->succeeded > 0;
    promise->sends++;
    int error = green_promise_send(promise->promise, (void *)value);
    if (error == 0) {
        CHECK(promise->succeeded++, ==, 0);
        CHECK(promise->sent == 0 || promise->sent == value);
        promise->sent = value;
    } else {
        CHECK(error, ==, -EALREADY);
        CHECK(promise->sends, >, 1);
        CHECK(promise->sent, !=, value);
    }
    CHECK(!was_sent || error == -EALREADY);
    CHECK(green_promise_is_sent(promise->promise));
}

static void wait_for(struct site_actor *actor, struct promise *promise) {
    struct site_call call;
    void *value = NULL;
    int64_t timeout = some_timeout();
    site_call_begin(&call, actor, timeout);
    int error = site_call_end(&call, green_promise_wait(promise->promise, &value, timeout));
    if (error != 0) {
        CHECK(error == -ECANCELED || error == -ETIMEDOUT);
        return;
    }
    CHECK(value);
    CHECK(promise->sent == 0 || promise->sent == (uintptr_t)value);
    promise->sent = (uintptr_t)value;
}

void promises_act(struct site_actor *actor) {
    uint32_t slot = below(SLOTS);
    struct promise *promise = all.slots[slot];
    retain(promise);
    if (chance(600))
        wait_for(actor, promise);
    else
        send_value(promise);
    if (promise->succeeded > 0 && all.slots[slot] == promise && all.count < PROMISES_MAX && !program.is_ending) {
        make(slot);
        release(promise);
    }
    release(promise);
}

void promises_begin(void) {
    memset(&all, 0, sizeof all);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        make(slot);
}

void promises_end_waits(void) {
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        send_value(all.slots[slot]);
}

/* Calls of threads whose hub was lost keep their references. */
void promises_end(void) {
    for (uint32_t i = 0; i < all.count; i++)
        while (all.promises[i].references > 0)
            release(&all.promises[i]);
}
