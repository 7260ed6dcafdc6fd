/* OS threads that run one at a time, in an order that follows from the dice.
 *
 * Only the OS thread that has the turn runs. It may hand the turn on at schedule points:
 * before and after each atomic operation of the library (interleave.h), at locks, and
 * wherever it would block (turn_calls.c). Time passes when all of them are blocked, and by
 * chance. So a run is the same each time, and any interleaving can occur. */
#ifndef GREEN_SIMULATION_TURNS_H
#define GREEN_SIMULATION_TURNS_H

#include <stdbool.h>
#include <stdint.h>

enum { TURNS_MAX = 8 };

/* In thousandths: how often a schedule point hands the turn on, and how often an OS thread
 * that waits for a time gets it although others could run. */
struct turn_rates {
    uint32_t change, expire;
};

/* check is called at each schedule point, and check_quiet when no OS thread can continue
 * until time passes. */
void turns_begin(const struct turn_rates *rates, void (*check)(void), void (*check_quiet)(void));

/* Adds an OS thread. Its number is that of earlier calls. */
void turns_add(void (*run)(void *argument), void *argument);

/* Runs all of them to their end, including what the library does at the end of an OS
 * thread. */
void turns_run(void);

/* The number of the calling OS thread; -1: it is none of them. */
int turn_self(void);

bool turn_has_ended(int number);

void turn_point(const char *what);

/* The store buffer of the OS thread's processor: other OS threads see a store when it leaves
 * the buffer, by chance, or at turn_block() and turn_drain_stores(). The owner sees it at
 * once. */
void turn_buffer_store(void *address, const void *value, uint32_t size);
void turn_forward_store(const void *address, void *value, uint32_t size);

/* The stores of the calling OS thread leave its buffer. */
void turn_drain_own(void);

/* All stores of all OS threads leave their buffers, as by membarrier(2). */
void turn_drain_stores(void);

/* Between the two calls, schedule points do nothing. */
void turn_keep(void);
void turn_keep_no_longer(void);

/* Hands the turn on until may_continue(context) or the deadline; negative: none. Returns
 * whether it may continue. */
bool turn_block(const char *what, bool (*may_continue)(void *context), void *context, int64_t deadline);

/* The simulated clock, in nanoseconds. */
int64_t turns_now(void);

/* The number of schedule points in this run. */
uint64_t turns_points(void);

/* A number that depends on all changes of this run. */
uint64_t turns_trace(void);

/* Writes where each OS thread is, and the last changes, to standard error. */
void turns_dump(void);

#endif
