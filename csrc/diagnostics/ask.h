/* Questions to hubs, which any OS thread may ask.
 *
 * Each hub answers on its own OS thread. The asker waits for a limited time, because a green
 * thread may block a hub. A hub that has not answered by then does so later, and the answer
 * is discarded. */
#ifndef GREEN_DIAGNOSTICS_ASK_H
#define GREEN_DIAGNOSTICS_ASK_H

#include "../core/hub_record.h"

struct green_answer;

enum { GREEN_HUB_LABEL_MAX = GREEN_NAME_MAX + 40 };

typedef struct green_question_kind {
    /* Makes the hub call answer() soon, and then green__answer_give(). If the OS thread of the
     * hub ends before that, calls green__answer_refuse(). Returns 0, or the error of
     * green_hub_post(). */
    int (*post)(struct green_answer *answer, green_hub *hub);
    /* Fills in the answer of a hub of this OS thread. Must not block. */
    void (*answer)(struct green_answer *answer, green_hub *hub);
    const char *name; /* for messages */
} green_question_kind;

/* The answer of one hub. */
typedef struct green_answer {
    green_dump_request request;
    struct green_question *question;
    char hub[GREEN_HUB_LABEL_MAX]; /* for messages */
    int error;                     /* see green__answer_error() */
    char *text;                    /* of a dump */
    size_t size, capacity;
    bool out_of_memory; /* the text is incomplete */
    green_statistics statistics;
} green_answer;

typedef struct green_question green_question;

/* Asks one hub, or every hub of the process if `only` is NULL, and waits up to timeout
 * nanoseconds for their answers. *question is the caller's, also if time has run out: 0.
 * -ENOMEM, -EWOULDBLOCK, or the error of an interrupt. */
int green__ask(green_question **question, const green_question_kind *kind, green_hub *only, int64_t timeout);

/* The answers, the oldest hub first. */
size_t green__question_count(const green_question *question);
green_answer *green__question_answer(green_question *question, size_t index);

/* 0: the answer was given, and its fields do not change any more. -ETIMEDOUT: not yet.
 * -ESRCH: the hub has ended. -EXDEV: it belongs to the process before a fork. */
int green__answer_error(green_answer *answer);

void green__question_release(green_question *question);

/* Called by a hub. */
void green__answer_give(green_answer *answer);
void green__answer_refuse(green_answer *answer);

#endif
