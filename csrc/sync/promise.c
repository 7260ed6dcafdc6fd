#include "../base/short_lock.h"
#include "../core/fork.h"
#include "../core/shared_wait.h"

#include <green/promise.h>

#include <stdio.h>
#include <stdlib.h>

struct green_promise {
    uint32_t references; /* atomic */
    uint32_t generation;
    green_short_lock lock; /* guards the waiters */
    bool sent;             /* atomic; set with the lock, after the next two */
    int error;
    void *value;
    green_wait_list waiters;
};

struct promise_wait {
    green_shared_wait wait;
    green_promise *promise;
};

int green_promise_make(green_promise **made) {
    green_promise *promise = malloc(sizeof *promise);
    if (!promise)
        return green__fail(-ENOMEM, "cannot create a promise");
    green__fork_watch();
    *promise = (green_promise){.references = 1, .generation = green__generation};
    green__wait_list_init(&promise->waiters);
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
    GREEN_INVARIANT(green__is_inherited(promise->generation) || green__wait_list_is_empty(&promise->waiters),
                    "no thread waits for a promise when its last owner releases it");
    free(promise);
}

static int check_generation(const green_promise *promise) {
    if (green__is_inherited(promise->generation))
        return green__fail(-EXDEV, "this promise belongs to the process before the fork");
    return 0;
}

/* Sending ------------------------------------------------------------------ */

/* Stores the outcome, unless there is one. Moves the waiters to a list of the caller. */
static bool settle(green_promise *promise, void *value, int error, green_wait_list *waiters) {
    green__wait_list_init(waiters);
    green__short_lock(&promise->lock);
    bool first = !promise->sent;
    if (first) {
        promise->value = value;
        promise->error = error;
        __atomic_store_n(&promise->sent, true, __ATOMIC_RELEASE);
    }
    for (green_shared_wait *wait; (wait = green__shared_wait_take(&promise->waiters));)
        green__wait_list_append(waiters, &wait->wait);
    green__short_unlock(&promise->lock);
    return first;
}

static int deliver(green_promise *promise, void *value, int error) {
    int inherited = check_generation(promise);
    if (inherited < 0)
        return inherited;
    green_wait_list waiters;
    if (!settle(promise, value, error, &waiters))
        return green__fail(-EALREADY, "a promise has its value already");
    for (green_wait *wait; (wait = green__wait_list_take(&waiters));)
        green__shared_wait_wake(GREEN_CONTAINER(wait, green_shared_wait, wait));
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

static bool leave(green_shared_wait *wait) {
    green_promise *promise = GREEN_CONTAINER(wait, struct promise_wait, wait)->promise;
    green__short_lock(&promise->lock);
    bool left = green__shared_wait_remove(wait);
    green__short_unlock(&promise->lock);
    return left;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for a promise");
}

static const green_shared_wait_kind waiting = {{green__shared_wait_cancel, describe}, leave};

static int wait_for(green_promise *promise, int64_t timeout) {
    if (timeout == 0)
        return -ETIMEDOUT;
    struct promise_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    int error = green__shared_begin(timeout);
    if (error < 0)
        return error;
    wait->promise = promise;
    green__shared_wait_init(&wait->wait, &waiting);
    green__short_lock(&promise->lock);
    bool waits = !promise->sent;
    if (waits)
        green__wait_list_append(&promise->waiters, &wait->wait.wait);
    green__short_unlock(&promise->lock);
    return waits ? green__shared_wait(&wait->wait, timeout) : 0;
}

int green_promise_wait(green_promise *promise, void **value, int64_t timeout) {
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    if (error == 0)
        error = check_generation(promise);
    if (error == 0 && !green_promise_is_sent(promise))
        error = wait_for(promise, timeout);
    if (error == -ETIMEDOUT)
        return green__fail(error, "no value was sent to a promise in time");
    if (error < 0)
        return error;
    if (promise->error < 0)
        return green__fail(promise->error, "the sender of a promise has failed");
    if (value)
        *value = promise->value;
    return 0;
}

bool green_promise_is_sent(const green_promise *promise) {
    return __atomic_load_n(&promise->sent, __ATOMIC_ACQUIRE);
}
