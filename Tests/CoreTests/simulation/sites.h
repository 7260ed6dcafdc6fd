/* A random program of several OS threads, here called sites: hubs with green threads, called
 * actors, and OS threads without a hub. Also the rules that hold at each schedule point. */
#ifndef GREEN_SIMULATION_SITES_H
#define GREEN_SIMULATION_SITES_H

#include "dice.h"
#include "harness.h"
#include "turn_engine.h"
#include "turns.h"

enum { SITES_MAX = 6, SITE_ACTORS_MAX = 4 };

struct site;

/* A green thread of a hub, or the context of an OS thread. */
struct site_actor {
    struct site *site;
    green_thread *thread; /* NULL: it has to be started, or it is such a context */
    bool killed;          /* a kill was sent and no call has returned it yet */
    bool is_remote;       /* kills come from other sites, so they arrive later */
};

struct site {
    int number; /* of its turn */
    bool has_hub;
    bool only_posts; /* its calls never wait */
    bool dies;       /* its OS thread ends while the hub is in use */
    bool ending;     /* it starts no actor, and those that it has end */
    bool closing;    /* posts to its hub may fail from now on */
    uint64_t steps;
    green_hub *hub;         /* NULL: it was not made yet. Owned until the end of the run. */
    struct site_actor root; /* the OS thread's own context */
    struct site_actor actors[SITE_ACTORS_MAX];
    uint32_t actor_count;

    /* What the wrapped functions of the inbox have seen. */
    struct turn_engine *engine; /* NULL: it is closed */
    uint32_t posting;           /* calls of green__inbox_post() in progress */
    uint64_t sleeps, wakes;
};

struct program {
    struct site sites[SITES_MAX];
    uint32_t site_count;
    uint32_t kills;    /* per thousand steps */
    uint32_t favorite; /* the number of an act, or that of none */
    bool is_ending;
};

extern struct program program;

/* One run. */
void program_run(uint64_t seed);
void program_dump(void);

/* The calling site. */
struct site *site_here(void);
struct site *some_site(void);
struct site *some_hub(void); /* which may not be made yet */

/* A blocking call of an actor. */
struct site_call {
    struct site_actor *actor;
    int64_t begun, timeout;
    bool was_killed;
};

void site_call_begin(struct site_call *call, struct site_actor *actor, int64_t timeout);

/* Checks its result if that is an interrupt or a timeout. Returns the result. */
int site_call_end(const struct site_call *call, int result);

/* A random timeout, or none. */
int64_t some_timeout(void);

/* The functions of the inbox that are wrapped: see site_inbox.c. */
void site_inbox_begin(void);
void site_inbox_check(const struct site *site);

void posts_begin(void);
void posts_act(struct site_actor *actor);
void posts_flood(const struct site *site); /* more posts than one iteration runs */
void posts_end(void);

/* One random act. */
void site_act(struct site_actor *actor);

void remotes_begin(void);
void remotes_act(struct site_actor *actor);
void remotes_check_quiet(void);
void remotes_end(void);

void promises_begin(void);
void promises_act(struct site_actor *actor);
void promises_end_waits(void);
void promises_end(void);

void sockets_begin(void);
void sockets_act(struct site_actor *actor);
void sockets_end(void);

void locks_begin(void);
void locks_act(struct site_actor *actor);
bool lock_is_held(void);

void channels_begin(void);
void channels_act(struct site_actor *actor);
void channels_try(struct site_actor *actor); /* never waits */
void channels_check_quiet(void);
void channels_end_waits(void);
void channels_end(void);

#endif
