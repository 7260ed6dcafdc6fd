#include "../core/fork.h"
#include "latch.h"

#include <green/promise.h>

#include <stdio.h>
#include <stdlib.h>

struct green_promise {
    uint32_t references; /* atomic */
    uint32_t generation;
    green_latch sent; /* once it is open, the fields below do not change any more */
    int error;
    void *value;
};

int green_promise_make(green_promise **made) {
    green_promise *promise = malloc(sizeof *promise);
    if (!promise)
        return green__fail(-ENOMEM, "cannot create a promise");
    green__fork_watch();
    *promise = (green_promise){.references = 1, .generation = green__generation};
    green__latch_init(&promise->sent);
    *made = promise;
    return 0;
}

green_promise *green_promise_retain(green_promise *promise) {
    __atomic_fetch_add(&promise->references, 1, __ATOMIC_RELAXED);
    return promise;
}

void green_promise_release(green_promise *promise) {
    if (!promise || __atomic_sub_fetch(&promise->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    GREEN_INVARIANT(green__is_inherited(promise->generation) || green__wait_list_is_empty(&promise->sent.waiters),
                    "no thread waits for a promise when its last owner releases it");
    free(promise);
}

static int check_generation(const green_promise *promise) {
    if (green__is_inherited(promise->generation))
        return green__fail(-EXDEV, "this promise belongs to the process before the fork");
    return 0;
}

/* Sending ------------------------------------------------------------------ */

static int deliver(green_promise *promise, void *value, int error) {
    int inherited = check_generation(promise);
    if (inherited < 0)
        return inherited;
    green__short_lock(&promise->sent.lock);
    bool first = !green_promise_is_sent(promise);
    if (!first) {
        green__short_unlock(&promise->sent.lock);
        return green__fail(-EALREADY, "a promise has its value already");
    }
    promise->value = value;
    promise->error = error;
    green__latch_open_locked(&promise->sent);
    return 0;
}

int green_promise_send(green_promise *promise, void *value) {
    return deliver(promise, value, 0);
}

int green_promise_fail(green_promise *promise, int error) {
    if (error >= 0)
        return green__fail(-EINVAL, "green_promise_fail: the error is %d and must be a negated errno", error);
    return deliver(promise, NULL, error);
}

/* Waiting ------------------------------------------------------------------ */

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for a promise");
}

static int wait_for(green_promise *promise, int64_t timeout) {
    if (timeout == 0)
        return -ETIMEDOUT;
    int error = green__shared_begin(timeout);
    return error < 0 ? error : green__latch_wait(&promise->sent, describe, timeout);
}

int green_promise_wait(green_promise *promise, void **value, int64_t timeout) {
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    if (error == 0)
        error = check_generation(promise);
    if (error == 0 && !green_promise_is_sent(promise))
        error = wait_for(promise, timeout);
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "no value was sent to a promise");
    if (error < 0)
        return error;
    if (promise->error < 0)
        return green__fail(promise->error, "the sender of a promise has failed");
    if (value)
        *value = promise->value;
    return 0;
}

int green_promise_wait_async(green_promise *promise, green_async_wait *wait) {
    int error = check_generation(promise);
    return error < 0 ? error : green__latch_wait_async(&promise->sent, wait);
}

bool green_promise_is_sent(const green_promise *promise) {
    return green__latch_is_open(&promise->sent);
}
