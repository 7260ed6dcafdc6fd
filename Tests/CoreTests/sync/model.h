/* A simple model of a queue: two short arrays for its elements and the waiting calls.
 * After every step, all calls that can be served have been served. */
#ifndef GREEN_TESTS_MODEL_H
#define GREEN_TESTS_MODEL_H

#include <green/green.h>

#ifndef MODEL_STEPS
#define MODEL_STEPS 5
#endif

/* PARTIES threads put and get. The environment makes the calls that never wait. */
enum { PARTIES = 3, ENVIRONMENT = PARTIES, STEPS = MODEL_STEPS };

enum step_kind {
    PUT,
    GET,
    TRY_PUT,
    TRY_GET,
    KILL,
    EXPIRE, /* the timeout of the call the party waits in */
    RESIZE,
    CLOSE,
};

struct step {
    enum step_kind kind;
    int party;        /* the thread that acts or is acted upon, or ENVIRONMENT */
    int key;          /* of the element that is put */
    int64_t capacity; /* after a resize */
};

/* The result of a call: an error, or for a get the serial of the element. A try
 * returns 0 if it would wait, otherwise 1 or the serial. */
struct outcome {
    int party, result;
};

struct model_element {
    int key, serial;
};

struct model {
    green_queue_order order;
    int64_t capacity;
    bool fixed;          /* the capacity cannot be changed */
    bool without_yields; /* no thread runs between two steps of the environment */
    bool closed;
    int serial; /* of the last element made */
    int unfinished;

    struct model_element held[STEPS]; /* in order */
    int holds;
    struct request {
        int party;
        bool is_put;
        struct model_element element;
    } line[PARTIES + 1]; /* in order */
    int waiting;

    bool woken[PARTIES]; /* may not have run since its wait ended */
    int owed[PARTIES];   /* kills that came after the call had ended */

    struct outcome outcomes[3 * STEPS + PARTIES]; /* of all steps, in the order in which calls return */
    int returned;
    int step_begun; /* the number of outcomes before this step */
    int actor;      /* the caller; a call that need not wait returns first */
};

void model_apply(struct model *model, const struct step *step);

bool model_waits(const struct model *model, int party);
int model_waiting(const struct model *model, bool to_put);
bool model_is_full(const struct model *model);

/* Stores the possible next steps. One idle party stands for all of them, because they
 * are equivalent. */
enum { CHOICES = 32 };
int model_choices(const struct model *model, struct step choices[CHOICES]);

#endif
