#include "inbox.h"

#include "hub_record.h"

#include <errno.h>

/* The states of an inbox without posts. EMPTY is NULL. */
static green_post sleeping, closed, abandoned;

enum {
    RUNS_MAX = 256,       /* posts that one call of green__inbox_run() runs */
    REVERSALS_MAX = 4096, /* posts that it puts into order */
};

int green__inbox_try_post(green_hub *hub, green_post *post) {
    green_post **newest = &hub->inbox.newest, *before = __atomic_load_n(newest, __ATOMIC_RELAXED);
    do {
        /* The caller sees what the hub did before it closed the inbox. */
        if (GREEN_UNLIKELY(before == &closed || before == &abandoned))
            return __atomic_load_n(newest, __ATOMIC_ACQUIRE) == &closed ? -ESRCH : -EXDEV;
        post->next = before == &sleeping ? NULL : before;
    } while (!__atomic_compare_exchange_n(newest, &before, post, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (before == &sleeping)
        green__engine_wake(hub->engine);
    return 0;
}

int green__inbox_post(green_hub *hub, green_post *post) {
    int error = green__inbox_try_post(hub, post);
    if (GREEN_UNLIKELY(error < 0))
        green__fail(error, error == -ESRCH ? "cannot reach a hub that has ended"
                                           : "cannot reach a hub that belongs to the process before the fork");
    return error;
}

/* Reverses the posts that were taken, in steps, because a flood may have added any number
 * of them. Meanwhile `ordered` has only the newest ones, so none is run. */
static void put_into_order(green_inbox *inbox) {
    if (!inbox->ordered && !inbox->unordered)
        inbox->unordered = __atomic_exchange_n(&inbox->newest, NULL, __ATOMIC_ACQUIRE);
    for (unsigned count = 0; inbox->unordered && count < REVERSALS_MAX; count++) {
        green_post *post = inbox->unordered;
        inbox->unordered = post->next;
        post->next = inbox->ordered;
        inbox->ordered = post;
    }
}

void green__inbox_run(green_inbox *inbox) {
    int error_number = errno; /* of the green thread on whose stack the event loop runs */
    put_into_order(inbox);
    for (unsigned count = 0; !inbox->unordered && inbox->ordered && count < RUNS_MAX; count++) {
        green_post *post = inbox->ordered;
        inbox->ordered = post->next;
        green__counter_increment(&inbox->posts);
        post->deliver(post, 0); /* may free the post */
    }
    errno = error_number;
}

bool green__inbox_sleep(green_inbox *inbox) {
    green_post *empty = NULL;
    return !inbox->ordered && !inbox->unordered &&
           __atomic_compare_exchange_n(&inbox->newest, &empty, &sleeping, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void green__inbox_awake(green_inbox *inbox) {
    green_post *state = &sleeping;
    if (!__atomic_compare_exchange_n(&inbox->newest, &state, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        green__counter_increment(&inbox->wakes);
}

bool green__inbox_close(green_inbox *inbox) {
    green_post *empty = NULL;
    return !inbox->ordered && !inbox->unordered &&
           __atomic_compare_exchange_n(&inbox->newest, &empty, &closed, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

bool green__inbox_is_closed(const green_inbox *inbox) {
    return __atomic_load_n(&inbox->newest, __ATOMIC_RELAXED) == &closed;
}

/* The OS thread may end in a signal handler while its hub waits. */
void green__inbox_close_with_posts(green_inbox *inbox) {
    green_post *state = &sleeping;
    __atomic_compare_exchange_n(&inbox->newest, &state, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    while (!green__inbox_close(inbox)) {
        put_into_order(inbox);
        for (green_post *post; !inbox->unordered && (post = inbox->ordered);) {
            inbox->ordered = post->next;
            post->deliver(post, -ESRCH);
        }
    }
}

void green__inbox_abandon(green_inbox *inbox) {
    inbox->ordered = inbox->unordered = NULL;
    __atomic_store_n(&inbox->newest, &abandoned, __ATOMIC_RELAXED);
}
