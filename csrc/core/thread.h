/* The life cycle of a green thread: spawn, run, exit, wait, release. */
#ifndef GREEN_CORE_THREAD_H
#define GREEN_CORE_THREAD_H

#include "thread_record.h"

/* Ends the current thread, which must not be the context of an OS thread. Does not unwind:
 * the frames of its functions are left as they are. */
_Noreturn void green__thread_exit(int result);

/* Returns a handle of a finished thread without a stack, for a caller that calls the
 * function itself, inline. The caller owns it. NULL if there is no memory. */
green_thread *green__thread_finished_inline(struct green_hub *hub);

/* Records that `by` waited for a finished thread. Returns the result, and copies its
 * message to `by`. */
static inline int green__thread_take_result(green_thread *thread, green_thread *by) {
    thread->observed = true;
    if (GREEN_UNLIKELY(thread->message != NULL))
        green__message_forward(&thread->message, thread->result, green__message_slot_of(by));
    return thread->result;
}

#endif
