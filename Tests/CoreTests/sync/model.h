/* A queue as simple as can be, to hold the real one against: what it holds and
 * who waits are two short arrays, and after every step whoever can be served
 * is. */
#ifndef GREEN_TESTS_MODEL_H
#define GREEN_TESTS_MODEL_H

#include <green/green.h>

/* PARTIES threads put and get; the world does what never waits. */
enum { PARTIES = 3, WORLD = PARTIES, STEPS = 5 };

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
    int party;        /* who acts, or is acted upon; WORLD for the rest */
    int key;          /* of what is put */
    int64_t capacity; /* after a resize */
};

/* What a call has returned: an error; of a get, the serial of the element; of a
 * try, 0 when it would have to wait, and otherwise 1 or the serial. */
struct outcome {
    int party, result;
};

struct model_element {
    int key, serial;
};

struct model {
    green_queue_order order;
    int64_t capacity;
    bool hurried; /* the steps of the world come one upon the other: nobody runs in between */
    bool closed;
    int serial; /* of the last element made */
    int unfinished;

    struct model_element held[STEPS]; /* in the order they came */
    int holds;
    struct request {
        int party;
        bool is_put;
        struct model_element element;
    } line[PARTIES + 1]; /* in the order they came */
    int waiting;

    bool woken[PARTIES]; /* may not have run since another's step ended its wait */
    int owed[PARTIES];   /* kills that came when the call had ended already */

    struct outcome outcomes[3 * STEPS + PARTIES]; /* of all steps, in the order the calls return */
    int returned;
    int step_begun; /* the outcomes there were before this step */
    int actor;      /* whose call the step is; a call that need not wait returns first */
};

void model_apply(struct model *model, const struct step *step);

bool model_waits(const struct model *model, int party);
int model_waiting(const struct model *model, bool to_put);
bool model_is_full(const struct model *model);

/* The steps that are possible next. Of parties that do nothing one stands for
 * all, since nothing tells them apart. */
enum { CHOICES = 32 };
int model_choices(const struct model *model, struct step choices[CHOICES]);

#endif
