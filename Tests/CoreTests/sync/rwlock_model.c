/* Read-write locks: every sequence of up to seven steps of three threads, compared with a model
 * after every step. Threads run after each step, or only before a thread makes a call, so that
 * kills, timeouts and frees meet threads that were woken and have not run. */
#include "lock_parties.h"

enum { STEPS = SLOW ? 5 : 7 };

enum kind { READ, WRITE, TRY_READ, TRY_WRITE, UNLOCK, DOWNGRADE, KILL, EXPIRE, END, KINDS };

/* Every sequence is played with each ending. */
enum ending { FREE, KILL_AND_FREE, ENDINGS };

struct step {
    enum kind kind;
    int party;
};

enum state {
    IDLE,
    WAITING,
    GRANTED,   /* it holds the lock and has not run */
    RETURNING, /* its call has failed, and it has not run */
    ENDED,
};

static green_rwlock *lock;

static struct {
    bool with_yields;
    enum ending ending;
    struct line waiting;
    struct {
        enum state state;
        bool reads, writes; /* holds the lock */
        bool wants_write;   /* while it waits */
        int result;         /* of its last or current call */
        int calls;          /* that returned */
        int kills;          /* that found no call to end */
        bool killed;
    } party[PARTIES];
    int reports;
} model;

static const struct step *sequence;
static int length, done;
static long played;

static void print_sequence(void) {
    static const char *const verbs[KINDS] = {"reads",          "writes",    "tries to read",
                                             "tries to write", "unlocks",   "downgrades",
                                             "is killed",      "times out", "ends"};
    dprintf(STDERR_FILENO, "sequence %ld, with%s yields: ", played, model.with_yields ? "" : "out");
    for (int i = 0; i < length; i++)
        dprintf(STDERR_FILENO, "%c %s; ", 'A' + sequence[i].party, verbs[sequence[i].kind]);
    dprintf(STDERR_FILENO, "%s; at step %d\n", model.ending == FREE ? "is freed" : "waiters are killed", done);
}

/* The model ------------------------------------------------------------------ */

static int readers(void) {
    int count = 0;
    for (int i = 0; i < PARTIES; i++)
        count += model.party[i].reads;
    return count;
}

static int writer(void) {
    for (int i = 0; i < PARTIES; i++)
        if (model.party[i].writes)
            return i;
    return -1;
}

static bool holds(int party) {
    return model.party[party].reads || model.party[party].writes;
}

static bool is_free(bool write) {
    return writer() < 0 && (!write || readers() == 0);
}

static void take(int party, bool write) {
    *(write ? &model.party[party].writes : &model.party[party].reads) = true;
}

static void serve(void) {
    while (model.waiting.count > 0 && is_free(model.party[model.waiting.parties[0]].wants_write)) {
        int party = line_take(&model.waiting);
        take(party, model.party[party].wants_write);
        model.party[party].state = GRANTED;
    }
}

static void release(int party) {
    model.party[party].reads = model.party[party].writes = false;
    serve();
}

static void end_wait(int party, int error) {
    if (model.party[party].state != WAITING)
        return;
    line_remove(&model.waiting, party);
    model.party[party].state = RETURNING;
    model.party[party].result = error;
    serve();
}

static void model_settle(void) {
    for (int i = 0; i < PARTIES; i++) {
        if (model.party[i].state != GRANTED && model.party[i].state != RETURNING)
            continue;
        if (model.party[i].state == RETURNING && model.party[i].result == -ECANCELED)
            model.party[i].killed = false; /* delivered */
        model.party[i].state = IDLE;
        model.party[i].calls++;
        model.party[i].kills += model.party[i].killed;
        model.party[i].killed = false;
    }
}

/* The result, or 2 if it waits. */
static int model_lock(int party, bool write) {
    if (holds(party))
        return -EDEADLK;
    if (model.waiting.count == 0 && is_free(write)) {
        take(party, write);
        return 0;
    }
    model.party[party].state = WAITING;
    model.party[party].wants_write = write;
    model.party[party].result = 0;
    line_append(&model.waiting, party);
    return 2;
}

static int model_try(int party, bool write) {
    if (holds(party) || model.waiting.count > 0 || !is_free(write))
        return 0;
    take(party, write);
    return 1;
}

static int model_unlock(int party) {
    if (!holds(party))
        return -EPERM;
    release(party);
    return 0;
}

static int model_downgrade(int party) {
    if (!model.party[party].writes)
        return -EPERM;
    model.party[party].writes = false;
    model.party[party].reads = true;
    serve();
    return 0;
}

static int model_result(struct step step) {
    switch (step.kind) {
    case READ:
    case WRITE:
        return model_lock(step.party, step.kind == WRITE);
    case TRY_READ:
    case TRY_WRITE:
        return model_try(step.party, step.kind == TRY_WRITE);
    case UNLOCK:
        return model_unlock(step.party);
    default:
        return model_downgrade(step.party);
    }
}

static void model_kill(int party) {
    if (model.party[party].killed)
        return;
    model.party[party].killed = true;
    end_wait(party, -ECANCELED);
}

static void model_act(struct step step) {
    if (step.kind == KILL) {
        model_kill(step.party);
    } else if (step.kind == EXPIRE) {
        end_wait(step.party, -ETIMEDOUT);
    } else if (step.kind == END) {
        model_settle();
        model.party[step.party].state = ENDED;
        model.reports++;
        release(step.party);
        model_settle(); /* threads that get the lock run before the one that waits for the end */
    } else {
        model_settle();
        int result = model_result(step);
        if (result == 2)
            return;
        model.party[step.party].result = result;
        model.party[step.party].calls++;
    }
}

static void model_free(void) {
    for (int i = 0; i < PARTIES; i++) {
        if (model.party[i].state == WAITING || model.party[i].state == GRANTED) {
            model.party[i].state = RETURNING;
            model.party[i].result = -EBADF;
        }
        model.party[i].reads = model.party[i].writes = false;
    }
    model.waiting.count = 0;
}

/* Playing a sequence ------------------------------------------------------------ */

static int call_read(void) {
    return green_rwlock_read_lock(lock, GREEN_FOREVER);
}

static int call_write(void) {
    return green_rwlock_write_lock(lock, GREEN_FOREVER);
}

static int call_try_read(void) {
    return green_rwlock_try_read_lock(lock);
}

static int call_try_write(void) {
    return green_rwlock_try_write_lock(lock);
}

static int call_unlock(void) {
    return green_rwlock_unlock(lock);
}

static int call_downgrade(void) {
    return green_rwlock_downgrade(lock);
}

static void act(struct step step) {
    static int (*const calls[])(void) = {call_read,      call_write,  call_try_read,
                                         call_try_write, call_unlock, call_downgrade};
    model_act(step);
    if (step.kind == KILL)
        party_kill(step.party);
    else if (step.kind == EXPIRE)
        party_expire(step.party);
    else if (step.kind == END)
        party_end(step.party);
    else
        party_call(step.party, calls[step.kind]);
}

static void check_state(void) {
    green_thread *holder = writer() < 0 ? NULL : parties[writer()].thread;
    CHECK(green_rwlock_writer(lock) == holder);
    CHECK(green_rwlock_readers(lock), ==, readers());
    CHECK(green_rwlock_waiting(lock), ==, model.waiting.count);
}

static void settle(void) {
    model_settle();
    parties_settle();
    for (int i = 0; i < PARTIES; i++) {
        CHECK(parties[i].calls, ==, model.party[i].calls);
        CHECK(parties[i].kills, ==, model.party[i].kills);
        if (model.party[i].calls > 0 && (model.party[i].state == IDLE || model.party[i].state == ENDED))
            CHECK(parties[i].result, ==, model.party[i].result);
    }
}

static void end_with(enum ending ending) {
    done = length + 1;
    while (ending == KILL_AND_FREE && model.waiting.count > 0) {
        int party = model.waiting.parties[0];
        model_kill(party);
        party_kill(party);
        check_state();
    }
    model_free();
    green_rwlock_free(lock);
    settle();
    CHECK(parties_end(), ==, model.reports);
}

static void reset(void) {
    bool with_yields = model.with_yields;
    enum ending ending = model.ending;
    memset(&model, 0, sizeof model);
    model.with_yields = with_yields;
    model.ending = ending;
}

static void play(const struct step *steps, int count) {
    reset();
    sequence = steps;
    length = count;
    played++;
    CHECK(green_rwlock_make(&lock), ==, 0);
    parties_start();
    for (done = 1; done <= count; done++) {
        act(steps[done - 1]);
        if (model.with_yields)
            settle();
        check_state();
    }
    end_with(model.ending);
}

/* All sequences --------------------------------------------------------------- */

/* One idle thread without the lock stands for all of them, and one reader for all readers. */
static bool is_represented(int party) {
    for (int i = 0; i < party; i++)
        if (model.party[i].state == IDLE && model.party[i].reads == model.party[party].reads &&
            model.party[i].writes == model.party[party].writes)
            return true;
    return false;
}

/* A call that fails at once changes nothing, so it is only tried as the last step. */
static bool is_possible(struct step step, bool last) {
    bool idle = model.party[step.party].state == IDLE && !is_represented(step.party);
    switch (step.kind) {
    case KILL:
    case EXPIRE:
        return model.party[step.party].state != IDLE && model.party[step.party].state != ENDED;
    case END:
        return idle && holds(step.party);
    case UNLOCK:
        return idle && (holds(step.party) || last);
    case DOWNGRADE:
        return idle && (model.party[step.party].writes || last);
    default:
        return idle && (!holds(step.party) || last);
    }
}

static void explore(struct step *steps, int count, int wanted) {
    typeof(model) before = model;
    for (int kind = 0; kind < KINDS; kind++)
        for (int party = 0; party < PARTIES; party++) {
            model = before;
            steps[count] = (struct step){(enum kind)kind, party};
            if (!is_possible(steps[count], count + 1 == wanted))
                continue;
            if (count + 1 < wanted) {
                model_act(steps[count]);
                if (model.with_yields)
                    model_settle();
                explore(steps, count + 1, wanted);
                continue;
            }
            for (int ending = 0; ending < ENDINGS; ending++) {
                model.ending = (enum ending)ending;
                play(steps, wanted);
            }
        }
}

static void explore_all(bool with_yields) {
    struct step steps[STEPS];
    explain_failures(print_sequence);
    model.with_yields = with_yields;
    for (int wanted = 1; wanted <= STEPS; wanted++) {
        reset();
        explore(steps, 0, wanted);
    }
    printf("%ld sequences\n", played);
    on_failure = NULL;
}

BIG_TEST(with_yields, "every sequence of steps on a read-write lock matches the model") {
    explore_all(true);
}

BIG_TEST(without_yields, "the same if kills, timeouts and frees meet threads that have not run since they were woken") {
    explore_all(false);
}
