/* Actors: green threads that use sockets, queues, semaphores and events at random, and the
 * rules that must hold meanwhile. */
#ifndef GREEN_SIMULATION_WORLD_H
#define GREEN_SIMULATION_WORLD_H

#include "harness.h"
#include "kernel.h"

enum { ACTORS_MAX = 12, STREAMS_MAX = 3, QUEUES_MAX = 3, SEMAPHORES_MAX = 2, ITEMS_MAX = 2048 };

/* A green thread that acts until the end of the run, or until it is killed. */
struct actor {
    green_thread *thread; /* NULL: it has to be started */
    bool killed;          /* a kill was sent and no call has returned it yet */
    green_timeout *limit; /* a timeout around its calls, or NULL */
    int64_t limit_at;     /* when the timeout fires */
    bool accepting;       /* it waits for a connection */
};

/* A blocking call of an actor. */
struct call {
    struct actor *actor;
    int64_t begun, timeout;
    uint64_t tick;
    bool was_killed; /* before the call began */
};

void call_begin(struct call *call, struct actor *actor, int64_t timeout);

/* Checks all rules. Returns the result. */
long call_end(struct call *call, long result);

/* Whether another thread ran during the call. */
bool call_blocked(const struct call *call);

/* Whether the result is that of an interrupt or a timeout. */
bool is_early(long result);

/* A random timeout, or none. */
int64_t some_timeout(void);

/* The bytes of one direction of a stream. */
struct direction {
    uint64_t sent, received;
    bool reading, writing; /* an actor does */
    bool torn;             /* it is not known how much of a write was sent */
    bool ended;            /* the writing end has been shut down */
};

struct stream {
    green_socket *ends[2];
    struct direction directions[2]; /* from that end to the other */
    uint64_t generation;
};

enum item { NEW, PUTTING, PUT, GOT, KEPT };

struct queue {
    green_queue *queue;
    uint64_t generation;
    uint64_t items, gets; /* so far */
    uint8_t states[ITEMS_MAX];
    uint64_t getter[ITEMS_MAX]; /* the number of the get that returned the item */
    uint64_t served_put, served_get;
    int busy; /* calls in progress */
};

struct semaphore {
    green_semaphore *semaphore;
    int64_t total, held;
    uint64_t calls, served;
    int busy;
};

struct event {
    green_event *event;
    uint64_t generation;
    int busy;
};

struct meeting {
    green_listener *listener;
    char address[64];
    int accepting;    /* calls in progress */
    bool is_closing;  /* its last acceptor has been killed */
    uint64_t clients; /* so far */
    uint8_t states[ITEMS_MAX];
};

struct world {
    struct actor actors[ACTORS_MAX];
    struct stream streams[STREAMS_MAX];
    struct queue queues[QUEUES_MAX];
    struct semaphore semaphores[SEMAPHORES_MAX];
    struct event event;
    struct meeting meeting;
    uint32_t actor_count, stream_count, queue_count, semaphore_count;
    uint32_t interrupts; /* kills and timeouts per thousand steps */
    uint64_t steps, tick;
    bool is_ending;
};

extern struct world world;

/* One run: opens a hub, runs the actors, and closes it. */
void world_run(uint64_t seed, const char *engine);

/* Rules that hold whenever a thread runs. */
void world_check(void);

void streams_make(void);
void streams_act(struct actor *actor);
void streams_end(void);

void queues_make(void);
void queues_act(struct actor *actor);
void queues_check(void);
void queues_end(void);

void semaphores_make(void);
void semaphores_act(struct actor *actor);
void semaphores_check(void);
void semaphores_end(void);

void meeting_make(void);
void meeting_act(struct actor *actor);
void meeting_check(void);
void meeting_end(void);

#endif
