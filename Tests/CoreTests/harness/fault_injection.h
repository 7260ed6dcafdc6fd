/* Calls that fail on purpose: allocations, and system calls that want something
 * of which there may be none left.
 *
 * The linker puts these in the place of the real ones (--wrap), for the library
 * and the test alike; what the C library does inside is its own. Each scenario
 * runs again and again, and each time another of its calls fails, until a run
 * comes to its end before it has made so many. */
#ifndef GREEN_TESTS_FAILING_H
#define GREEN_TESTS_FAILING_H

#include "helpers.h"

enum failing_kind {
    FAIL_MEMORY = 1, /* malloc and its like, mmap, mprotect, madvise: ENOMEM */
    FAIL_CALLS = 2,  /* socket, accept4, epoll_ctl, pthread_create...: EMFILE and its like */
};

/* Notes the result of a call of a scenario, in whatever thread: an error has to
 * have a sentence at that moment. Returns it. */
long note_result(long result);

/* Goes on, or leaves the function by way of `done` with what the call returned. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((error = (int)note_result(call)) < 0)                                                                      \
            goto done;                                                                                                 \
    } while (0)

/* Waits for threads, NULL among them, killing them first when error is one.
 * Returns it, or what the first of them has failed with. */
int end_threads(green_thread **threads, size_t count, int error);

/* What runs with failures: on a hub of its own, which is made before, unless it
 * is about that. It gives back all it has, and returns 0 or an error, after noting one. */
struct scenario {
    const char *name;
    int (*run)(void);
    /* What may fail without anybody noticing, as in "strndup accept4": a name
     * that is not kept, or somebody who tries again. */
    const char *tolerates;
    unsigned step;   /* between calls that fail, where there are very many; GREEN_FAILING_STEP overrides it; 0: 1 */
    bool opens;      /* it makes the hub */
    bool one_by_one; /* it waits for as long as there is nothing, so only one call fails */
};

/* Runs it on the engine with each of its calls of these kinds failing, alone and
 * together with all that come later. Every time it returns an error with a
 * sentence, or what failed is tolerated; nothing is left; and after that the
 * same scenario succeeds. */
void fail_everywhere(const struct scenario *scenario, const char *engine, unsigned kinds);

/* The same on both engines, and prints how many failures there were. */
void fail_on_each_engine(const struct scenario *scenarios, size_t count, unsigned kinds);

/* For calls that are not wrapped, those of another library's hooks: whether this
 * one is to fail. */
bool should_fail(const char *call);

/* The same by hand: from here on the calls of these kinds from the first to the
 * last fail. Returns how many were made since; 0 kinds end it. */
unsigned fail_calls(unsigned kinds, unsigned first, unsigned last);

#endif
