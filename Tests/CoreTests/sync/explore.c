#include "explore.h"

#include "../../../csrc/core/interrupt.h"
#include "elements.h"
#include "helpers.h"

#include <signal.h>

/* A thread that puts and gets on request. It is used by all sequences. */
struct party {
    green_thread *thread;
    const struct step *task; /* the next call, not begun */
    int serial;              /* of the element that the task puts */
    int index;
    int kills; /* that found no call to end */
    bool dismissed;
};

/* The sequence that is being run. */
static struct {
    const struct model *origin;
    const struct step *steps;
    int count; /* of steps */
    int done;  /* steps that were taken */
    struct model model;
    const struct explored *kind;
    void *object;
    int64_t timeout; /* of the waiting calls */
    int serial;
    struct outcome outcomes[sizeof((struct model *)NULL)->outcomes / sizeof(struct outcome)];
    int returned;
} run;

static struct party parties[PARTIES];
static long sequences, runs_checked;

/* Printing the failing sequence -------------------------------------------- */

static const char *name_of(int64_t capacity) {
    static const char *const names[] = {"without limit", "0", "1", "2"};
    return names[capacity + 1];
}

static void print_step(const struct step *step, int *serial) {
    static const char *const verbs[] = {"put", "get", "try_put", "try_get", "kill", "times out", "resize", "close"};
    const char *verb = verbs[step->kind];
    char party = (char)('A' + step->party);
    switch (step->kind) {
    case PUT:
    case TRY_PUT:
        if (step->party < PARTIES)
            dprintf(STDERR_FILENO, "%c ", party);
        dprintf(STDERR_FILENO, "%s %d%s", verb, ++*serial, step->key == 0 ? " urgent" : "");
        break;
    case GET:
    case EXPIRE:
        dprintf(STDERR_FILENO, "%c %s", party, verb);
        break;
    case KILL:
        dprintf(STDERR_FILENO, "%s %c", verb, party);
        break;
    case RESIZE:
        dprintf(STDERR_FILENO, "%s %s", verb, name_of(step->capacity));
        break;
    default:
        dprintf(STDERR_FILENO, "%s", verb);
    }
}

static void print_sequence(void) {
    static const char *const orders[] = {"FIFO", "LIFO", "PRIORITY"};
    if (!run.origin)
        return;
    dprintf(STDERR_FILENO, "in sequence %ld, a %s %s of capacity %s, %s: ", runs_checked, orders[run.origin->order],
            run.kind->name, name_of(run.origin->capacity),
            run.origin->without_yields ? "without yields" : "with yields");
    int serial = 0;
    for (int i = 0; i < run.count; i++) {
        dprintf(STDERR_FILENO, i > 0 ? "; " : "");
        print_step(&run.steps[i], &serial);
    }
    if (run.done > run.count)
        dprintf(STDERR_FILENO, "; at its end\n");
    else
        dprintf(STDERR_FILENO, "; at step %d\n", run.done);
}

static void on_abort(int number) {
    print_sequence();
    signal(number, SIG_DFL);
    raise(number);
}

/* Called when a sanitizer ends the process. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void explain_failures(void) {
    on_failure = print_sequence;
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(print_sequence);
    else
        signal(SIGSEGV, on_abort);
}

/* Parties ------------------------------------------------------------------ */

static void returned(int party, int result) {
    CHECK(run.returned, <, sizeof run.outcomes / sizeof run.outcomes[0]);
    run.outcomes[run.returned++] = (struct outcome){party, result};
}

static void perform(struct party *self) {
    const struct step *task = self->task;
    self->task = NULL;
    int result = task->kind == GET ? run.kind->get(run.object, run.timeout)
                                   : run.kind->put(run.object, task->key, self->serial, run.timeout);
    returned(self->index, result);
}

/* A kill that was too late for a call is delivered by the yield. */
static int live(void *argument) {
    struct party *self = argument;
    while (!self->dismissed) {
        if (self->task)
            perform(self);
        self->kills += green_yield() == -ECANCELED;
    }
    return 0;
}

static void assemble(void) {
    for (int i = 0; i < PARTIES; i++) {
        char name[] = {(char)('A' + i), 0};
        parties[i] = (struct party){.index = i};
        parties[i].thread = start_named(name, live, &parties[i]);
    }
}

static void dismiss(void) {
    for (int i = 0; i < PARTIES; i++) {
        parties[i].dismissed = true;
        CHECK(finish(parties[i].thread), ==, 0);
    }
}

/* After the first yield the requested call has begun. After the second, the threads
 * that it woke have returned. */
static void let_all_run(void) {
    CHECK(green_yield(), ==, 0);
    CHECK(green_yield(), ==, 0);
}

/* Ends the call as its timeout does. */
static void expire(struct party *party) {
    if (party->thread->wait)
        green__wait_end(party->thread->wait, -ETIMEDOUT);
}

static void tell(struct party *party, const struct step *step) {
    party->task = step;
    party->serial = step->kind == PUT ? ++run.serial : 0;
    for (int i = 0; i < 3 && party->task; i++)
        CHECK(green_yield(), ==, 0);
    CHECK(party->task == NULL);
}

static void act(const struct step *step) {
    struct party *party = &parties[step->party % PARTIES];
    switch (step->kind) {
    case PUT:
    case GET:
        tell(party, step);
        break;
    case TRY_PUT:
        returned(ENVIRONMENT, run.kind->try_put(run.object, step->key, ++run.serial));
        break;
    case TRY_GET:
        returned(ENVIRONMENT, run.kind->try_get(run.object));
        break;
    case KILL:
        CHECK(green_thread_kill(party->thread), ==, 0);
        break;
    case EXPIRE:
        expire(party);
        break;
    case RESIZE:
        CHECK(run.kind->resize(run.object, step->capacity), ==, 0);
        break;
    case CLOSE:
        CHECK(run.kind->close(run.object), ==, 0);
    }
}

/* Comparing with the model ------------------------------------------------- */

/* Returns the next outcome of the party from *index on, and stores its index. */
static const struct outcome *outcome_of(int party, const struct outcome *outcomes, int count, int *index) {
    while (*index < count && outcomes[*index].party != party)
        ++*index;
    return *index < count ? &outcomes[(*index)++] : NULL;
}

/* If no thread runs between steps, the order in which calls return is not compared,
 * only their results. */
static void compare_outcomes_of(int party) {
    const struct model *model = &run.model;
    for (int real_index = 0, model_index = 0;;) {
        const struct outcome *real = outcome_of(party, run.outcomes, run.returned, &real_index);
        const struct outcome *wanted = outcome_of(party, model->outcomes, model->returned, &model_index);
        CHECK(real != NULL, ==, wanted != NULL);
        if (!real)
            return;
        CHECK(real->result, ==, wanted->result);
    }
}

static void compare_outcomes(void) {
    const struct model *model = &run.model;
    CHECK(run.returned, ==, model->returned);
    for (int party = 0; party <= ENVIRONMENT; party++)
        compare_outcomes_of(party);
    for (int i = 0; i < model->returned && !model->without_yields; i++)
        CHECK(run.outcomes[i].party, ==, model->outcomes[i].party);
}

/* The elements that exist are those in the object and those of waiting puts. */
static void compare_elements(void) {
    if (run.kind->counts_elements)
        CHECK(elements.alive, ==, run.model.holds + model_waiting(&run.model, true));
}

/* Takes a step in the model and in reality. */
static void take_step(const struct step *step) {
    run.done++;
    model_apply(&run.model, step);
    act(step);
    if (!run.model.without_yields) {
        let_all_run();
        compare_outcomes();
        compare_elements();
    }
    run.kind->compare(run.object, &run.model);
}

/* Closes the object and takes the remaining elements. */
static void drain(void) {
    if (!run.model.closed)
        take_step(&(struct step){.kind = CLOSE, .party = ENVIRONMENT});
    do
        take_step(&(struct step){.kind = TRY_GET, .party = ENVIRONMENT});
    while (run.model.outcomes[run.model.returned - 1].result > 0);
    CHECK(run.outcomes[run.returned - 1].result, ==, -EBADF);
    run.kind->free(run.object);
}

/* Frees the object with its elements and waiting threads. */
static void abandon(void) {
    run.done++;
    int holds = run.model.holds;
    long destroyed = elements.destroyed;
    run.kind->free(run.object);
    model_apply(&run.model, &(struct step){.kind = CLOSE, .party = ENVIRONMENT});
    CHECK(elements.destroyed - destroyed, ==, run.kind->counts_elements ? holds : 0);
    let_all_run();
    compare_outcomes();
}

static int64_t timeout_for(const struct step *steps, int count) {
    for (int i = 0; i < count; i++)
        if (steps[i].kind == EXPIRE)
            return 3600 * GREEN_SECOND;
    return GREEN_FOREVER;
}

static void run_sequence(const struct model *origin, const struct step *steps, int count) {
    const struct explored *kind = run.kind;
    runs_checked++;
    memset(&run, 0, sizeof run);
    run.kind = kind;
    run.origin = origin;
    run.steps = steps;
    run.count = count;
    run.model = *origin;
    run.timeout = timeout_for(steps, count);
    run.object = kind->make(origin->capacity, origin->order);
    for (int i = 0; i < PARTIES; i++)
        parties[i].kills = 0;
    for (int i = 0; i < count; i++)
        take_step(&steps[i]);
    if (origin->without_yields)
        abandon();
    else
        drain();
    for (int i = 0; i < PARTIES; i++)
        CHECK(parties[i].kills, ==, run.model.owed[i]);
    CHECK(elements.alive, ==, 0);
}

/* All sequences ------------------------------------------------------------ */

/* Sanitizers run only every STRIDEth sequence. It is a prime, so that the last step
 * varies. */
enum { STRIDE = SLOW ? 7 : 1 };

/* Runs all sequences of length steps that begin with the given steps, which led to
 * this model. */
static void explore(const struct model *origin, const struct model *model, struct step *steps, int count, int length) {
    struct step choices[CHOICES];
    int possible = model_choices(model, choices);
    for (int i = 0; i < possible; i++) {
        steps[count] = choices[i];
        if (count + 1 < length) {
            struct model next = *model;
            model_apply(&next, &choices[i]);
            explore(origin, &next, steps, count + 1, length);
        } else if (sequences++ % STRIDE == 0) {
            run_sequence(origin, steps, length);
        }
    }
}

void explore_all(const struct explored *kind, green_queue_order order, int64_t capacity) {
    struct step steps[STEPS];
    run.kind = kind;
    explain_failures();
    assemble();
    for (int without_yields = 0; without_yields < 2; without_yields++) {
        struct model origin = {
            .order = order, .capacity = capacity, .fixed = !kind->resize, .without_yields = without_yields};
        for (int length = 1; length <= STEPS; length++)
            explore(&origin, &origin, steps, 0, length);
    }
    dismiss();
    run.origin = NULL;
    CHECK(runs_checked, >, 0);
    printf("%ld sequences of %ld\n", runs_checked, sequences);
}
