/* Events. Sending stores the value in the record of each waiter, because the
 * event may be reset or freed before the waiter runs. */
#include "hub_affinity.h"

#include "../core/select.h"

#include <green/event.h>
#include <green/select.h>

#include <stdio.h>
#include <stdlib.h>

struct green_event {
    green_hub *hub;
    green_foreign_release foreign_release;
    green_wait_list waiters; /* empty once the event is sent */
    void *value;
    int error;
    bool sent;
};

struct event_wait {
    green_wait wait;
    void *value;
    int error;
};

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for an event");
}

static const green_wait_kind awaiting = {green__wait_leave_list, describe};

int green_event_make(green_event **made) {
    green_event *event = calloc(1, sizeof *event);
    if (!event)
        return green__fail(-ENOMEM, "cannot create an event");
    green__wait_list_init(&event->waiters);
    *made = event;
    return 0;
}

static void foreign_released(green_post *post, int error) {
    green_event *event = GREEN_CONTAINER(post, green_event, foreign_release.post);
    if (error < 0)
        free(event);
    else
        green_event_free(event);
}

void green_event_free(green_event *event) {
    if (!event)
        return;
    if (green__hub_affinity_is_foreign(event->hub)) {
        if (green__foreign_release(event->hub, &event->foreign_release, foreign_released) > 0)
            free(event);
        return;
    }
    green__wait_list_end(&event->waiters, -EBADF);
    free(event);
}

static int send(green_event *event, void *value, int error) {
    int foreign = green__hub_affinity_check(&event->hub, "event");
    if (foreign < 0)
        return foreign;
    if (event->sent)
        return green__fail(-EALREADY, "cannot send an event: it was sent before; reset it first");
    event->sent = true;
    event->value = value;
    event->error = error;
    for (green_wait *wait; (wait = green__wait_list_take(&event->waiters));) {
        struct event_wait *waiter = GREEN_CONTAINER(wait, struct event_wait, wait);
        waiter->value = value;
        waiter->error = error;
        green__ready(wait->thread);
    }
    return 0;
}

int green_event_send(green_event *event, void *value) {
    return send(event, value, 0);
}

int green_event_fail(green_event *event, int error) {
    if (error >= 0)
        return green__fail(-EINVAL, "green_event_fail: %d is not a negated errno", error);
    return send(event, NULL, error);
}

static int deliver_value(void *sent_value, int sent_error, void **value) {
    if (sent_error < 0)
        return green__fail(sent_error, "the event was sent this error");
    *value = sent_value;
    return 0;
}

static int explain(int error, int64_t timeout) {
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "the event was not sent");
    if (error == -EBADF)
        return green__fail(error, "the event was freed while a green thread waited for it");
    if (green__is_explained(error) || error == -EDEADLK)
        return error;
    return green__fail(error, "waiting for an event");
}

static int wait_for(green_event *event, int64_t timeout, void **value) {
    struct event_wait waiter = {.value = NULL};
    int error = green__wait_in_list(event->hub, &waiter.wait, &awaiting, &event->waiters, timeout);
    return error < 0 ? explain(error, timeout) : deliver_value(waiter.value, waiter.error, value);
}

int green_event_wait(green_event *event, void **value, int64_t timeout) {
    int error = green__hub_affinity_enter(&event->hub, "event");
    if (error < 0)
        return error;
    if (event->sent)
        return deliver_value(event->value, event->error, value);
    if (timeout == 0)
        return explain(-ETIMEDOUT, timeout);
    return wait_for(event, timeout, value);
}

/* Cases of a select -------------------------------------------------------- */

static bool may_be_sent(const green_case *c, const green_hub *hub) {
    const green_event *event = c->object;
    return event->hub != hub || event->sent;
}

static bool attempt_case(green_case *c, green_hub *hub) {
    (void)hub;
    green_event *event = c->object;
    c->error = green__hub_affinity_check(&event->hub, "event");
    if (c->error == 0 && event->sent)
        c->error = deliver_value(event->value, event->error, &c->value);
    return c->error < 0 || event->sent;
}

static void enter_case(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green_event *event = wait->of->object;
    GREEN_CASE_WAIT(wait, struct event_wait)->error = 0;
    green__case_wait_enter(wait, &awaiting, &event->waiters);
}

static void finish_case(green_case_wait *wait) {
    const struct event_wait *waiter = GREEN_CASE_WAIT(wait, struct event_wait);
    wait->of->error = waiter->wait.cause < 0 ? explain(waiter->wait.cause, GREEN_FOREVER)
                                             : deliver_value(waiter->value, waiter->error, &wait->of->value);
}

static const green_case_kind event_case = {
    .may_be_ready = may_be_sent, .attempt = attempt_case, .enter = enter_case, .finish = finish_case};

green_case green_case_event(green_event *event) {
    return (green_case){.kind = event ? &event_case : NULL, .object = event};
}

/* State -------------------------------------------------------------------- */

bool green_event_is_sent(const green_event *event) {
    return event->sent;
}

int green_event_error(const green_event *event) {
    return event->error;
}

size_t green_event_waiting(const green_event *event) {
    return green__wait_list_count(&event->waiters);
}

void green_event_reset(green_event *event) {
    event->sent = false;
    event->value = NULL;
    event->error = 0;
}
