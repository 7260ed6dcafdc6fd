#include "ask.h"

#include "../base/short_lock.h"
#include "../core/shared_wait.h"

#include <stdio.h>
#include <stdlib.h>

struct green_question {
    const green_question_kind *kind;
    green_short_lock lock;  /* guards the next two, and the errors of answers */
    size_t left;            /* answers that are neither given nor refused */
    green_wait_list waiter; /* the asker */
    uint32_t references;    /* atomic: of the asker, and of each post */
    size_t count;
    green_answer answers[];
};

/* The wait of the asker. */
struct asking {
    green_shared_wait wait;
    green_question *question;
};

static green_question *question_of(green_shared_wait *wait) {
    return GREEN_CONTAINER(wait, struct asking, wait)->question;
}

static bool leave(green_shared_wait *wait) {
    green_question *question = question_of(wait);
    green__short_lock(&question->lock);
    bool has_left = green__shared_wait_remove(wait);
    green__short_unlock(&question->lock);
    return has_left;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for answers of other hubs");
}

static const green_shared_wait_kind asking = {
    .kind = {.cancel = green__shared_wait_cancel, .describe = describe},
    .leave = leave,
};

/* Making --------------------------------------------------------------------- */

static green_question *question_make(const green_question_kind *kind, size_t count) {
    green_question *question = calloc(1, sizeof *question + count * sizeof *question->answers);
    if (!question)
        return NULL;
    question->kind = kind;
    question->references = 1;
    question->count = question->left = count;
    green__wait_list_init(&question->waiter);
    for (size_t i = 0; i < count; i++) {
        question->answers[i].question = question;
        question->answers[i].error = -ETIMEDOUT;
    }
    return question;
}

void green__question_release(green_question *question) {
    if (__atomic_sub_fetch(&question->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < question->count; i++)
        free(question->answers[i].text);
    free(question);
}

size_t green__question_count(const green_question *question) {
    return question->count;
}

green_answer *green__question_answer(green_question *question, size_t index) {
    return &question->answers[index];
}

int green__answer_error(green_answer *answer) {
    green__short_lock(&answer->question->lock);
    int error = answer->error;
    green__short_unlock(&answer->question->lock);
    return error;
}

/* Answers -------------------------------------------------------------------- */

static void end(green_answer *answer, int error) {
    green_question *question = answer->question;
    green_shared_wait *wait = NULL;
    green__short_lock(&question->lock);
    answer->error = error;
    if (--question->left == 0)
        wait = green__shared_wait_take(&question->waiter);
    green__short_unlock(&question->lock);
    if (wait)
        green__shared_wait_wake(wait);
}

void green__answer_give(green_answer *answer) {
    end(answer, 0);
    green__question_release(answer->question);
}

void green__answer_refuse(green_answer *answer) {
    end(answer, -ESRCH);
    green__question_release(answer->question);
}

/* Asking --------------------------------------------------------------------- */

static void ask_other(green_answer *answer, green_hub *hub) {
    green_question *question = answer->question;
    __atomic_fetch_add(&question->references, 1, __ATOMIC_RELAXED);
    int error = question->kind->post(answer, hub);
    if (error == 0)
        return;
    end(answer, error);
    green__question_release(question);
}

static void label(green_answer *answer, const green_hub *hub) {
    if (*hub->name)
        snprintf(answer->hub, sizeof answer->hub, "hub '%s' of OS thread %d", hub->name, hub->registration.tid);
    else
        snprintf(answer->hub, sizeof answer->hub, "the hub of OS thread %d", hub->registration.tid);
}

static void ask_hub(green_answer *answer, green_hub *hub) {
    label(answer, hub);
    if (hub != green__hub)
        ask_other(answer, hub);
}

/* After the registry was unlocked, because it may take long. */
static void answer_myself(green_answer *answer) {
    answer->question->kind->answer(answer, green__hub);
    end(answer, 0);
}

/* With the registry locked, so that the hubs stay. The list begins with the newest hub. */
static green_question *ask_all(const green_question_kind *kind) {
    size_t count = 0;
    green_hub_registration *first = green__hubs_lock(), *hub;
    for (hub = first; hub; hub = hub->next)
        count++;
    green_question *question = question_make(kind, count);
    green_answer *own = NULL;
    for (hub = first; question && hub; hub = hub->next) {
        green_answer *answer = &question->answers[--count];
        ask_hub(answer, hub->hub);
        own = hub->hub == green__hub ? answer : own;
    }
    green__hubs_unlock();
    if (own)
        answer_myself(own);
    return question;
}

static green_question *ask_one(const green_question_kind *kind, green_hub *hub) {
    green_question *question = question_make(kind, 1);
    if (!question)
        return NULL;
    ask_hub(&question->answers[0], hub);
    if (hub == green__hub)
        answer_myself(&question->answers[0]);
    return question;
}

/* Waits for the answers that are left. */
static int await(green_question *question, int64_t timeout) {
    struct asking local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    wait->question = question;
    green__shared_wait_init(&wait->wait, &asking);
    green__short_lock(&question->lock);
    bool must_wait = question->left > 0;
    if (must_wait)
        green__wait_list_append(&question->waiter, &wait->wait.wait);
    green__short_unlock(&question->lock);
    return must_wait ? green__shared_wait_outside(&wait->wait, timeout) : 0;
}

int green__ask(green_question **place, const green_question_kind *kind, green_hub *only, int64_t timeout) {
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    if (error < 0)
        return error;
    green_question *question = only ? ask_one(kind, only) : ask_all(kind);
    if (!question)
        return green__fail(-ENOMEM, "cannot ask hubs for their %s", kind->name);
    green__short_lock(&question->lock);
    bool must_wait = question->left > 0 && timeout != 0;
    green__short_unlock(&question->lock);
    if (must_wait && (error = green__shared_begin(timeout)) == 0)
        error = await(question, timeout);
    if (error < 0 && error != -ETIMEDOUT) {
        green__question_release(question);
        return error;
    }
    *place = question;
    return 0;
}
