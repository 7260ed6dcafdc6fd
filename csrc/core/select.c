#include "select.h"

#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A wait that is linked with itself may be removed again. */
static void remove_wait(green_wait *wait) {
    green__wait_list_remove(wait);
    green__wait_list_init(&wait->link);
}

static void leave_lists_of_hub(green_selection *select) {
    for (size_t i = 0; i < select->count; i++)
        if (select->cases[i].in_list)
            remove_wait(&select->cases[i].wait);
}

static void leave_shared(green_selection *select) {
    for (green_case_wait *wait = select->shared; wait; wait = wait->next)
        wait->kind->shared->leave(wait);
    select->shared = NULL;
}

/* Leaves what can be left at once: a caller that holds the lock of a shared object must not lock
 * others. */
static void leave_others(green_selection *select) {
    leave_lists_of_hub(select);
    if (!select->served || !green__case_wait_of(select->served)->kind->shared)
        leave_shared(select);
}

static bool claim(green_selection *select, green_wait *served) {
    bool open = false;
    if (!__atomic_compare_exchange_n(&select->ended, &open, true, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return false;
    select->served = served;
    if (select->wait.thread->hub == green__hub)
        leave_others(select);
    return true;
}

bool green__select_claim(green_wait *wait) {
    green__wait_list_init(&wait->link);
    bool claimed = claim(wait->select, wait);
    green_case_wait *case_wait = green__case_wait_of(wait);
    if (!claimed && case_wait->in_list)
        case_wait->dropped = true;
    return claimed;
}

bool green__select_give_up(green_selection *select) {
    return claim(select, NULL);
}

void green__select_serve(green_wait *wait, int cause) {
    if (!green__select_claim(wait))
        return;
    wait->cause = cause;
    green__ready(wait->thread);
}

void green__select_leave(green_selection *select) {
    leave_lists_of_hub(select);
    leave_shared(select);
}

/* If a case was served, its wake-up finds the inbox closed. */
void green__select_abandon(green_selection *select) {
    (void)green__select_give_up(select);
    green__select_leave(select);
    for (size_t i = 0; i < select->count; i++)
        if (select->cases[i].kind->shared)
            select->cases[i].kind->end(&select->cases[i]);
}

/* If a case was served, the wake-up is on its way. */
static void cancel(green_wait *wait) {
    if (green__select_give_up(green__select_of(wait)))
        green__ready(wait->thread);
}

static size_t describe_case(const green_case_wait *wait, const char *separator, char *text, size_t size) {
    static const char waiting_for[] = "waiting for ";
    char what[80];
    wait->wait.kind->describe(&wait->wait, what, sizeof what);
    bool has_verb = strncmp(what, waiting_for, sizeof waiting_for - 1) == 0;
    int length = snprintf(text, size, "%s%s", separator, what + (has_verb ? sizeof waiting_for - 1 : 0));
    return length < (int)size ? (size_t)length : size - 1;
}

/* "waiting for the first of 2: getting from a queue of 0, an event" */
static void describe(const green_wait *wait, char *text, size_t size) {
    const green_selection *select = GREEN_CONTAINER(wait, const green_selection, wait);
    const char *separator = ": ";
    int length = snprintf(text, size, "waiting for the first of %zu", select->count);
    size_t used = length < (int)size ? (size_t)length : size - 1;
    for (size_t i = 0; i < select->count; i++)
        if (!select->cases[i].dropped) {
            used += describe_case(&select->cases[i], separator, text + used, size - used);
            separator = ", ";
        }
}

const green_wait_kind green__select_wait_kind = {cancel, describe};

void *green__select_root_memory(green_hub *hub, size_t size) {
    if (hub->root_select_size >= size)
        return hub->root_select;
    void *memory = realloc(hub->root_select, size); /* the root waits once at a time */
    if (!memory)
        return NULL;
    hub->root_select = memory;
    hub->root_select_size = size;
    return memory;
}
