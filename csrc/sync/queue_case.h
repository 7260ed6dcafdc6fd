/* Gets from queues as cases of a select, which looks at them without a call. */
#ifndef GREEN_SYNC_QUEUE_CASE_H
#define GREEN_SYNC_QUEUE_CASE_H

#include "../core/select.h"

/* The beginning of a queue. */
typedef struct green_queue_state {
    green_hub *hub;
    size_t count; /* stored elements */
    size_t limit; /* waiting puts are served while count is below it; 0 when closed */
} green_queue_state;

extern const green_case_kind green__get_case;

/* Whether a get from a queue of this hub may succeed or fail at once. A put waits only while count
 * is at least limit. */
static inline bool green__queue_may_give(const green_queue_state *queue) {
    return GREEN_UNLIKELY(queue->count != 0) || GREEN_UNLIKELY(queue->limit == 0);
}

/* Serves the get with this index if it is ready, or does the rest of the select: both by a jump, for
 * speed. */
ssize_t green__select_get(green_case *cases, size_t count, int64_t timeout, size_t index);

/* The rest of a select that has checked for an interrupt. */
ssize_t green__select_any(green_case *cases, size_t count, int64_t timeout);

#endif
