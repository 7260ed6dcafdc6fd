/* Operations in the order they came. */
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

static inline void green__op_queue_append(green_op_queue *list, green_op *op, uint8_t state) {
    op->state = state;
    op->next = NULL;
    *list->last = op;
    list->last = &op->next;
}

static inline green_op *green__op_queue_take(green_op_queue *list) {
    green_op *op = list->first;
    if (op && !(list->first = op->next))
        list->last = &list->first;
    return op;
}

static inline void green__op_queue_remove(green_op_queue *list, green_op *op) {
    green_op **place = &list->first;
    while (*place != op)
        place = &(*place)->next;
    *place = op->next;
    if (!op->next)
        list->last = place;
}

#endif
