/* The relay between the ends, which does what a network or an attacker may do. */
#include "fuzz.h"

#include <sys/socket.h>

static void keep_record(struct way *way, size_t count) {
    if (!way->record || way->recorded + count > RECORD_BYTES_MAX)
        return;
    memcpy(way->record + way->recorded, way->queue + way->count, count);
    way->recorded += count;
}

bool way_pull(struct way *way) {
    enum { HELD_MAX = 8192 }; /* or no sender would ever wait */
    bool moved = false;
    size_t room = way->held ? HELD_MAX : QUEUE_MAX;
    while (!way->ended && *way->from >= 0 && way->count < room) {
        ssize_t count = recv(*way->from, way->queue + way->count, room - way->count, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN)
            break;
        moved = true;
        if (count <= 0) {
            way->ended = true;
            break;
        }
        keep_record(way, (size_t)count);
        way->count += way->sunk ? 0 : (size_t)count;
    }
    return moved;
}

static void pass_end_on(struct way *way) {
    if (way->ended && way->count == 0 && !way->finished) {
        way->finished = true;
        if (*way->to >= 0)
            shutdown(*way->to, SHUT_WR);
    }
}

bool way_pass(struct way *way) {
    size_t size = way->piece > 0 && way->piece < way->count ? way->piece : way->count;
    if (way->held || way->finished)
        return false;
    ssize_t count = 0;
    if (size > 0) {
        count = *way->to < 0 ? (ssize_t)size : send(*way->to, way->queue, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0)
            count = errno == EAGAIN ? 0 : (ssize_t)way->count; /* the receiver is gone */
        way->count -= (size_t)count;
        memmove(way->queue, way->queue + count, way->count);
    }
    pass_end_on(way);
    return count > 0;
}

static void insert(struct way *way, size_t at, size_t size, struct input *input) {
    if (way->count + size > QUEUE_MAX)
        return;
    memmove(way->queue + at + size, way->queue + at, way->count - at);
    for (size_t i = 0; i < size; i++)
        way->queue[at + i] = take(input);
    way->count += size;
}

static void repeat(struct way *way, size_t at, size_t size) {
    if (way->count + size > QUEUE_MAX)
        return;
    memmove(way->queue + at + size, way->queue + at, way->count - at);
    way->count += size;
}

/* Swaps two adjacent parts, which are often whole records. */
static void swap(struct way *way, size_t at, size_t size) {
    size_t half = size / 2;
    for (size_t i = 0; i < half; i++) {
        uint8_t byte = way->queue[at + i];
        way->queue[at + i] = way->queue[at + half + i];
        way->queue[at + half + i] = byte;
    }
}

/* Finds the record at a place: its beginning and its size. */
static void find_record(const struct way *way, size_t *at, size_t *size) {
    size_t begin = 0, next = 0;
    while (next <= *at && next + 5 <= way->count) {
        begin = next;
        next += 5 + ((size_t)way->queue[next + 3] << 8 | way->queue[next + 4]);
    }
    *at = begin;
    *size = (next < way->count ? next : way->count) - begin;
}

bool way_damage(struct way *way, enum damage damage, uint8_t place, uint8_t amount, struct input *input) {
    if (way->count == 0)
        return false;
    /* Small places are bytes of the first record, large ones are spread over the queue. */
    size_t at = (place < 128 ? place : way->count * (place - 128u) / 128) % way->count;
    size_t size = amount;
    if (amount >= 192 && damage != INSERT)
        find_record(way, &at, &size);
    if (damage != INSERT && size > way->count - at)
        size = way->count - at;
    switch (damage) {
    case FLIP:
        way->queue[at] ^= (uint8_t)(1u << amount % 8);
        return true;
    case DROP:
        way->count -= size;
        memmove(way->queue + at, way->queue + at + size, way->count - at);
        return true;
    case REPEAT:
        repeat(way, at, size);
        return true;
    case INSERT:
        insert(way, at, size % 64, input);
        return true;
    default:
        swap(way, at, size);
        return true;
    }
}
