/* One hub of a hub pool, with its OS thread. */
#ifndef GREEN_HUBS_POOL_HUB_H
#define GREEN_HUBS_POOL_HUB_H

#include "../core/exit_observer.h"
#include "../sync/latch.h"
#include "cpus.h"

#include <green/hub_pool.h>

#include <pthread.h>

enum { GREEN_POOL_NAME_MAX = 10, GREEN_OS_THREAD_NAME_SIZE = 16 /* of the kernel */ };

typedef struct green_pool_hub {
    green_hub_pool *pool;
    size_t index;
    pthread_t os_thread;
    char name[GREEN_OS_THREAD_NAME_SIZE]; /* of the hub and its OS thread */
    green_latch started;                  /* the hub was made, or could not be made */
    green_hub *hub;                       /* counted; NULL if it was not made */
    int error;                            /* why it was not made */
    char *message;                        /* of the error; NULL: no memory */

    green_post kill;
    bool kill_posted; /* atomic */

    /* Used on its OS thread. */
    green_exit_observer exit_observer, loss_observer;
    bool kills;           /* the threads of the hub */
    uint64_t killed;      /* how many it has killed */
    uint64_t last_killed; /* threads with higher ids are younger than the last kill */
} green_pool_hub;

struct green_hub_pool {
    uint32_t handles;    /* atomic */
    uint32_t owners;     /* atomic: the handles together, and each OS thread until its hub has ended */
    uint32_t running;    /* atomic: OS threads that have not ended their hub, and the maker of the pool */
    uint32_t generation; /* see green__is_inherited() */
    char name[GREEN_POOL_NAME_MAX + 1];
    green_hub_options options; /* until the hubs are made */
    green_cpus cpus;           /* of the maker; empty: the hubs are not pinned */
    green_latch stop;          /* the hubs must end */
    green_latch ended;         /* running is 0 */
    bool joins;                /* atomic: a close joins the OS threads */
    green_latch joined;
    size_t next; /* atomic */
    size_t count;
    green_pool_hub hubs[];
};

/* Starts the OS thread of a hub, which makes the hub. 0 or -errno. */
int green__pool_hub_start(green_pool_hub *self);

/* Kills the green threads of the hub, now and until it has ended. Any OS thread. */
void green__pool_hub_kill(green_pool_hub *self);

/* Called when a hub of the pool has ended. The caller owns the pool no longer. */
void green__hub_pool_ended(green_hub_pool *pool);

#endif
