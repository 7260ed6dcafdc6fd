#include "model.h"

#include <errno.h>
#include <string.h>

static int place_of(const struct model *model, int party) {
    for (int i = 0; i < model->waiting; i++)
        if (model->line[i].party == party)
            return i;
    return -1;
}

bool model_waits(const struct model *model, int party) {
    return place_of(model, party) >= 0;
}

int model_waiting(const struct model *model, bool to_put) {
    int count = 0;
    for (int i = 0; i < model->waiting; i++)
        count += model->line[i].is_put == to_put;
    return count;
}

bool model_is_full(const struct model *model) {
    return model->capacity >= 0 && model->holds >= model->capacity;
}

/* The call of the party returns. */
static void answer(struct model *model, int party, int result) {
    int place = place_of(model, party);
    model->waiting--;
    memmove(&model->line[place], &model->line[place + 1], (size_t)(model->waiting - place) * sizeof model->line[0]);
    int at = party == model->actor ? model->step_begun : model->returned;
    memmove(&model->outcomes[at + 1], &model->outcomes[at], (size_t)(model->returned - at) * sizeof model->outcomes[0]);
    model->outcomes[at] = (struct outcome){party, result};
    model->returned++;
    if (party < PARTIES)
        model->woken[party] = party != model->actor;
}

static int next_of_held(const struct model *model) {
    if (model->order == GREEN_LIFO)
        return model->holds - 1;
    int next = 0;
    if (model->order == GREEN_PRIORITY)
        for (int i = 1; i < model->holds; i++)
            if (model->held[i].key < model->held[next].key)
                next = i;
    return next;
}

static int take_held(struct model *model) {
    int next = next_of_held(model), serial = model->held[next].serial;
    model->holds--;
    memmove(&model->held[next], &model->held[next + 1], (size_t)(model->holds - next) * sizeof model->held[0]);
    return serial;
}

static void answer_put(struct model *model, int party) {
    model->unfinished++;
    answer(model, party, party == ENVIRONMENT);
}

static bool serve(struct model *model, const struct request *request) {
    if (request->is_put) {
        if (model_is_full(model))
            return false;
        model->held[model->holds++] = request->element;
        answer_put(model, request->party);
        return true;
    }
    if (model->holds > 0) {
        answer(model, request->party, take_held(model));
        return true;
    }
    for (int i = 0; i < model->waiting; i++) {
        struct request other = model->line[i];
        if (!other.is_put)
            continue;
        answer(model, request->party, other.element.serial);
        answer_put(model, other.party);
        return true;
    }
    return false;
}

static bool serve_first(struct model *model) {
    for (int i = 0; i < model->waiting; i++) {
        struct request request = model->line[i];
        if (serve(model, &request))
            return true;
    }
    return false;
}

static void serve_all(struct model *model) {
    while (serve_first(model))
        continue;
}

static void ask(struct model *model, const struct step *step) {
    bool is_put = step->kind == PUT || step->kind == TRY_PUT;
    struct model_element element = {step->key, is_put ? ++model->serial : 0};
    model->actor = step->party;
    model->line[model->waiting++] = (struct request){step->party, is_put, element};
    if (step->party < PARTIES)
        model->woken[step->party] = false;
    if (!(is_put && model->closed))
        serve_all(model);
    if (!model_waits(model, step->party))
        return;
    if (model->closed)
        answer(model, step->party, -EBADF);
    else if (step->party == ENVIRONMENT)
        answer(model, step->party, 0);
}

static void kill_party(struct model *model, int party) {
    if (model_waits(model, party))
        answer(model, party, -ECANCELED);
    else
        model->owed[party]++;
    model->woken[party] = false;
}

void model_apply(struct model *model, const struct step *step) {
    model->step_begun = model->returned;
    model->actor = -1;
    switch (step->kind) {
    case PUT:
    case GET:
    case TRY_PUT:
    case TRY_GET:
        ask(model, step);
        break;
    case KILL:
        kill_party(model, step->party);
        break;
    case EXPIRE:
        if (model_waits(model, step->party))
            answer(model, step->party, -ETIMEDOUT);
        break;
    case RESIZE:
        model->capacity = step->capacity;
        serve_all(model);
        break;
    case CLOSE:
        model->closed = true;
        while (model->waiting > 0)
            answer(model, model->line[0].party, -EBADF);
    }
}

/* The choices so far. */
struct choices {
    struct step *steps;
    int count;
};

static void choose(struct choices *choices, enum step_kind kind, int party, int key, int64_t capacity) {
    choices->steps[choices->count++] = (struct step){kind, party, key, capacity};
}

static void choose_puts(const struct model *model, struct choices *choices, enum step_kind kind, int party) {
    choose(choices, kind, party, 1, 0);
    if (model->order == GREEN_PRIORITY)
        choose(choices, kind, party, 0, 0);
}

static void choose_calls(const struct model *model, struct choices *choices) {
    bool stands_for[2] = {false, false}; /* idle parties; woken parties */
    for (int party = 0; party < PARTIES; party++) {
        bool *chosen = &stands_for[model->without_yields && model->woken[party]];
        if (model_waits(model, party) || *chosen)
            continue;
        *chosen = true;
        choose_puts(model, choices, PUT, party);
        choose(choices, GET, party, 0, 0);
    }
}

int model_choices(const struct model *model, struct step steps[CHOICES]) {
    static const int64_t capacities[] = {0, 1, 2, GREEN_UNBOUNDED};
    struct choices choices = {steps, 0};
    choose_calls(model, &choices);
    choose_puts(model, &choices, TRY_PUT, ENVIRONMENT);
    choose(&choices, TRY_GET, ENVIRONMENT, 0, 0);
    for (int party = 0; party < PARTIES; party++) {
        if (!model_waits(model, party) && !(model->without_yields && model->woken[party]))
            continue;
        choose(&choices, KILL, party, 0, 0);
        choose(&choices, EXPIRE, party, 0, 0);
    }
    for (int i = 0; i < 4; i++)
        if (!model->fixed && capacities[i] != model->capacity)
            choose(&choices, RESIZE, ENVIRONMENT, 0, capacities[i]);
    if (!model->closed)
        choose(&choices, CLOSE, ENVIRONMENT, 0, 0);
    return choices.count;
}
