/* The end of a thread as a case of a select. */
#include "../core/fork.h"
#include "../core/interrupt.h"
#include "../core/select.h"
#include "../core/thread.h"

#include <green/select.h>

#include <stdio.h>

static bool has_ended(const green_case *c, const green_hub *hub) {
    const green_thread *thread = c->object;
    return thread->hub != hub || thread->state == GREEN_DONE || thread == hub->current;
}

static void take_result(green_case *c) {
    c->error = 0;
    c->result = green__thread_take_result(c->object, green__hub->current);
}

static bool attempt(green_case *c, green_hub *hub) {
    green_thread *thread = c->object;
    char label[GREEN_LABEL_MAX];
    c->error = green__thread_check_hub(thread, "wait");
    if (c->error < 0)
        return true;
    if (thread->state == GREEN_DONE)
        take_result(c);
    else if (thread == hub->current)
        c->error = green__fail(-EDEADLK, "%s cannot wait for itself", green__thread_label(thread, label, sizeof label));
    else
        return false;
    return true;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    char label[GREEN_LABEL_MAX];
    const green_thread *thread = GREEN_CONTAINER(wait, const green_case_wait, wait)->of->object;
    snprintf(text, size, "%s", green__thread_label(thread, label, sizeof label));
}

static const green_wait_kind joining = {NULL, describe};

/* Another thread may release the handle during the wait. */
static void enter(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green_thread *thread = green_thread_retain(wait->of->object);
    green__case_wait_enter(wait, &joining, &thread->waiters);
}

static void leave(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green_thread_release(wait->of->object);
}

static void finish(green_case_wait *wait) {
    take_result(wait->of);
}

static const green_case_kind thread_case = {
    .may_be_ready = has_ended, .attempt = attempt, .enter = enter, .leave = leave, .finish = finish};

green_case green_case_thread(green_thread *thread) {
    return (green_case){.kind = thread ? &thread_case : NULL, .object = thread};
}
