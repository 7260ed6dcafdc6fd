/* Hubs in a forked child.
 *
 * A child has copies of its parent's hubs, but the kernel's side of each, the ring or the
 * epoll, belongs to the parent. So the child abandons them: it closes their descriptors
 * without touching what is shared, and never runs anything on them again. Their memory
 * stays, because the child's only OS thread may be running on it, and because an old
 * handle must not meet a new hub at the same address. The next blocking call makes a hub,
 * as in any other process. */
#ifndef GREEN_CORE_FORK_H
#define GREEN_CORE_FORK_H

#include "hub_record.h"

/* Makes forked children abandon the hubs, from the first call on. */
void green__fork_watch(void);

/* The number of forks between the first process that called green__fork_watch() and this
 * one. An object that OS threads share records it when it is made: see
 * green__is_inherited(). */
extern uint32_t green__generation;

/* Whether an object was made in this generation's parent, before a fork. Another OS thread
 * may have been changing it at that moment, so the child must not use it. */
static inline bool green__is_inherited(uint32_t generation) {
    return GREEN_UNLIKELY(generation != green__generation);
}

bool green__hub_is_abandoned(const green_hub *hub);

/* Why a handle of this hub cannot be used on this OS thread, for the message of an
 * -EXDEV. The hub may have been freed. */
const char *green__foreign_hub_reason(const green_hub *hub);

/* Returns 0 if the thread belongs to this OS thread, otherwise -EXDEV with a message that
 * begins with `call`. */
int green__thread_check_hub(const green_thread *thread, const char *call);

/* The green stack that the context of this OS thread runs on because it forked there, or
 * NULL. */
const green_stack *green__inherited_stack(void);

/* Ends a forked child: the function of the green thread that forked has returned. */
_Noreturn void green__forked_child_exit(const green_thread *thread, int result);

#endif
