#include "async_wait.h"

#include <errno.h>
#include <stdlib.h>

struct green_async_wait {
    uint32_t references; /* atomic */
    green_short_lock lock;
    bool cancelled, ended;
    green_shared_wait *wait; /* NULL before it has begun */
    const int *result;
    void (*done)(void *context, int result);
    void *context;
    max_align_t memory[GREEN_ROOT_WAIT_SIZE / sizeof(max_align_t)];
};

int green_async_wait_make(green_async_wait **made, void (*done)(void *context, int result), void *context) {
    green_async_wait *async = malloc(sizeof *async);
    if (!async)
        return green__fail(-ENOMEM, "cannot create an asynchronous wait");
    async->references = 1;
    async->lock = (green_short_lock){0};
    async->cancelled = async->ended = false;
    async->wait = NULL;
    async->done = done;
    async->context = context;
    *made = async;
    return 0;
}

green_async_wait *green_async_wait_retain(green_async_wait *async) {
    __atomic_fetch_add(&async->references, 1, __ATOMIC_RELAXED);
    return async;
}

void green_async_wait_release(green_async_wait *async) {
    if (async && __atomic_sub_fetch(&async->references, 1, __ATOMIC_ACQ_REL) == 0)
        free(async);
}

void *green__async_wait_memory(green_async_wait *async) {
    return async->memory;
}

int green__async_wait_begin(green_async_wait *async, const int *result) {
    green__short_lock(&async->lock);
    GREEN_INVARIANT(!async->wait, "an asynchronous wait is for one call");
    if (async->cancelled) {
        green__short_unlock(&async->lock);
        return green__fail(-ECANCELED, "an asynchronous wait was cancelled before it began");
    }
    async->result = result;
    return 0;
}

void green__async_wait_begun(green_async_wait *async, green_shared_wait *wait) {
    async->wait = wait;
    green__short_unlock(&async->lock);
}

/* Called by the thread that has served the wait, without the lock of the object. */
void green__async_wait_served(green_async_wait *async) {
    green__short_lock(&async->lock);
    int result = async->result ? *async->result : 0;
    async->ended = true;
    green__short_unlock(&async->lock);
    async->done(async->context, result);
}

void green_async_wait_cancel(green_async_wait *async) {
    green__short_lock(&async->lock);
    async->cancelled = true;
    bool left = async->wait && !async->ended && green__shared_wait_leave(async->wait);
    async->ended = async->ended || left;
    green__short_unlock(&async->lock);
    if (left)
        async->done(async->context, -ECANCELED);
}
