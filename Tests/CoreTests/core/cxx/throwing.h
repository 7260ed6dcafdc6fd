/* Functions in C++ that pause while an exception is thrown or handled. */
#ifndef GREEN_TESTS_CXX_THROWING_H
#define GREEN_TESTS_CXX_THROWING_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct throwing {
    /* Throws an exception with the text, pauses in its handler, rethrows it and returns
     * whether the second handler caught the same exception. */
    bool (*rethrow)(const char *text, void (*pause)(void *context), void *context);

    /* The same for depth nested exceptions, each thrown in the previous handler. */
    bool (*rethrow_nested)(int depth, const char *text, void (*pause)(void *context), void *context);

    /* Pauses in a destructor during unwinding. Returns whether an exception was being
     * thrown before and after the pause, and none later. */
    bool (*unwind)(const char *text, void (*pause)(void *context), void *context);

    /* The number of exceptions thrown and not caught, plus 1000 if one is being
     * handled. */
    int (*state)(void);
};

extern const struct throwing throwing_calls;

#ifdef __cplusplus
}
#endif

#endif
