#include "latch.h"

#include "../core/async_wait.h"

typedef struct latch_wait {
    green_shared_wait shared;
    green_shared_wait_kind kind;
    green_latch *latch;
} latch_wait;

void green__latch_init(green_latch *latch) {
    *latch = (green_latch){0};
    green__wait_list_init(&latch->waiters);
}

void green__latch_open(green_latch *latch) {
    green__short_lock(&latch->lock);
    green__latch_open_locked(latch);
}

void green__latch_open_locked(green_latch *latch) {
    green_wait_list served;
    green__wait_list_init(&served);
    __atomic_store_n(&latch->is_open, true, __ATOMIC_RELEASE);
    for (green_shared_wait *wait; (wait = green__shared_wait_take(&latch->waiters));)
        green__wait_list_append(&served, &wait->wait);
    green__short_unlock(&latch->lock);
    for (green_wait *wait; (wait = green__wait_list_pop(&served));)
        green__shared_wait_wake(GREEN_CONTAINER(wait, green_shared_wait, wait));
}

static bool leave(green_shared_wait *shared) {
    green_latch *latch = GREEN_CONTAINER(shared, latch_wait, shared)->latch;
    green__short_lock(&latch->lock);
    bool left = green__shared_wait_remove(shared);
    green__short_unlock(&latch->lock);
    return left;
}

/* Returns false if the latch is open. */
static bool enter(green_latch *latch, latch_wait *wait) {
    green__short_lock(&latch->lock);
    bool waits = !latch->is_open;
    if (waits)
        green__wait_list_append(&latch->waiters, &wait->shared.wait);
    green__short_unlock(&latch->lock);
    return waits;
}

/* Does the same for the calling thread. */
static bool enter_as(green_latch *latch, latch_wait *wait, const green_wait_kind *kind) {
    wait->kind = (green_shared_wait_kind){*kind, leave};
    wait->latch = latch;
    green__shared_wait_init(&wait->shared, &wait->kind);
    return enter(latch, wait);
}

int green__latch_wait(green_latch *latch, void (*describe)(const green_wait *, char *, size_t), int64_t timeout) {
    latch_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    bool waits = enter_as(latch, wait, &(green_wait_kind){green__shared_wait_cancel, describe});
    return waits ? green__shared_wait_outside(&wait->shared, timeout) : 0;
}

int green__latch_wait_inside(green_latch *latch, void (*describe)(const green_wait *, char *, size_t),
                             int64_t timeout) {
    latch_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    bool waits = enter_as(latch, wait, &(green_wait_kind){green__shared_wait_cancel, describe});
    return waits ? green__shared_wait(&wait->shared, timeout) : 0;
}

void green__latch_await(green_latch *latch, void (*describe)(const green_wait *, char *, size_t)) {
    latch_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    bool waits = enter_as(latch, wait, &(green_wait_kind){green__shared_wait_ignore, describe});
    int error = waits ? green__shared_wait_outside(&wait->shared, GREEN_FOREVER) : 0;
    GREEN_INVARIANT(error == 0, "nothing ends a wait that ignores interrupts but its latch");
}

int green__latch_wait_async(green_latch *latch, green_async_wait *async) {
    latch_wait *wait = GREEN_ASYNC_WAIT_MEMORY(async, latch_wait);
    int error = green__async_wait_begin(async, NULL);
    if (error < 0)
        return error;
    wait->kind = (green_shared_wait_kind){.leave = leave};
    wait->latch = latch;
    green__shared_wait_init_async(&wait->shared, &wait->kind, async);
    bool waits = enter(latch, wait);
    green__async_wait_begun(async, waits ? &wait->shared : NULL);
    return !waits;
}

const green_latch *green__latch_of(const green_wait *wait) {
    return GREEN_CONTAINER(wait, const latch_wait, shared.wait)->latch;
}
