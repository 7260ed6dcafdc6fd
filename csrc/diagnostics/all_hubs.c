/* Dumps and statistics of all hubs, for any OS thread. */
#include "ask.h"
#include "dump.h"

#include <green/monitor.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MIN = 4096 }; /* at least the longest line */

/* Dumps ---------------------------------------------------------------------- */

/* Without memory there is no text. */
static void append(void *context, const char *line, size_t length) {
    green_answer *answer = context;
    if (answer->out_of_memory)
        return;
    if (answer->size + length > answer->capacity) {
        size_t capacity = 2 * answer->capacity + TEXT_MIN;
        char *text = realloc(answer->text, capacity);
        if (!text) {
            answer->out_of_memory = true;
            return;
        }
        answer->text = text;
        answer->capacity = capacity;
    }
    memcpy(answer->text + answer->size, line, length);
    answer->size += length;
}

static void describe_hub(green_answer *answer, green_hub *hub) {
    green__hub_describe(hub, append, answer);
}

static void write_dump(green_dump_request *request, green_hub *hub) {
    green_answer *answer = GREEN_CONTAINER(request, green_answer, request);
    if (!hub) {
        green__answer_refuse(answer);
        return;
    }
    describe_hub(answer, hub);
    green__answer_give(answer);
}

static int post_dump(green_answer *answer, green_hub *hub) {
    answer->request.write = write_dump;
    return green__dump_post(hub, &answer->request);
}

static const green_question_kind dumps = {.post = post_dump, .answer = describe_hub, .name = "dumps"};

static void write_line(int fd, const green_answer *answer, const char *what, int64_t timeout) {
    char line[256];
    int length = snprintf(line, sizeof line, what, answer->hub, (double)timeout / 1e6);
    green__write_all(fd, line, (size_t)length);
}

/* Returns whether the hub is held. */
static bool write_answer(int fd, green_answer *answer, int64_t timeout) {
    switch (green__answer_error(answer)) {
    case 0:
        if (answer->out_of_memory)
            write_line(fd, answer, "green: no memory for the dump of %s\n", timeout);
        else
            green__write_all(fd, answer->text, answer->size);
        return false;
    case -ETIMEDOUT:
        write_line(fd, answer, "green: %s is held, and has not answered within %.0f ms\n", timeout);
        return true;
    default:
        return false; /* it has ended meanwhile */
    }
}

int green_dump_all(int fd, int64_t timeout) {
    green_question *question;
    int error = green__ask(&question, &dumps, NULL, timeout), held = 0;
    if (error < 0)
        return error;
    for (size_t i = 0; i < green__question_count(question); i++)
        held += write_answer(fd, green__question_answer(question, i), timeout);
    green__question_release(question);
    return held;
}

/* Statistics ----------------------------------------------------------------- */

static void count(green_answer *answer, green_hub *hub) {
    green__hub_statistics(hub, &answer->statistics);
}

static void deliver_count(green_post *post, int error) {
    green_answer *answer = GREEN_CONTAINER(post, green_answer, request.post);
    if (error < 0) {
        green__answer_refuse(answer);
        return;
    }
    count(answer, green__hub);
    green__answer_give(answer);
}

static int post_count(green_answer *answer, green_hub *hub) {
    answer->request.post.deliver = deliver_count;
    return green__inbox_post(hub, &answer->request.post);
}

static const green_question_kind counts = {.post = post_count, .answer = count, .name = "statistics"};

/* Each count is a uint64_t; the last field is the longest iteration. */
static void add(green_statistics *sum, const green_statistics *other) {
    enum { COUNTS = offsetof(green_statistics, longest_iteration) / sizeof(uint64_t) };
    for (size_t i = 0; i < COUNTS; i++)
        ((uint64_t *)sum)[i] += ((const uint64_t *)other)[i];
    if (other->longest_iteration > sum->longest_iteration)
        sum->longest_iteration = other->longest_iteration;
}

_Static_assert(sizeof(green_statistics) == offsetof(green_statistics, longest_iteration) + sizeof(int64_t),
               "the longest iteration is the last field");

int green_hub_statistics_of(green_hub *hub, green_statistics *statistics, int64_t timeout) {
    green_question *question;
    int error = green__ask(&question, &counts, hub, timeout);
    if (error < 0)
        return error;
    green_answer *answer = green__question_answer(question, 0);
    error = green__answer_error(answer);
    if (error == 0)
        *statistics = answer->statistics;
    else if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "green_hub_statistics_of: %s is held, and has not answered", answer->hub);
    else
        green__fail(error, "green_hub_statistics_of: %s %s", answer->hub,
                    error == -EXDEV ? "belongs to the process before the fork" : "has ended");
    green__question_release(question);
    return error;
}

int green_hub_statistics_all(green_statistics *statistics, int64_t timeout) {
    green_question *question;
    int error = green__ask(&question, &counts, NULL, timeout), held = 0;
    if (error < 0)
        return error;
    *statistics = (green_statistics){0};
    for (size_t i = 0; i < green__question_count(question); i++) {
        green_answer *answer = green__question_answer(question, i);
        error = green__answer_error(answer);
        held += error == -ETIMEDOUT;
        if (error == 0)
            add(statistics, &answer->statistics);
    }
    green__question_release(question);
    return held;
}
