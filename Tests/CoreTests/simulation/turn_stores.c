/* Store buffers: see turns.h. */
#include "turn_stores.h"

#include "dice.h"
#include "harness.h"
#include "turns.h"

enum { STORES_MAX = 8 };

static struct buffer {
    struct {
        void *address;
        uint64_t value;
        uint32_t size;
    } stores[STORES_MAX];
    uint32_t count;
} buffers[TURNS_MAX];

static void drain_first(struct buffer *buffer) {
    memcpy(buffer->stores[0].address, &buffer->stores[0].value, buffer->stores[0].size);
    buffer->count--;
    memmove(&buffer->stores[0], &buffer->stores[1], buffer->count * sizeof buffer->stores[0]);
}

void turn_buffer_store(void *address, const void *value, uint32_t size) {
    if (turn_self() < 0) {
        memcpy(address, value, size);
        return;
    }
    struct buffer *buffer = &buffers[turn_self()];
    if (buffer->count == STORES_MAX)
        drain_first(buffer);
    buffer->stores[buffer->count].address = address;
    buffer->stores[buffer->count].size = size;
    memcpy(&buffer->stores[buffer->count].value, value, size);
    buffer->count++;
}

void turn_forward_store(const void *address, void *value, uint32_t size) {
    if (turn_self() < 0)
        return;
    const struct buffer *buffer = &buffers[turn_self()];
    for (uint32_t i = 0; i < buffer->count; i++)
        if (buffer->stores[i].address == address)
            memcpy(value, &buffer->stores[i].value, size);
}

void turn_drain_own_stores(int turn) {
    while (buffers[turn].count > 0)
        drain_first(&buffers[turn]);
}

void turn_drain_own(void) {
    if (turn_self() >= 0)
        turn_drain_own_stores(turn_self());
}

void turn_drain_some_store(void) {
    struct buffer *buffer = &buffers[below(TURNS_MAX)];
    if (buffer->count > 0)
        drain_first(buffer);
}

void turn_drain_stores(void) {
    for (int turn = 0; turn < TURNS_MAX; turn++)
        turn_drain_own_stores(turn);
}
