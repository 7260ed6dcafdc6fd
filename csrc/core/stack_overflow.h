/* Detects the overflow of a green stack.
 *
 * A write to the guard raises SIGSEGV, or SIGBUS if the guard is userfaultfd's. The
 * handler needs a stack of its own, which sigaltstack(2) sets for each OS thread, so every
 * hub does that. The handler names the thread and restores the former handler. The fault
 * repeats, and normally ends the process.
 *
 * A hub whose stacks share guards also checks the stack pointer before each switch and in
 * each iteration of the event loop. */
#ifndef GREEN_CORE_STACK_OVERFLOW_H
#define GREEN_CORE_STACK_OVERFLOW_H

#include "hub_record.h"

#include <signal.h>

/* Installs the handlers once in a process, and a signal stack for this OS thread.
 * -ENOMEM. */
int green__stack_overflow_watch(green_hub *hub);

/* Removes the signal stack. */
void green__stack_overflow_unwatch(green_hub *hub);

/* Ends the process with the handler's message if the caller, a green thread, has left its
 * stack. */
void green__stack_overflow_check(const green_thread *thread);

/* Replaces the action of a signal by the former one, if it is Green's handler. */
void green__stack_overflow_hide_action(int number, struct sigaction *action);

#endif
