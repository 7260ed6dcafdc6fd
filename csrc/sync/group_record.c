#include "group_record.h"

#include "../core/thread.h"

#include <stdlib.h>

void green__group_init(green_group *group) {
    *group = (green_group){.takers = {.object = "group", .which = "next"}, .last = &group->finished};
    green__wait_list_init(&group->takers.waiting);
}

bool green__group_add_block(green_group *group) {
    green_group_block *block = malloc(sizeof *block);
    if (!block)
        return false;
    block->next = group->blocks;
    group->blocks = block;
    for (size_t i = GREEN_GROUP_BLOCK_ENTRIES; i-- > 0;)
        green__group_entry_give(group, &block->entries[i]);
    return true;
}

static void drop_all(green_group *group, green_group_entry *entry) {
    for (green_group_entry *next; entry; entry = next) {
        next = entry->next;
        if (group->discard)
            group->discard(entry->context);
        green_thread_release(entry->thread);
    }
}

void green__group_destroy(green_group *group) {
    drop_all(group, group->running);
    drop_all(group, group->finished);
    for (green_group_block *block = group->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    if (group->scope) {
        green_thread_release(group->scope->failed);
        green__message_free(&group->scope->message);
    }
    free(group);
}

void green__group_free_here(green_group *group) {
    green__wait_list_end(&group->takers.waiting, -EBADF);
    for (green_group_entry *entry = group->running; entry; entry = entry->next)
        green__exit_observer_remove(&entry->exit_observer);
    green__group_destroy(group);
}

void green__group_kill_for_good(green_group *group) {
    group->scope->has_ended = true;
    for (green_group_entry *entry = group->running; entry; entry = entry->next)
        green__thread_kill_for_good(entry->thread);
}

void green__group_fail(green_group *group, int error, green_thread *failed, green_message **from) {
    green_group_scope *scope = group->scope;
    if (scope->has_ended)
        return; /* this is not the first failure, or the body failed before */
    scope->error = error;
    green__message_forward(from, error, &scope->message);
    if (failed)
        scope->failed = green_thread_retain(failed);
    green__group_kill_for_good(group);
    if (scope->owner && !scope->is_ending)
        green__interrupt(scope->owner, &scope->interrupt);
}

static bool has_failed(const green_group_scope *scope, int result, void *context) {
    if (scope->options.collects_errors || scope->has_ended)
        return false;
    if (scope->options.is_failure)
        return scope->options.is_failure(result, context, scope->options.argument);
    return result < 0 && result != -ECANCELED;
}

void green__group_child_exited(green_group *group, green_thread *thread, void *context) {
    green_group_scope *scope = group->scope;
    if (has_failed(scope, thread->result, context))
        green__group_fail(group, thread->result < 0 ? thread->result : -ECANCELED, thread, &thread->message);
    if (!group->running && scope->end && scope->end->thread->state == GREEN_PARKED)
        green__ready(scope->end->thread);
}

void green__group_abandon(green_group *group) {
    green_group_scope *scope = group->scope;
    if (scope->owner) {
        green__exit_observer_remove(&scope->owner_observer);
        green__interrupt_withdraw(scope->owner, &scope->interrupt);
        scope->owner = NULL;
    }
    green__group_kill_for_good(group);
}
