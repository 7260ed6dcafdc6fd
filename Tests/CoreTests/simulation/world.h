/* Some threads that do at random what can be done with some sockets, queues,
 * semaphores and events, and with each other, and what must be true meanwhile. */
#ifndef GREEN_SIMULATION_WORLD_H
#define GREEN_SIMULATION_WORLD_H

#include "harness.h"
#include "kernel.h"

enum { ACTORS_MAX = 12, STREAMS_MAX = 3, QUEUES_MAX = 3, SEMAPHORES_MAX = 2, ITEMS_MAX = 2048 };

/* A green thread that acts until the end, or until it is killed. */
struct actor {
    green_thread *thread; /* NULL: it is to be started */
    bool killed;          /* a kill was posted that none of its calls has returned */
    green_timeout *limit; /* around its calls; NULL */
    int64_t limit_at;     /* when that fires */
    bool accepting;       /* a connection */
};

/* A blocking call of an actor's, from before to after. */
struct call {
    struct actor *actor;
    int64_t begun, timeout;
    uint64_t moment;
    bool was_killed; /* before it began */
};

void call_begin(struct call *call, struct actor *actor, int64_t timeout);

/* Checks everything there is to check. Returns the result. */
long call_end(struct call *call, long result);

/* Whether somebody else ran during the call. */
bool call_blocked(const struct call *call);

/* Whether the result is of an interrupt or a time that is over. */
bool is_early(long result);

/* A time that some calls may take, or none. */
int64_t some_timeout(void);

/* Bytes of one direction of a stream. */
struct direction {
    uint64_t sent, received;
    bool reading, writing; /* somebody does */
    bool torn;             /* nobody knows how much of a write was sent */
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
    uint64_t getter[ITEMS_MAX]; /* which get has got the item */
    uint64_t served_put, served_get;
    int busy; /* calls under way */
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
    int accepting;    /* calls under way */
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
    uint32_t interrupts; /* kills and timeouts, in a thousand steps */
    uint64_t steps, moment;
    bool is_ending;
};

extern struct world world;

/* One run: a hub, a world on it, its end. */
void world_run(uint64_t seed, const char *engine);

/* What must be true whenever a thread has a look. */
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
