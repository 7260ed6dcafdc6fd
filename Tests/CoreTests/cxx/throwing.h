/* Functions in C++ that pause while an exception is thrown or handled. */
#ifndef GREEN_TESTS_CXX_THROWING_H
#define GREEN_TESTS_CXX_THROWING_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct throwing {
    /* Throws an exception of that text, pauses in its handler, throws it again and
     * returns whether the second handler has got the same. */
    bool (*rethrow)(const char *text, void (*pause)(void *context), void *context);

    /* The same for depth exceptions, each thrown by the handler of the one before. */
    bool (*rethrow_nested)(int depth, const char *text, void (*pause)(void *context), void *context);

    /* Pauses in a destructor that an exception runs, and returns whether one was
     * being thrown before and after, and no more later. */
    bool (*unwind)(const char *text, void (*pause)(void *context), void *context);

    /* What is being handled: the number of exceptions thrown and not caught, plus
     * 1000 if there is a current one. */
    int (*state)(void);
};

extern const struct throwing throwing_calls;

#ifdef __cplusplus
}
#endif

#endif
