/* Every sequence of up to five steps of two threads that select over two queues, and of an environment
 * that puts, gets, kills, closes and lets threads run, compared with a plain model.
 *
 * If several cases are ready, a select serves one of them at random. So the model asks which one was
 * served, and checks that it was ready. Everything else follows. */
#include "../../../csrc/core/hub_record.h"
#include "helpers.h"

enum { QUEUES = 2, SELECTORS = 2, STEPS = SLOW ? 4 : 5, CHOICES = 24, SEEDS = 2 };

/* What a thread selects. */
enum shape { GET_BOTH, PUT_BOTH, GET_PUT, GET_TWICE, SHAPES };

enum kind { SELECT, PUT, GET, KILL, CLOSE, KINDS };

struct step {
    enum kind kind;
    int who; /* a selector or a queue */
    enum shape shape;
};

/* A case of the model. */
struct option {
    int queue;
    bool puts;
};

static const struct option shapes[SHAPES][2] = {
    [GET_BOTH] = {{0, false}, {1, false}},
    [PUT_BOTH] = {{0, true}, {1, true}},
    [GET_PUT] = {{0, false}, {1, true}},
    [GET_TWICE] = {{0, false}, {0, false}},
};

enum fate { IDLE, WAITS, SERVED, OVER };

struct selector {
    green_thread *thread;
    const struct step *task;
    bool dismissed;
    int put[2], got[2];
    ssize_t index; /* of its last select, which has returned */
    int error;
    bool returned;
};

static struct {
    int64_t capacity;
    bool settles; /* all threads run after each step */
    const struct step *steps;
    int count, done;
    green_queue *queues[QUEUES];
    int serial;

    /* The model. */
    int held[QUEUES][STEPS + 1], holds[QUEUES];
    bool closed[QUEUES];
    struct {
        enum fate fate;
        enum shape shape;
        int put; /* the serial that both cases put */
        ssize_t index;
        int error, got;
    } wanted[SELECTORS];
    int line[SELECTORS], waiting; /* the selectors that wait, in order */
} world;

static struct selector selectors[SELECTORS];
static uint64_t seed;
static long sequences;

/* Printing ----------------------------------------------------------------- */

static void print_sequence(void) {
    static const char *const names[] = {"select", "put", "get", "kill", "close"};
    static const char *const shape_names[] = {"get 0 | get 1", "put 0 | put 1", "get 0 | put 1", "get 0 | get 0"};
    dprintf(STDERR_FILENO, "capacity %ld, %s:", world.capacity, world.settles ? "settling" : "without yields");
    for (int i = 0; i < world.done; i++) {
        const struct step *step = &world.steps[i];
        dprintf(STDERR_FILENO, " %s %d%s%s;", names[step->kind], step->who, step->kind == SELECT ? " " : "",
                step->kind == SELECT ? shape_names[step->shape] : "");
    }
    dprintf(STDERR_FILENO, "\n");
}

/* The threads -------------------------------------------------------------- */

static void select_once(struct selector *self) {
    const struct option *options = shapes[self->task->shape];
    green_case cases[2];
    for (int i = 0; i < 2; i++) {
        green_queue *queue = world.queues[options[i].queue];
        cases[i] = options[i].puts ? green_case_put(queue, &self->put[i]) : green_case_get(queue, &self->got[i]);
    }
    self->task = NULL;
    self->index = green_select(cases, 2, GREEN_FOREVER);
    self->error = self->index >= 0 ? cases[self->index].error : 0;
    self->returned = true;
}

static int live(void *argument) {
    struct selector *self = argument;
    while (!self->dismissed) {
        if (self->task)
            select_once(self);
        (void)green_yield();
    }
    return 0;
}

/* The model ---------------------------------------------------------------- */

static void model_end(int who, ssize_t index, int error, int got) {
    int place = 0;
    while (place < world.waiting && world.line[place] != who)
        place++;
    if (place < world.waiting) {
        memmove(&world.line[place], &world.line[place + 1], sizeof world.line[0] * (size_t)(world.waiting - place - 1));
        world.waiting--;
    }
    world.wanted[who].fate = SERVED;
    world.wanted[who].index = index;
    world.wanted[who].error = error;
    world.wanted[who].got = got;
}

/* The first selector that waits with a case of this kind. *index is its first such case. -1: none. */
static int model_first(int queue, bool puts, ssize_t *index) {
    for (int i = 0; i < world.waiting; i++)
        for (*index = 0; *index < 2; ++*index) {
            const struct option *option = &shapes[world.wanted[world.line[i]].shape][*index];
            if (option->queue == queue && option->puts == puts)
                return world.line[i];
        }
    return -1;
}

static void model_store(int queue, int serial) {
    world.held[queue][world.holds[queue]++] = serial;
}

/* Stores the elements of puts that wait, while there is room. */
static void model_admit(int queue) {
    ssize_t index;
    for (int who; world.holds[queue] < world.capacity && !world.closed[queue] &&
                  (who = model_first(queue, true, &index)) >= 0;) {
        model_store(queue, world.wanted[who].put);
        model_end(who, index, 0, -1);
    }
}

/* Returns 1 if the put is done, 0 if it would wait, or -EBADF. */
static int model_put(int queue, int serial) {
    ssize_t index;
    if (world.closed[queue])
        return -EBADF;
    int who = model_first(queue, false, &index);
    if (who >= 0)
        model_end(who, index, 0, serial);
    else if (world.holds[queue] < world.capacity)
        model_store(queue, serial);
    else
        return 0;
    return 1;
}

/* Returns the serial, 0 if the get would wait, or -EBADF. */
static int model_get(int queue) {
    ssize_t index;
    int serial, who;
    if (world.holds[queue] > 0) {
        serial = world.held[queue][0];
        memmove(&world.held[queue][0], &world.held[queue][1], sizeof serial * (size_t)--world.holds[queue]);
        model_admit(queue);
        return serial;
    }
    if ((who = model_first(queue, true, &index)) < 0)
        return world.closed[queue] ? -EBADF : 0;
    serial = world.wanted[who].put;
    model_end(who, index, 0, -1);
    return serial;
}

static bool model_is_ready(const struct option *option) {
    ssize_t index;
    int queue = option->queue;
    if (world.closed[queue])
        return true;
    if (option->puts)
        return world.holds[queue] < world.capacity || model_first(queue, false, &index) >= 0;
    return world.holds[queue] > 0 || model_first(queue, true, &index) >= 0;
}

/* The select has run up to its wait, or has been served by the case that it reports. */
static void model_select(int who, enum shape shape) {
    const struct selector *selector = &selectors[who];
    const struct option *options = shapes[shape];
    bool any = model_is_ready(&options[0]) || model_is_ready(&options[1]);
    CHECK(selector->returned, ==, any);
    world.wanted[who].shape = shape;
    world.wanted[who].put = selector->put[0];
    if (!any) {
        world.wanted[who].fate = WAITS;
        world.line[world.waiting++] = who;
        return;
    }
    CHECK(selector->index >= 0 && selector->index < 2);
    const struct option *served = &options[selector->index];
    CHECK(model_is_ready(served));
    int result = served->puts ? model_put(served->queue, selector->put[0]) : model_get(served->queue);
    CHECK(result, !=, 0);
    model_end(who, selector->index, result < 0 ? result : 0, served->puts || result < 0 ? -1 : result);
}

static void model_close(int queue) {
    ssize_t index;
    world.closed[queue] = true;
    for (int pass = 0; pass < 2; pass++) /* the queue ends the gets first */
        for (int who; (who = model_first(queue, pass == 1, &index)) >= 0;)
            model_end(who, index, -EBADF, -1);
}

/* Comparing ---------------------------------------------------------------- */

static size_t model_count(int queue, bool puts) {
    size_t count = 0;
    for (int i = 0; i < world.waiting; i++)
        for (int j = 0; j < 2; j++) {
            const struct option *option = &shapes[world.wanted[world.line[i]].shape][j];
            count += option->queue == queue && option->puts == puts;
        }
    return count;
}

static void compare_selector(int who) {
    struct selector *selector = &selectors[who];
    if (world.wanted[who].fate != SERVED || !selector->returned)
        return;
    ssize_t index = world.wanted[who].index;
    CHECK(selector->index, ==, index);
    CHECK(selector->error, ==, world.wanted[who].error);
    for (int i = 0; i < 2; i++)
        CHECK(selector->got[i], ==, i == index ? world.wanted[who].got : -1);
    world.wanted[who].fate = IDLE;
}

static void compare(void) {
    for (int i = 0; i < SELECTORS; i++) {
        CHECK(!selectors[i].returned || world.wanted[i].fate != WAITS);
        compare_selector(i);
        if (world.settles)
            CHECK(world.wanted[i].fate == IDLE || world.wanted[i].fate == WAITS);
    }
    for (int i = 0; i < QUEUES; i++) {
        CHECK(green_queue_count(world.queues[i]), ==, world.holds[i]);
        CHECK(green_queue_getting(world.queues[i]), ==, model_count(i, false));
        CHECK(green_queue_putting(world.queues[i]), ==, model_count(i, true));
    }
}

/* Steps -------------------------------------------------------------------- */

static void settle(void) {
    CHECK(green_yield(), ==, 0);
    CHECK(green_yield(), ==, 0);
}

static void begin_select(const struct step *step) {
    struct selector *selector = &selectors[step->who];
    int serial = ++world.serial;
    selector->put[0] = selector->put[1] = serial;
    selector->got[0] = selector->got[1] = -1;
    selector->returned = false;
    selector->task = step;
    for (int i = 0; i < 3 && selector->task; i++)
        CHECK(green_yield(), ==, 0);
    CHECK(selector->task == NULL);
    for (int i = 0; i < SELECTORS; i++)
        if (i != step->who)
            compare_selector(i);
    model_select(step->who, step->shape);
}

static void act(const struct step *step) {
    int element = ++world.serial, wanted;
    green_queue *queue = world.queues[step->who % QUEUES];
    switch (step->kind) {
    case SELECT:
        begin_select(step);
        break;
    case PUT:
        wanted = model_put(step->who, element);
        CHECK(green_queue_try_put(queue, &element), ==, wanted);
        break;
    case GET:
        element = 0;
        wanted = model_get(step->who);
        int result = green_queue_try_get(queue, &element);
        CHECK(result == 1 ? element : result, ==, wanted);
        break;
    case KILL:
        if (world.wanted[step->who].fate == WAITS)
            model_end(step->who, -ECANCELED, 0, -1);
        CHECK(green_thread_kill(selectors[step->who].thread), ==, 0);
        break;
    default:
        model_close(step->who);
        CHECK(green_queue_close(queue), ==, 0);
    }
}

/* A selector that waits can only be killed, and one that was served has to run first. */
static int choices(struct step *found) {
    int count = 0;
    for (int i = 0; i < SELECTORS; i++) {
        if (world.wanted[i].fate == WAITS)
            found[count++] = (struct step){KILL, i, 0};
        else if (world.wanted[i].fate == IDLE && (i == 0 || world.wanted[0].fate != IDLE))
            for (int shape = 0; shape < SHAPES; shape++)
                found[count++] = (struct step){SELECT, i, shape};
    }
    for (int i = 0; i < QUEUES; i++)
        for (int kind = PUT; kind < KINDS; kind++)
            if (kind != KILL)
                found[count++] = (struct step){kind, i, 0};
    return count;
}

static void begin(const struct step *steps, int64_t capacity, bool settles) {
    memset(&world, 0, sizeof world);
    world.steps = steps;
    world.capacity = capacity;
    world.settles = settles;
    green__hub->select_order = seed << 63; /* the same choices in each run of the steps */
    for (int i = 0; i < QUEUES; i++)
        CHECK(green_queue_make(&world.queues[i],
                               &(green_queue_options){.element_size = sizeof(int), .capacity = capacity}),
              ==, 0);
}

/* Frees the queues while threads may wait. */
static void end(void) {
    for (int i = 0; i < QUEUES; i++) {
        model_close(i);
        green_queue_free(world.queues[i]);
    }
    settle();
    for (int i = 0; i < SELECTORS; i++) {
        CHECK(world.wanted[i].fate != WAITS);
        compare_selector(i);
        CHECK(world.wanted[i].fate, ==, IDLE);
    }
}

/* Runs the steps, and then them and each possible next step. */
static void explore(struct step *steps, int count, int64_t capacity, bool settles) {
    struct step next[CHOICES];
    begin(steps, capacity, settles);
    for (int i = 0; i < count; i++) {
        world.done = i + 1;
        act(&steps[i]);
        if (settles)
            settle();
        compare();
    }
    int possible = count < STEPS ? choices(next) : 0;
    end();
    sequences++;
    for (int i = 0; i < possible; i++) {
        steps[count] = next[i];
        explore(steps, count + 1, capacity, settles);
    }
}

static void explore_all(int64_t capacity) {
    struct step steps[STEPS];
    on_failure = print_sequence;
    for (int i = 0; i < SELECTORS; i++) {
        selectors[i] = (struct selector){.index = -1};
        selectors[i].thread = start(live, &selectors[i]);
    }
    for (seed = 0; seed < SEEDS; seed++) {
        explore(steps, 0, capacity, true);
        explore(steps, 0, capacity, false);
    }
    for (int i = 0; i < SELECTORS; i++) {
        selectors[i].dismissed = true;
        CHECK(finish(selectors[i].thread), ==, 0);
    }
    printf("%ld sequences\n", sequences);
}

TEST(rendezvous, "every sequence of steps of selects over two rendezvous matches the model") {
    explore_all(0);
}

TEST(one, "every sequence of steps of selects over two queues of capacity 1 matches the model") {
    explore_all(1);
}
