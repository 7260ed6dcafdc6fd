/* An engine whose wait in the kernel hands the turn on. It makes each operation as a
 * non-blocking call. */
#ifndef GREEN_SIMULATION_TURN_ENGINE_H
#define GREEN_SIMULATION_TURN_ENGINE_H

#include "../../../csrc/engine/engine.h"

struct turn_engine {
    green_engine base;
    uint64_t wakes, seen_wakes; /* calls of green__engine_wake(), and those that ended a wait */
    bool waits;                 /* in the kernel */
    green_op *first, **last;    /* submitted */
    uint32_t free_buffers;      /* a bit for each provided buffer */
    char *buffers;
};

/* Makes the engine. Its class is the only one of the simulation. */
green_engine *turn_engine_open(void);

struct turn_engine *turn_engine_of(green_engine *engine);

/* Whether a wait would end at once. */
bool turn_engine_has_event(void *engine);

#endif
