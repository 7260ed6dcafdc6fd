/* Queues of operations, first in, first out. An operation is in at most one. */
#ifndef GREEN_ENGINE_OP_QUEUE_H
#define GREEN_ENGINE_OP_QUEUE_H

#include "engine.h"

typedef struct green_op_queue {
    green_op *first, **last;
} green_op_queue;

static inline void green__op_queue_init(green_op_queue *list) {
    list->first = NULL;
    list->last = &list->first;
}

/* Also sets the operation's state. */
static inline void green__op_queue_append(green_op_queue *list, green_op *op, uint8_t state) {
    op->state = state;
    op->next = NULL;
    *list->last = op;
    list->last = &op->next;
}

/* Removes the first operation and returns it, or NULL if the queue is empty. */
static inline green_op *green__op_queue_take(green_op_queue *list) {
    green_op *op = list->first;
    if (op && !(list->first = op->next))
        list->last = &list->first;
    return op;
}

/* The operation must be in the queue. */
static inline void green__op_queue_remove(green_op_queue *list, green_op *op) {
    green_op **place = &list->first;
    while (*place != op)
        place = &(*place)->next;
    *place = op->next;
    if (!op->next)
        list->last = place;
}

#endif
