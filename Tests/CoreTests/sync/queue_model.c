/* Small worlds: every sequence of up to five steps that three threads and the
 * world around them can take with a queue, each on a real queue with real green
 * threads, held against a model after every step. */
#include "../../../csrc/core/interrupt.h"
#include "elements.h"
#include "helpers.h"
#include "model.h"

#include <signal.h>

/* A thread that puts and gets when it is told to. It lives through all worlds. */
struct party {
    green_thread *thread;
    const struct step *task; /* not begun */
    int serial;              /* of what the task puts */
    int index;
    int kills; /* that came when no call was there to end */
    bool dismissed;
};

/* The world that is being run. */
static struct {
    const struct model *origin;
    const struct step *steps;
    int count; /* of steps */
    int done;  /* of these */
    struct model model;
    green_queue *queue;
    int64_t timeout; /* of the calls that wait */
    int serial;
    struct outcome outcomes[sizeof((struct model *)NULL)->outcomes / sizeof(struct outcome)];
    int returned;
} world;

static struct party parties[PARTIES];
static long worlds, runs_checked;

/* Telling which world it was ----------------------------------------------- */

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

static void print_world(void) {
    static const char *const orders[] = {"FIFO", "LIFO", "PRIORITY"};
    if (!world.origin)
        return;
    dprintf(STDERR_FILENO, "in world %ld, a %s queue of capacity %s, %s: ", runs_checked, orders[world.origin->order],
            name_of(world.origin->capacity), world.origin->hurried ? "in a hurry" : "step by step");
    int serial = 0;
    for (int i = 0; i < world.count; i++) {
        dprintf(STDERR_FILENO, i > 0 ? "; " : "");
        print_step(&world.steps[i], &serial);
    }
    if (world.done > world.count)
        dprintf(STDERR_FILENO, "; at its end\n");
    else
        dprintf(STDERR_FILENO, "; at step %d\n", world.done);
}

static void on_abort(int number) {
    print_world();
    signal(number, SIG_DFL);
    raise(number);
}

/* Where a sanitizer ends the process. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void explain_failures(void) {
    on_failure = print_world;
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(print_world);
    else
        signal(SIGSEGV, on_abort);
}

/* Parties ------------------------------------------------------------------ */

static void returned(int party, int result) {
    CHECK(world.returned, <, sizeof world.outcomes / sizeof world.outcomes[0]);
    world.outcomes[world.returned++] = (struct outcome){party, result};
}

static void perform(struct party *self) {
    const struct step *task = self->task;
    self->task = NULL;
    int result = task->kind == GET ? element_get(world.queue, world.timeout)
                                   : element_put(world.queue, task->key, self->serial, world.timeout);
    returned(self->index, result);
}

/* A kill that came too late for a call is met in the yield. */
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

/* After the first yield whoever was told to act has, after the second whoever
 * that woke has returned. */
static void let_all_run(void) {
    CHECK(green_yield(), ==, 0);
    CHECK(green_yield(), ==, 0);
}

/* What the party's own timeout does when it is over. */
static void expire(struct party *party) {
    if (party->thread->wait)
        green__wait_end(party->thread->wait, -ETIMEDOUT);
}

static void tell(struct party *party, const struct step *step) {
    party->task = step;
    party->serial = step->kind == PUT ? ++world.serial : 0;
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
        returned(WORLD, element_try_put(world.queue, step->key, ++world.serial));
        break;
    case TRY_GET:
        returned(WORLD, element_try_get(world.queue));
        break;
    case KILL:
        CHECK(green_thread_kill(party->thread), ==, 0);
        break;
    case EXPIRE:
        expire(party);
        break;
    case RESIZE:
        CHECK(green_queue_resize(world.queue, step->capacity), ==, 0);
        break;
    case CLOSE:
        CHECK(green_queue_close(world.queue), ==, 0);
    }
}

/* Against the model -------------------------------------------------------- */

/* The party's outcomes from index on; returns the next, and its place in *index. */
static const struct outcome *outcome_of(int party, const struct outcome *outcomes, int count, int *index) {
    while (*index < count && outcomes[*index].party != party)
        ++*index;
    return *index < count ? &outcomes[(*index)++] : NULL;
}

/* In a hurry the order in which calls return says nothing; what each party got
 * still does. */
static void compare_outcomes_of(int party) {
    const struct model *model = &world.model;
    for (int real_index = 0, model_index = 0;;) {
        const struct outcome *real = outcome_of(party, world.outcomes, world.returned, &real_index);
        const struct outcome *wanted = outcome_of(party, model->outcomes, model->returned, &model_index);
        CHECK(real != NULL, ==, wanted != NULL);
        if (!real)
            return;
        CHECK(real->result, ==, wanted->result);
    }
}

static void compare_outcomes(void) {
    const struct model *model = &world.model;
    CHECK(world.returned, ==, model->returned);
    for (int party = 0; party <= WORLD; party++)
        compare_outcomes_of(party);
    for (int i = 0; i < model->returned && !model->hurried; i++)
        CHECK(world.outcomes[i].party, ==, model->outcomes[i].party);
}

static void compare_queue(void) {
    const struct model *model = &world.model;
    CHECK(green_queue_count(world.queue), ==, model->holds);
    CHECK(green_queue_getting(world.queue), ==, model_waiting(model, false));
    CHECK(green_queue_putting(world.queue), ==, model_waiting(model, true));
    CHECK(green_queue_unfinished(world.queue), ==, model->unfinished);
    CHECK(green_queue_capacity(world.queue), ==, model->capacity);
    CHECK(green_queue_is_closed(world.queue), ==, model->closed);
    CHECK(green_queue_is_full(world.queue), ==, model_is_full(model));
}

/* The step in the model and in reality. Element counts: what the queue holds,
 * and what those who wait to put still have. */
static void take_step(const struct step *step) {
    world.done++;
    model_apply(&world.model, step);
    act(step);
    if (!world.model.hurried) {
        let_all_run();
        compare_outcomes();
        CHECK(elements.alive, ==, world.model.holds + model_waiting(&world.model, true));
    }
    compare_queue();
}

/* Closes, and takes out what is left. */
static void drain(void) {
    if (!world.model.closed)
        take_step(&(struct step){.kind = CLOSE, .party = WORLD});
    do
        take_step(&(struct step){.kind = TRY_GET, .party = WORLD});
    while (world.model.outcomes[world.model.returned - 1].result > 0);
    CHECK(world.outcomes[world.returned - 1].result, ==, -EBADF);
    green_queue_free(world.queue);
}

/* Frees it with all that is in it and all who wait for it. */
static void abandon(void) {
    world.done++;
    int holds = world.model.holds;
    long destroyed = elements.destroyed;
    green_queue_free(world.queue);
    model_apply(&world.model, &(struct step){.kind = CLOSE, .party = WORLD});
    CHECK(elements.destroyed - destroyed, ==, holds);
    let_all_run();
    compare_outcomes();
}

static int64_t timeout_for(const struct step *steps, int count) {
    for (int i = 0; i < count; i++)
        if (steps[i].kind == EXPIRE)
            return 3600 * GREEN_SECOND;
    return GREEN_FOREVER;
}

static void run_world(const struct model *origin, const struct step *steps, int count) {
    runs_checked++;
    memset(&world, 0, sizeof world);
    world.origin = origin;
    world.steps = steps;
    world.count = count;
    world.model = *origin;
    world.timeout = timeout_for(steps, count);
    world.queue = element_queue(origin->capacity, origin->order);
    for (int i = 0; i < PARTIES; i++)
        parties[i].kills = 0;
    for (int i = 0; i < count; i++)
        take_step(&steps[i]);
    if (origin->hurried)
        abandon();
    else
        drain();
    for (int i = 0; i < PARTIES; i++)
        CHECK(parties[i].kills, ==, world.model.owed[i]);
    CHECK(elements.alive, ==, 0);
}

/* All of them -------------------------------------------------------------- */

/* Under sanitizers one world in so many; a prime, so that it is not always the
 * same last step. */
enum { STRIDE = SLOW ? 7 : 1 };

/* Every sequence of length steps that begins with the steps so far, which led to
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
        } else if (worlds++ % STRIDE == 0) {
            run_world(origin, steps, length);
        }
    }
}

/* First with everybody run after each step, then with the world's steps one upon
 * the other, so that they meet threads that are woken and have not run. Short
 * ones first, so that what fails is as short as can be. */
static void explore_all(green_queue_order order, int64_t capacity) {
    struct step steps[STEPS];
    explain_failures();
    assemble();
    for (int hurried = 0; hurried < 2; hurried++) {
        struct model origin = {.order = order, .capacity = capacity, .hurried = hurried};
        for (int length = 1; length <= STEPS; length++)
            explore(&origin, &origin, steps, 0, length);
    }
    dismiss();
    world.origin = NULL;
    CHECK(runs_checked, >, 0);
    printf("%ld worlds of %ld\n", runs_checked, worlds);
}

TEST(fifo_channel, "every small world of a channel") {
    explore_all(GREEN_FIFO, 0);
}

TEST(fifo_one, "every small world of a queue of one") {
    explore_all(GREEN_FIFO, 1);
}

TEST(fifo_two, "every small world of a queue of two") {
    explore_all(GREEN_FIFO, 2);
}

TEST(fifo_unbounded, "every small world of a queue without limit") {
    explore_all(GREEN_FIFO, GREEN_UNBOUNDED);
}

TEST(lifo_channel, "every small world of a channel that becomes a stack") {
    explore_all(GREEN_LIFO, 0);
}

TEST(lifo_one, "every small world of a stack of one") {
    explore_all(GREEN_LIFO, 1);
}

TEST(lifo_two, "every small world of a stack of two") {
    explore_all(GREEN_LIFO, 2);
}

TEST(lifo_unbounded, "every small world of a stack without limit") {
    explore_all(GREEN_LIFO, GREEN_UNBOUNDED);
}

TEST(priority_channel, "every small world of a channel that becomes a priority queue") {
    explore_all(GREEN_PRIORITY, 0);
}

TEST(priority_one, "every small world of a priority queue of one") {
    explore_all(GREEN_PRIORITY, 1);
}

TEST(priority_two, "every small world of a priority queue of two") {
    explore_all(GREEN_PRIORITY, 2);
}

TEST(priority_unbounded, "every small world of a priority queue without limit") {
    explore_all(GREEN_PRIORITY, GREEN_UNBOUNDED);
}
