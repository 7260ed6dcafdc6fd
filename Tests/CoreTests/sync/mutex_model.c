/* Mutexes and conditions: every sequence of up to seven steps of three threads, compared with a
 * model after every step. Threads run after each step, or only before a thread makes a call,
 * so that kills, timeouts and frees meet threads that were woken and have not run. */
#include "lock_parties.h"

enum { STEPS = SLOW ? 5 : 7, NONE = -1 };

enum kind { LOCK, TRY_LOCK, UNLOCK, WAIT, SIGNAL, BROADCAST, KILL, EXPIRE, END, KINDS };

/* Every sequence is played with each ending. */
enum ending { FREE_BOTH, FREE_CONDITION_FIRST, FREE_MUTEX_FIRST, ENDINGS };

struct step {
    enum kind kind;
    int party; /* not for SIGNAL and BROADCAST */
};

enum state {
    IDLE,
    LOCKING,   /* in the line of the mutex */
    SLEEPING,  /* in the line of the condition */
    LEAVING,   /* its wait for the condition was ended, and it has not run */
    RELOCKING, /* in the line of the mutex */
    GRANTED,   /* it holds the mutex and has not run */
    RETURNING, /* its call has failed, and it has not run */
    ENDED,
};

static green_mutex *mutex;
static green_condition *condition;

static struct {
    bool with_yields;
    enum ending ending;
    int holder;
    struct line locking, sleeping, leaving;
    struct {
        enum state state;
        int result; /* of its last or current call */
        int calls;  /* that returned */
        int kills;  /* that found no call to end */
        bool killed;
    } party[PARTIES];
    int reports;
} model;

static const struct step *sequence;
static int length, done;
static long played;

static void print_sequence(void) {
    static const char *const verbs[KINDS] = {"locks",     "tries to lock", "unlocks",   "waits", "signal",
                                             "broadcast", "is killed",     "times out", "ends"};
    static const char *const endings[] = {"both are freed", "the condition is freed", "the mutex is freed"};
    dprintf(STDERR_FILENO, "sequence %ld, with%s yields: ", played, model.with_yields ? "" : "out");
    for (int i = 0; i < length; i++)
        dprintf(STDERR_FILENO, "%c %s; ", 'A' + sequence[i].party, verbs[sequence[i].kind]);
    dprintf(STDERR_FILENO, "%s; at step %d\n", endings[model.ending], done);
}

/* The model ------------------------------------------------------------------ */

static void settle_party(int party, int result) {
    model.party[party].result = result;
    model.party[party].calls++;
}

static void grant(int party) {
    model.holder = party;
    model.party[party].state = GRANTED;
}

static void hand_over(void) {
    model.holder = NONE;
    if (model.locking.count > 0)
        grant(line_take(&model.locking));
}

static void join_line(int party, enum state state) {
    model.party[party].state = state;
    line_append(&model.locking, party);
    if (model.holder == NONE)
        hand_over();
}

static void fail(int party, int error) {
    line_remove(&model.locking, party);
    line_remove(&model.sleeping, party);
    line_remove(&model.leaving, party);
    model.party[party].state = RETURNING;
    model.party[party].result = error;
}

static void end_wait(int party, int error) {
    if (model.party[party].state == LOCKING) {
        fail(party, error);
    } else if (model.party[party].state == SLEEPING) {
        fail(party, error);
        model.party[party].state = LEAVING;
        line_append(&model.leaving, party);
    }
}

static void model_signal(void) {
    if (model.sleeping.count > 0) {
        int party = line_take(&model.sleeping);
        model.party[party].result = 0;
        join_line(party, RELOCKING);
    }
}

static void return_from_call(int party) {
    if (model.party[party].state == RETURNING && model.party[party].result == -ECANCELED)
        model.party[party].killed = false; /* delivered */
    model.party[party].state = IDLE;
    model.party[party].calls++;
    model.party[party].kills += model.party[party].killed;
    model.party[party].killed = false;
}

/* All threads run until they wait. */
static void model_settle(void) {
    while (model.leaving.count > 0) {
        int party = line_take(&model.leaving);
        if (model.party[party].result == -ECANCELED)
            model.party[party].killed = false;
        join_line(party, RELOCKING);
    }
    for (int i = 0; i < PARTIES; i++)
        if (model.party[i].state == GRANTED || model.party[i].state == RETURNING)
            return_from_call(i);
}

static int model_lock(int party) {
    if (model.holder == party)
        return -EDEADLK;
    if (model.holder == NONE) {
        model.holder = party;
        return 0;
    }
    model.party[party].result = 0;
    join_line(party, LOCKING);
    return 1;
}

static int model_wait(int party) {
    if (model.holder != party)
        return -EPERM;
    model.party[party].state = SLEEPING;
    line_append(&model.sleeping, party);
    hand_over();
    return 1;
}

static int model_try(int party) {
    if (model.holder != NONE)
        return 0;
    model.holder = party;
    return 1;
}

static int model_unlock(int party) {
    if (model.holder != party)
        return -EPERM;
    hand_over();
    return 0;
}

static void model_call(struct step step) {
    int result;
    model_settle();
    switch (step.kind) {
    case LOCK:
        result = model_lock(step.party);
        break;
    case WAIT:
        result = model_wait(step.party);
        break;
    case TRY_LOCK:
        settle_party(step.party, model_try(step.party));
        return;
    default:
        result = model_unlock(step.party);
    }
    if (result <= 0)
        settle_party(step.party, result);
}

static void model_kill(int party) {
    if (model.party[party].killed)
        return;
    model.party[party].killed = true;
    end_wait(party, -ECANCELED);
}

static void model_end(int party) {
    model_settle();
    model.party[party].state = ENDED;
    model.reports++;
    hand_over();
    model_settle(); /* the thread that has got the mutex runs before the one that waits for the end */
}

static void model_free_condition(void) {
    while (model.sleeping.count > 0)
        end_wait(model.sleeping.parties[0], -EBADF);
}

/* A kill that has not been delivered is left. */
static void model_free_mutex(void) {
    for (int i = 0; i < PARTIES; i++)
        if (model.party[i].state != IDLE && model.party[i].state != RETURNING && model.party[i].state != ENDED)
            fail(i, -EBADF);
    model.holder = NONE;
}

/* Playing a sequence ------------------------------------------------------------ */

static int call_lock(void) {
    return green_mutex_lock(mutex, GREEN_FOREVER);
}

static int call_try_lock(void) {
    return green_mutex_try_lock(mutex);
}

static int call_unlock(void) {
    return green_mutex_unlock(mutex);
}

static int call_wait(void) {
    return green_condition_wait(condition, mutex, GREEN_FOREVER);
}

static void act(struct step step) {
    static int (*const calls[])(void) = {call_lock, call_try_lock, call_unlock, call_wait};
    switch (step.kind) {
    case SIGNAL:
        model_signal();
        CHECK(green_condition_signal(condition), ==, 0);
        break;
    case BROADCAST:
        while (model.sleeping.count > 0)
            model_signal();
        CHECK(green_condition_broadcast(condition), ==, 0);
        break;
    case KILL:
        model_kill(step.party);
        party_kill(step.party);
        break;
    case EXPIRE:
        end_wait(step.party, -ETIMEDOUT);
        party_expire(step.party);
        break;
    case END:
        model_end(step.party);
        party_end(step.party);
        break;
    default:
        model_call(step);
        party_call(step.party, calls[step.kind]);
    }
}

static void check_state(void) {
    green_thread *holder = model.holder == NONE ? NULL : parties[model.holder].thread;
    CHECK(green_mutex_holder(mutex) == holder);
    CHECK(green_mutex_waiting(mutex), ==, model.locking.count);
    CHECK(green_condition_waiting(condition), ==, model.sleeping.count);
}

static void check_results(void) {
    for (int i = 0; i < PARTIES; i++) {
        CHECK(parties[i].calls, ==, model.party[i].calls);
        CHECK(parties[i].kills, ==, model.party[i].kills);
        if (model.party[i].calls > 0 && (model.party[i].state == IDLE || model.party[i].state == ENDED))
            CHECK(parties[i].result, ==, model.party[i].result);
    }
}

static void settle(void) {
    model_settle();
    parties_settle();
    check_results();
}

static void end_with(enum ending ending) {
    done = length + 1;
    if (ending != FREE_MUTEX_FIRST) {
        model_free_condition();
        green_condition_free(condition);
    }
    if (ending == FREE_CONDITION_FIRST)
        settle();
    model_free_mutex();
    green_mutex_free(mutex);
    settle();
    if (ending == FREE_MUTEX_FIRST)
        green_condition_free(condition);
    CHECK(parties_end(), ==, model.reports);
}

static void play(const struct step *steps, int count) {
    bool with_yields = model.with_yields;
    enum ending ending = model.ending;
    memset(&model, 0, sizeof model);
    model.with_yields = with_yields;
    model.ending = ending;
    model.holder = NONE;
    sequence = steps;
    length = count;
    played++;
    CHECK(green_mutex_make(&mutex), ==, 0);
    CHECK(green_condition_make(&condition), ==, 0);
    parties_start();
    for (done = 1; done <= count; done++) {
        act(steps[done - 1]);
        if (with_yields)
            settle();
        check_state();
    }
    end_with(ending);
}

/* All sequences --------------------------------------------------------------- */

/* One idle thread that does not hold the mutex stands for all of them. */
static bool is_represented(int party) {
    for (int i = 0; i < party; i++)
        if (model.party[i].state == IDLE && model.holder != i)
            return true;
    return false;
}

static bool is_calling(int party) {
    enum state state = model.party[party].state;
    return state != IDLE && state != ENDED;
}

/* A call that fails at once changes nothing, so it is only tried as the last step. */
static bool is_possible(struct step step, bool last) {
    bool holds = model.holder == step.party;
    switch (step.kind) {
    case SIGNAL:
    case BROADCAST:
        return step.party == 0 && (model.sleeping.count > 0 || last);
    case KILL:
    case EXPIRE:
        return is_calling(step.party);
    case END:
        return holds && model.party[step.party].state == IDLE;
    case LOCK:
    case TRY_LOCK:
        return model.party[step.party].state == IDLE && (holds ? last : !is_represented(step.party));
    default:
        return model.party[step.party].state == IDLE && (holds || (last && !is_represented(step.party)));
    }
}

static void explore(struct step *steps, int count, int wanted);

/* Playing the steps has led to the state of the model in which the next one is chosen. */
static void explore_from(struct step *steps, int count, int wanted) {
    typeof(model) before = model;
    for (int kind = 0; kind < KINDS; kind++)
        for (int party = 0; party < PARTIES; party++) {
            model = before;
            steps[count] = (struct step){(enum kind)kind, party};
            if (is_possible(steps[count], count + 1 == wanted))
                explore(steps, count + 1, wanted);
        }
}

/* The state of the model after some steps, without playing them. */
static void imagine(struct step step) {
    switch (step.kind) {
    case SIGNAL:
        model_signal();
        break;
    case BROADCAST:
        while (model.sleeping.count > 0)
            model_signal();
        break;
    case KILL:
        model_kill(step.party);
        break;
    case EXPIRE:
        end_wait(step.party, -ETIMEDOUT);
        break;
    case END:
        model_end(step.party);
        break;
    default:
        model_call(step);
    }
    if (model.with_yields)
        model_settle();
}

static void explore(struct step *steps, int count, int wanted) {
    if (count < wanted) {
        imagine(steps[count - 1]);
        explore_from(steps, count, wanted);
        return;
    }
    for (int ending = 0; ending < ENDINGS; ending++) {
        model.ending = (enum ending)ending;
        play(steps, count);
    }
}

static void explore_all(bool with_yields) {
    struct step steps[STEPS];
    explain_failures(print_sequence);
    for (int wanted = 1; wanted <= STEPS; wanted++) {
        memset(&model, 0, sizeof model);
        model.holder = NONE;
        model.with_yields = with_yields;
        explore_from(steps, 0, wanted);
    }
    printf("%ld sequences\n", played);
    on_failure = NULL;
}

BIG_TEST(with_yields, "every sequence of steps on a mutex and a condition matches the model") {
    explore_all(true);
}

BIG_TEST(without_yields, "the same if kills, timeouts and frees meet threads that have not run since they were woken") {
    explore_all(false);
}
