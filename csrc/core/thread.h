/* The life cycle of a green thread: spawn, run, exit, wait, release. */
#ifndef GREEN_CORE_THREAD_H
#define GREEN_CORE_THREAD_H

#include "../base/report.h"
#include "thread_record.h"

/* Ends the current thread, which must not be the context of an OS thread. Does not unwind:
 * the frames of its functions are left as they are. */
_Noreturn void green__thread_exit(int result);

/* The first function on the stack of a thread, which is the argument. Does not return. */
void green__thread_main(void *thread);

/* Returns 0 if a thread may have a stack of this size, or -EINVAL. 0 is the default. */
int green__stack_size_check(size_t stack_size);

/* Kills a thread that is not done and has no kill posted. It may be the hub's current one
 * if the caller is the event loop, which runs on the stack of a thread that parks. */
void green__thread_kill(green_thread *thread, green_interrupt_reason reason);

/* Kills a thread of this hub, unless it is done, has a kill posted or is the current one. */
void green__thread_kill_unless_current(green_thread *thread);

/* Kills a thread of this hub so that all of its blocking calls fail until it ends, except those
 * in a shield. */
void green__thread_kill_for_good(green_thread *thread);

/* Fills in the thread and the hub of a report. */
void green__report_set_thread(green_report *report, const green_thread *thread);

/* Reports an error that no thread waited for, with the message in the slot. The report names
 * the thread. */
void green__report_unobserved(green_report report, const char *label, green_message **message, int result);

/* Runs function(argument) in a green thread of Green's own, for code of the program that the
 * event loop has to call: the thread that runs the event loop may have too little stack
 * left, and the code may ask for the current thread. The function must not block. If there
 * is no memory for a thread, it is called at once. */
void green__run_in_own_thread(struct green_hub *hub, const char *name, green_function *function, void *argument);

/* Starts function(argument) in a green thread of Green's own, which may block and has no
 * task-locals. 0, or -ENOMEM without a message. */
int green__spawn_own(struct green_hub *hub, green_function *function, void *argument);

/* The same for a thread that runs before those that are ready. Not for the event loop. */
int green__spawn_own_next(struct green_hub *hub, green_function *function, void *argument);

/* Calls the functions of green__run_in_own_thread() that have not begun, because the OS thread of the hub
 * ends. */
void green__own_threads_call(struct green_hub *hub);

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
