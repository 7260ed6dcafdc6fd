#include "turns.h"

#include "dice.h"
#include "harness.h"
#include "turn_stores.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

enum { POINTS_MAX = 4 * 1000 * 1000, CHANGES_KEPT = 48 };

static const uint64_t FNV_PRIME = 0x100000001b3;

struct turn {
    pthread_t thread;
    void (*run)(void *argument);
    void *argument;
    uint32_t has_turn; /* a futex */
    bool ended;
    const char *what; /* its last schedule point */
    bool (*may_continue)(void *context);
    void *context;
    int64_t deadline;
};

static struct {
    struct turn turns[TURNS_MAX];
    uint32_t count, ended;
    struct turn_rates rates;
    void (*check)(void), (*check_quiet)(void);
    bool kept; /* schedule points do nothing */
    int64_t now;
    uint64_t points, changes, trace;
    struct {
        const char *what;
        uint32_t from, to;
    } last[CHANGES_KEPT]; /* the last changes */
} all;

static _Thread_local struct turn *self;
static pthread_key_t end_key;

/* The calls of the library are wrapped, those of this file are not. */
long __real_syscall(long number, ...);

static void await_turn(struct turn *turn) {
    while (!__atomic_load_n(&turn->has_turn, __ATOMIC_ACQUIRE))
        __real_syscall(SYS_futex, &turn->has_turn, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    turn->has_turn = 0;
}

static void give_turn(struct turn *turn) {
    __atomic_store_n(&turn->has_turn, 1, __ATOMIC_RELEASE);
    __real_syscall(SYS_futex, &turn->has_turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool can_run(const struct turn *turn) {
    return !turn->ended && (!turn->may_continue || turn->may_continue(turn->context) ||
                            (turn->deadline >= 0 && turn->deadline <= all.now));
}

/* The one that waits for the earliest time. */
static struct turn *next_in_time(void) {
    struct turn *first = NULL;
    for (uint32_t i = 0; i < all.count; i++) {
        struct turn *turn = &all.turns[i];
        if (!turn->ended && turn->may_continue && turn->deadline >= 0 && (!first || turn->deadline < first->deadline))
            first = turn;
    }
    return first;
}

void turn_keep(void) {
    all.kept = true;
}

void turn_keep_no_longer(void) {
    all.kept = false;
}

static void call_check(void (*check)(void)) {
    turn_keep();
    check();
    turn_keep_no_longer();
}

static struct turn *pick(void) {
    struct turn *ready[TURNS_MAX], *expiring = next_in_time();
    uint32_t count = 0;
    for (uint32_t i = 0; i < all.count; i++)
        if (can_run(&all.turns[i]))
            ready[count++] = &all.turns[i];
    if (count == 0)
        call_check(all.check_quiet);
    if (expiring && (count == 0 || chance(all.rates.expire))) {
        if (all.now < expiring->deadline)
            all.now = expiring->deadline;
        return expiring;
    }
    if (count == 0)
        check_failed(__FILE__, __LINE__, "an OS thread can continue");
    return ready[below(count)];
}

/* Returns when the turn comes back. */
static void change(struct turn *from) {
    struct turn *to = pick();
    if (to == from)
        return;
    uint64_t number = all.changes++ % CHANGES_KEPT;
    all.last[number].what = from->what;
    all.last[number].from = (uint32_t)(from - all.turns);
    all.last[number].to = (uint32_t)(to - all.turns);
    all.trace = (all.trace ^ (all.points * TURNS_MAX + all.last[number].to)) * FNV_PRIME;
    give_turn(to);
    if (!from->ended)
        await_turn(from);
}

static void check_step(void) {
    call_check(all.check);
    if (all.points++ > POINTS_MAX)
        check_failed(__FILE__, __LINE__, "the run ends");
}

void turn_point(const char *what) {
    if (!self || all.kept)
        return;
    self->what = what;
    if (chance(150))
        turn_drain_some_store();
    check_step();
    if (chance(all.rates.change))
        change(self);
}

bool turn_block(const char *what, bool (*may_continue)(void *context), void *context, int64_t deadline) {
    self->what = what;
    self->may_continue = may_continue;
    self->context = context;
    self->deadline = deadline;
    turn_drain_own_stores(turn_self());
    check_step();
    change(self);
    bool may = may_continue(context);
    self->may_continue = NULL;
    return may;
}

/* The library ends a hub in a destructor of its own. This one runs once more after it. */
static void on_end(void *value) {
    struct turn *turn = value;
    if (turn->run) {
        turn->run = NULL;
        pthread_setspecific(end_key, turn);
        return;
    }
    turn->ended = true;
    turn_drain_own_stores(turn_self());
    self = NULL;
    if (++all.ended < all.count)
        change(turn);
}

static void *run(void *argument) {
    struct turn *turn = argument;
    pthread_setspecific(end_key, turn);
    await_turn(turn);
    self = turn;
    turn->run(turn->argument);
    return NULL;
}

static void make_key(void) {
    if (pthread_key_create(&end_key, on_end) != 0)
        check_failed(__FILE__, __LINE__, "a pthread key");
}

void turns_begin(const struct turn_rates *rates, void (*check)(void), void (*check_quiet)(void)) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    memset(&all, 0, sizeof all);
    all.rates = *rates;
    all.check = check;
    all.check_quiet = check_quiet;
    all.now = GREEN_SECOND;
}

void turns_add(void (*function)(void *argument), void *argument) {
    struct turn *turn = &all.turns[all.count++];
    turn->run = function;
    turn->argument = argument;
    turn->what = "its start";
    turn->deadline = -1;
}

void turns_run(void) {
    for (uint32_t i = 0; i < all.count; i++)
        CHECK(pthread_create(&all.turns[i].thread, NULL, run, &all.turns[i]), ==, 0);
    give_turn(pick());
    for (uint32_t i = 0; i < all.count; i++)
        CHECK(pthread_join(all.turns[i].thread, NULL), ==, 0);
}

int turn_self(void) {
    return self ? (int)(self - all.turns) : -1;
}

bool turn_has_ended(int number) {
    return all.turns[number].ended;
}

int64_t turns_now(void) {
    return all.now += 10;
}

uint64_t turns_points(void) {
    return all.points;
}

uint64_t turns_trace(void) {
    return all.trace;
}

void turns_dump(void) {
    uint64_t first = all.changes > CHANGES_KEPT ? all.changes - CHANGES_KEPT : 0;
    for (uint64_t i = first; i < all.changes; i++)
        fprintf(stderr, "%u -> %u at %s\n", all.last[i % CHANGES_KEPT].from, all.last[i % CHANGES_KEPT].to,
                all.last[i % CHANGES_KEPT].what);
    for (uint32_t i = 0; i < all.count; i++) {
        const struct turn *turn = &all.turns[i];
        fprintf(stderr, "OS thread %u: %s %s%s\n", i,
                turn->ended          ? "ended after"
                : turn->may_continue ? "waits in"
                                     : "at",
                turn->what, turn == self ? ", has the turn" : "");
    }
}
