/* The public calls of shields: see core/interrupt.h. */
#include "../core/hub.h"
#include "../core/interrupt.h"

#include <green/shield.h>

typedef struct limited_shield {
    green_shielded shielded;
    green_timeout *limit; /* NULL: none */
} limited_shield;

_Static_assert(sizeof(limited_shield) <= sizeof(green_shield), "green_shield has memory for a shield");

static limited_shield *shield_of(green_shield *shield) {
    return (limited_shield *)(void *)shield;
}

int green_shield_begin(green_shield *memory, int64_t limit) {
    limited_shield *shield = shield_of(memory);
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    green__shield_begin(hub->current, &shield->shielded);
    shield->limit = NULL;
    if (limit >= 0 && (error = green_timeout_start_scope(&shield->limit, limit)) < 0)
        green__shield_end(hub->current, &shield->shielded);
    return error;
}

void green_shield_end(green_shield *memory) {
    limited_shield *shield = shield_of(memory);
    green_timeout_free(shield->limit);
    green__shield_end(green__hub->current, &shield->shielded);
}
