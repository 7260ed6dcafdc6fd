#include "takers.h"

#include <stdio.h>

/* A woken taker has its item here. It does not use the object again, which may have
 * been freed. */
struct taker {
    green_wait wait;
    const green_takers *takers;
    green_taken taken;
    bool given;
};

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_takers *takers = GREEN_CONTAINER(wait, const struct taker, wait)->takers;
    snprintf(text, size, "waiting for the %s of %zu green threads of a %s", takers->which, takers->count,
             takers->object);
}

static const green_wait_kind taking = {green__wait_leave_list, describe};

static void wake_first(green_takers *takers, green_taken taken, bool given) {
    struct taker *taker = GREEN_CONTAINER(green__wait_list_take(&takers->waiting), struct taker, wait);
    taker->taken = taken;
    taker->given = given;
    green__ready(taker->wait.thread);
}

void green__takers_check_empty(green_takers *takers) {
    while (takers->count == 0 && !green__wait_list_is_empty(&takers->waiting))
        wake_first(takers, (green_taken){0}, false);
}

void green__takers_give(green_takers *takers, green_taken taken) {
    wake_first(takers, taken, true);
    green__takers_check_empty(takers);
}

int green__takers_wait(green_takers *takers, green_taken *taken, int64_t timeout) {
    const char *object = takers->object, *which = takers->which;
    struct taker taker = {.takers = takers};
    int error = green__wait_in_list(takers->hub, &taker.wait, &taking, &takers->waiting, timeout);
    if (error == 0)
        *taken = taker.taken;
    else if (taker.wait.cause == -EBADF)
        green__fail(error, "the %s was freed while a green thread waited for it", object);
    else if (taker.wait.cause == -ETIMEDOUT)
        green__fail_timed_out(timeout, "the %s green thread of a %s has not finished", which, object);
    return error < 0 ? error : taker.given;
}
