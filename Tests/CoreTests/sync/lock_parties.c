#include "lock_parties.h"

#include "../../../csrc/core/interrupt.h"

#include <signal.h>

struct party parties[PARTIES];
static int reports;

static void count_report(const green_report *report, void *context) {
    (void)context;
    if (report->level == GREEN_REPORT_DEBUG)
        return; /* why there is no io_uring, for example */
    CHECK(report->level, ==, GREEN_REPORT_ERROR);
    CHECK_CONTAINS(report->text, "ended while it held a");
    reports++;
}

/* A kill that was too late for a call is delivered by the yield. */
static int live(void *argument) {
    struct party *self = argument;
    while (!self->dismissed) {
        int (*task)(void) = self->task;
        self->task = NULL;
        if (task) {
            self->result = task();
            self->calls++;
        }
        self->kills += green_yield() == -ECANCELED;
    }
    return 0;
}

void parties_start(void) {
    reports = 0;
    CHECK(green_report_set_handler(count_report, NULL, NULL), ==, 0);
    for (int i = 0; i < PARTIES; i++) {
        parties[i] = (struct party){0};
        parties[i].thread = start(live, &parties[i]);
    }
}

int parties_end(void) {
    for (int i = 0; i < PARTIES; i++) {
        parties[i].dismissed = true;
        if (parties[i].thread)
            CHECK(finish(parties[i].thread), ==, 0);
    }
    CHECK(green_report_set_handler(NULL, NULL, NULL), ==, 0);
    return reports;
}

/* A thread that was woken may wake a second one, and that a third one. */
void parties_settle(void) {
    for (int i = 0; i <= PARTIES; i++)
        CHECK(green_yield(), ==, 0);
}

void party_call(int party, int (*task)(void)) {
    parties_settle();
    parties[party].task = task;
    CHECK(green_yield(), ==, 0);
    CHECK(parties[party].task == NULL);
}

void party_end(int party) {
    parties_settle();
    parties[party].dismissed = true;
    CHECK(finish(parties[party].thread), ==, 0);
    parties[party].thread = NULL;
    parties_settle();
}

void party_kill(int party) {
    CHECK(green_thread_kill(parties[party].thread), ==, 0);
}

void party_expire(int party) {
    if (parties[party].thread->wait)
        green__wait_end(parties[party].thread->wait, -ETIMEDOUT);
}

void line_append(struct line *line, int party) {
    line->parties[line->count++] = party;
}

void line_remove(struct line *line, int party) {
    int kept = 0;
    for (int i = 0; i < line->count; i++)
        if (line->parties[i] != party)
            line->parties[kept++] = line->parties[i];
    line->count = kept;
}

int line_take(struct line *line) {
    int first = line->parties[0];
    line_remove(line, first);
    return first;
}

static void on_abort(int number) {
    on_failure();
    signal(number, SIG_DFL);
    raise(number);
}

void explain_failures(void (*print)(void)) {
    on_failure = print;
    signal(SIGABRT, on_abort);
    if (!SANITIZED)
        signal(SIGSEGV, on_abort);
}
