/* Fault injection: allocations and system calls that fail on purpose.
 *
 * The linker replaces the calls (--wrap) in the library and the test, but not inside the C
 * library. Each scenario is run again and again, each time with the next of its calls
 * failing, until a run ends before it makes that call. */
#ifndef GREEN_TESTS_FAULT_INJECTION_H
#define GREEN_TESTS_FAULT_INJECTION_H

#include "helpers.h"

enum failing_kind {
    FAIL_MEMORY = 1, /* malloc and similar calls, mmap, mprotect, madvise: ENOMEM */
    FAIL_CALLS = 2,  /* socket, accept4, epoll_ctl, pthread_create and others: EMFILE and similar errors */
};

/* Records the result of a call of a scenario, on any thread, and checks that an error has a
 * message now. Returns the result. */
long note_result(long result);

/* Continues, or goes to `done` with the error that the call returned. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((error = (int)note_result(call)) < 0)                                                                      \
            goto done;                                                                                                 \
    } while (0)

/* Waits for threads; some may be NULL. Kills them first if error is an error. Returns it,
 * or the first thread's error. */
int end_threads(green_thread **threads, size_t count, int error);

/* The calls to run with failures, on a hub that was opened before, unless the scenario
 * opens one. run releases everything, and returns 0 or an error that was recorded. */
struct scenario {
    const char *name;
    int (*run)(void);
    /* Calls that may fail without an error of the scenario, such as "strndup accept4": a
     * name that is not kept, or a call that is repeated. */
    const char *tolerates;
    unsigned step;   /* the distance of failing calls, if there are very many; 0: 1. GREEN_FAILING_STEP overrides it */
    bool opens;      /* it opens the hub */
    bool one_by_one; /* it waits until a resource is free, so only one call may fail */
};

/* Runs the scenario on the engine with each of its calls of these kinds failing, alone and
 * together with all later ones. Each time, it must return an error with a message unless
 * the failure is tolerated, leave nothing behind, and succeed when run again. */
void fail_everywhere(const struct scenario *scenario, const char *engine, unsigned kinds);

/* Does the same on both engines, and prints the number of failures. */
void fail_on_each_engine(const struct scenario *scenarios, size_t count, unsigned kinds);

/* For calls that are not wrapped, such as hooks of another library: whether this one must
 * fail. */
bool should_fail(const char *call);

/* Without a scenario: from now on, the first to the last of the calls of these kinds fail.
 * Returns the number of calls since the last use. kinds of 0 ends it. */
unsigned fail_calls(unsigned kinds, unsigned first, unsigned last);

#endif
