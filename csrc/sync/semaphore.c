/* Semaphores. A permit that is released while a thread waits belongs to that
 * thread at once, before it runs. So no later caller can take the permit, and the
 * thread has it even if it is killed before it runs. */
#include "hub_affinity.h"

#include "../core/select.h"

#include <green/select.h>
#include <green/semaphore.h>

#include <stdio.h>
#include <stdlib.h>

/* Threads wait in acquirers only while permits is 0, and in releasers only while
 * permits equals the limit. */
struct green_semaphore {
    green_hub *hub;
    green_foreign_release foreign_release;
    int64_t permits, limit;
    green_wait_list acquirers, releasers;
};

struct semaphore_wait {
    green_wait wait;
    const green_wait_list *list;
};

static void describe(const green_wait *wait, const char *verb, char *text, size_t size) {
    const green_wait_list *list = GREEN_CONTAINER(wait, const struct semaphore_wait, wait)->list;
    size_t before = 0;
    for (const green_wait_link *link = wait->link.previous; link != list && link != &wait->link; link = link->previous)
        before++;
    snprintf(text, size, "%s a semaphore (%zu ahead)", verb, before);
}

static void describe_acquire(const green_wait *wait, char *text, size_t size) {
    describe(wait, "acquiring", text, size);
}

static void describe_release(const green_wait *wait, char *text, size_t size) {
    describe(wait, "releasing", text, size);
}

static const green_wait_kind acquiring = {green__wait_leave_list, describe_acquire};
static const green_wait_kind releasing = {green__wait_leave_list, describe_release};

int green_semaphore_make(green_semaphore **made, int64_t permits, int64_t limit) {
    if (permits < 0)
        return green__fail(-EINVAL, "cannot create a semaphore with %ld permits: the number is negative", permits);
    if (limit >= 0 && permits > limit)
        return green__fail(-EINVAL, "cannot create a semaphore with %ld permits and a limit of %ld", permits, limit);
    green_semaphore *semaphore = calloc(1, sizeof *semaphore);
    if (!semaphore)
        return green__fail(-ENOMEM, "cannot create a semaphore");
    semaphore->permits = permits;
    semaphore->limit = limit < 0 ? INT64_MAX : limit;
    green__wait_list_init(&semaphore->acquirers);
    green__wait_list_init(&semaphore->releasers);
    *made = semaphore;
    return 0;
}

static void foreign_released(green_post *post, int error) {
    green_semaphore *semaphore = GREEN_CONTAINER(post, green_semaphore, foreign_release.post);
    if (error < 0)
        free(semaphore);
    else
        green_semaphore_free(semaphore);
}

void green_semaphore_free(green_semaphore *semaphore) {
    if (!semaphore)
        return;
    if (green__hub_affinity_is_foreign(semaphore->hub)) {
        if (green__foreign_release(semaphore->hub, &semaphore->foreign_release, foreign_released) > 0)
            free(semaphore);
        return;
    }
    green__wait_list_end(&semaphore->acquirers, -EBADF);
    green__wait_list_end(&semaphore->releasers, -EBADF);
    free(semaphore);
}

/* Lets the first waiter proceed, if there is one. */
static bool wake_first(green_wait_list *list) {
    green_wait *first = green__wait_list_take(list);
    if (first)
        green__ready(first->thread);
    return first != NULL;
}

static bool take(green_semaphore *semaphore) {
    if (wake_first(&semaphore->releasers))
        return true; /* its permit replaces the one that is taken */
    if (semaphore->permits == 0)
        return false;
    semaphore->permits--;
    return true;
}

static bool give(green_semaphore *semaphore) {
    if (wake_first(&semaphore->acquirers))
        return true;
    if (semaphore->permits == semaphore->limit)
        return false;
    semaphore->permits++;
    return true;
}

static int explain(int error, const green_wait_kind *kind, int64_t timeout) {
    const char *verb = kind == &acquiring ? "acquiring" : "releasing";
    if (error == -ETIMEDOUT)
        return kind == &acquiring
                   ? green__fail_timed_out(timeout, "cannot acquire a semaphore: it had no permit")
                   : green__fail_timed_out(timeout, "cannot release a semaphore: no permit was acquired");
    if (error == -EBADF)
        return green__fail(error, "%s a semaphore: it was freed while a green thread waited for it", verb);
    if (green__is_explained(error) || error == -EDEADLK)
        return error;
    return green__fail(error, "%s a semaphore", verb);
}

static int wait_in(green_hub *hub, green_wait_list *list, const green_wait_kind *kind, int64_t timeout) {
    struct semaphore_wait waiter = {.list = list};
    int error = green__wait_in_list(hub, &waiter.wait, kind, list, timeout);
    return error < 0 ? explain(error, kind, timeout) : 0;
}

int green_semaphore_acquire(green_semaphore *semaphore, int64_t timeout) {
    int error = green__hub_affinity_enter(&semaphore->hub, "semaphore");
    if (error < 0 || take(semaphore))
        return error;
    if (timeout == 0)
        return explain(-ETIMEDOUT, &acquiring, timeout);
    return wait_in(semaphore->hub, &semaphore->acquirers, &acquiring, timeout);
}

int green_semaphore_try_acquire(green_semaphore *semaphore) {
    int error = green__hub_affinity_check(&semaphore->hub, "semaphore");
    return error < 0 ? error : take(semaphore);
}

int green_semaphore_release(green_semaphore *semaphore) {
    int error = green__hub_affinity_check(&semaphore->hub, "semaphore");
    if (error < 0 || give(semaphore))
        return error;
    return green__fail(-EOVERFLOW, "cannot release a semaphore: it has all of its %ld permits", semaphore->limit);
}

int green_semaphore_release_within(green_semaphore *semaphore, int64_t timeout) {
    int error = green__hub_affinity_enter(&semaphore->hub, "semaphore");
    if (error < 0 || give(semaphore))
        return error;
    if (timeout == 0)
        return explain(-ETIMEDOUT, &releasing, timeout);
    return wait_in(semaphore->hub, &semaphore->releasers, &releasing, timeout);
}

/* Cases of a select -------------------------------------------------------- */

static bool may_acquire(const green_case *c, const green_hub *hub) {
    const green_semaphore *semaphore = c->object;
    return semaphore->hub != hub || semaphore->permits > 0 || !green__wait_list_is_empty(&semaphore->releasers);
}

static bool attempt_case(green_case *c, green_hub *hub) {
    (void)hub;
    int done = green_semaphore_try_acquire(c->object);
    c->error = done < 0 ? done : 0;
    return done != 0;
}

static void enter_case(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green_semaphore *semaphore = wait->of->object;
    GREEN_CASE_WAIT(wait, struct semaphore_wait)->list = &semaphore->acquirers;
    green__case_wait_enter(wait, &acquiring, &semaphore->acquirers);
}

static void finish_case(green_case_wait *wait) {
    int error = wait->wait.cause;
    wait->of->error = error < 0 ? explain(error, &acquiring, GREEN_FOREVER) : 0;
}

static const green_case_kind acquire_case = {
    .may_be_ready = may_acquire, .attempt = attempt_case, .enter = enter_case, .finish = finish_case};

green_case green_case_acquire(green_semaphore *semaphore) {
    return (green_case){.kind = semaphore ? &acquire_case : NULL, .object = semaphore};
}

/* State -------------------------------------------------------------------- */

int64_t green_semaphore_permits(const green_semaphore *semaphore) {
    return semaphore->permits;
}

size_t green_semaphore_acquiring(const green_semaphore *semaphore) {
    return green__wait_list_count(&semaphore->acquirers);
}

size_t green_semaphore_releasing(const green_semaphore *semaphore) {
    return green__wait_list_count(&semaphore->releasers);
}
