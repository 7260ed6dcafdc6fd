/* Groups that own their threads: see group_record.h. */
#include "../core/thread.h"
#include "group_record.h"

#include <stdio.h>
#include <stdlib.h>

struct scoped_group {
    green_group group;
    green_group_scope scope;
};

/* A failure has ended a call of the owner. */
static void failure_delivered(green_interrupt *interrupt) {
    green_group_scope *scope = GREEN_CONTAINER(interrupt, green_group_scope, interrupt);
    const char *text = green__message_find_in(&scope->message, scope->error);
    char label[GREEN_LABEL_MAX];
    if (!text)
        text = green__error_text(scope->error);
    if (scope->failed)
        green__fail(-ECANCELED, "%s of a group failed: %s", green__thread_label(scope->failed, label, sizeof label),
                    text);
    else
        green__fail(-ECANCELED, "a group failed: %s", text);
}

static void owner_exited(green_exit_observer *observer, green_thread *thread) {
    (void)thread;
    green__group_abandon(&GREEN_CONTAINER(observer, struct scoped_group, scope.owner_observer)->group);
}

int green_group_begin(green_group **begun, const green_group_options *options) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    struct scoped_group *scoped = malloc(sizeof *scoped);
    if (!scoped)
        return green__fail(-ENOMEM, "cannot begin a group");
    green_group *group = &scoped->group;
    green__group_init(group);
    group->takers.hub = hub;
    group->discard = options ? options->discard : NULL;
    group->scope = &scoped->scope;
    scoped->scope = (green_group_scope){
        .owner = hub->current,
        .owner_observer.exited = owner_exited,
        .interrupt = {.error = -ECANCELED, .stays = true, .order = green__scope_next(), .delivered = failure_delivered},
        .options = options ? *options : (green_group_options){0},
    };
    green__exit_observer_add(hub->current, &scoped->scope.owner_observer);
    *begun = group;
    return 0;
}

/* The wait of the owner, in green_group_end(). */
struct end_wait {
    green_wait wait;
    const green_group *group;
};

static void wake(green_wait *wait) {
    green__ready(wait->thread);
}

static size_t count_running(const green_group *group) {
    size_t count = 0;
    for (const green_group_entry *entry = group->running; entry; entry = entry->next)
        count++;
    return count;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "waiting for the %zu green threads of a group to end",
             count_running(GREEN_CONTAINER(wait, const struct end_wait, wait)->group));
}

static const green_wait_kind awaiting_end = {wake, describe};

/* Parks until no thread of the group runs, or until the wait was interrupted. */
static void park(green_group *group, green_hub *hub, struct end_wait *end) {
    green__wait_init(hub, &end->wait, &awaiting_end);
    end->group = group;
    group->scope->end = &end->wait;
    green__park(hub, &end->wait);
    group->scope->end = NULL;
}

/* Waits until all threads have exited, or one has failed, or an interrupt of the owner ends the
 * wait. Returns 0, or the error of the interrupt. After a failure interrupts stay pending: the
 * failure is what the call returns. */
static int wait_for_threads(green_group *group, green_hub *hub) {
    int error = green__check_interrupt(hub); /* it loses none: only one that stays lets others run */
    while (error == 0 && group->running && !group->scope->has_ended) {
        struct end_wait end;
        park(group, hub, &end);
        if (end.wait.cancelled && !group->scope->has_ended)
            error = green__wait_error(hub, &end.wait);
    }
    return error;
}

/* Waits until all threads have exited, whatever happens to the owner meanwhile. A deadlock is the
 * only way out: nothing can end a wait of the threads that are left. */
static int wait_for_ended_threads(green_group *group, green_hub *hub) {
    green_shielded shield;
    int error = 0;
    green__shield_begin(hub->current, &shield);
    while (group->running && error == 0) {
        struct end_wait end;
        park(group, hub, &end);
        if (end.wait.cause == -EDEADLK)
            error = green__wait_error(hub, &end.wait);
    }
    green__shield_end(hub->current, &shield);
    return error;
}

static int check_end(green_group *group) {
    if (!group->scope)
        return green__fail(-EINVAL, "cannot end a group that was not begun; free it");
    int error = green__hub_affinity_check(&group->takers.hub, "group");
    if (error < 0)
        return error;
    green_thread *self = group->takers.hub->current;
    if (group->scope->owner != self)
        return green__fail(-EPERM, "cannot end a group: another green thread has begun it");
    if (self->must_not_block && group->running) {
        green__group_kill_for_good(group);
        return green__refuse_to_block(self);
    }
    return 0;
}

/* Ends the threads that are left. The message of the error outlives it. */
static int kill_and_wait(green_group *group, green_hub *hub, int error) {
    green_message_copy saved;
    green__message_save(&saved);
    green__group_kill_for_good(group);
    int deadlock = wait_for_ended_threads(group, hub);
    if (deadlock < 0)
        return deadlock;
    green__message_restore(&saved);
    return error;
}

/* The failure of the scope, which the caller of green_group_end() gets. */
static int take_failure(green_group_scope *scope, green_hub *hub) {
    if (scope->failed)
        scope->failed->observed = true;
    green__message_forward(&scope->message, scope->error, green__message_slot_of(hub->current));
    return scope->error;
}

/* Waits for all threads. Returns the first error: of the body, of a failure, or of an interrupt. */
static int end_all(green_group *group, green_hub *hub, int error) {
    green_group_scope *scope = group->scope;
    if (error >= 0 && !scope->error)
        error = wait_for_threads(group, hub);
    if (error < 0 || scope->has_ended)
        error = kill_and_wait(group, hub, error);
    if (error == -EDEADLK && group->running)
        return error;
    GREEN_INVARIANT(!group->running, "no thread of a group runs when the group has ended");
    if (scope->is_freed)
        return green__fail(-EBADF, "the group was freed while its owner waited for its end");
    return scope->error ? take_failure(scope, hub) : error;
}

int green_group_end(green_group *group, int error) {
    int refused = check_end(group);
    if (refused < 0)
        return refused;
    green_hub *hub = group->takers.hub;
    green_group_scope *scope = group->scope;
    scope->is_ending = true;
    green__interrupt_withdraw(hub->current, &scope->interrupt);
    error = end_all(group, hub, error);
    green__exit_observer_remove(&scope->owner_observer);
    green__group_free_here(group);
    return error < 0 ? error : 0;
}

int green_group_fail(green_group *group, int error) {
    if (!group->scope)
        return green__fail(-EINVAL, "cannot fail a group that was not begun");
    if (error >= 0)
        return green__fail(-EINVAL, "cannot fail a group: %d is no error", error);
    int refused = green__hub_affinity_check(&group->takers.hub, "group");
    if (refused == 0)
        green__group_fail(group, error, NULL, green__message_slot_of(group->takers.hub->current));
    return refused;
}
