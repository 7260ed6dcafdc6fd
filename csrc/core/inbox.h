/* The inbox of a hub: the only way by which other OS threads reach it.
 *
 * Any OS thread adds a post. The hub runs posts in its event loop, in the order in which
 * each sender added them, a bounded number in each iteration. One word holds the newest
 * post, or the state of an empty inbox:
 *
 *              push                     push: the sender wakes the hub
 *   EMPTY  ------------>  newest post  <------------  SLEEPING
 *     ^                        |                         ^
 *     |      take: all posts   |                         |
 *     +------------------------+                         |
 *     +--------------------------------------------------+
 *                 the hub begins or ends a wait
 *
 * So a hub that runs is never woken, and a hub that waits is woken once. In the states
 * CLOSED (the hub has ended) and ABANDONED (a forked child has a copy of it), a push fails. */
#ifndef GREEN_CORE_INBOX_H
#define GREEN_CORE_INBOX_H

#include <green/hub.h>

#include <stddef.h>

enum { GREEN_INBOX_LINE = 64 };

/* Part of a hub. All zero: empty. */
typedef struct green_inbox {
    /* Atomic. On a cache line of its own, because other OS threads write to it. */
    green_post *newest __attribute__((aligned(GREEN_INBOX_LINE)));

    /* Used by the hub alone. Posts that were taken are put into order in bounded steps. */
    green_post *unordered __attribute__((aligned(GREEN_INBOX_LINE))); /* newest first */
    green_post *ordered;                                              /* oldest first */
    uint64_t posts;                                                   /* a counter: posts that were run */
    uint64_t wakes; /* waits that a sender has ended, or will end by one green__engine_wake() */
} green_inbox;

/* Adds a post and wakes the hub if it waits. 0, or the error of green_hub_post().
 *
 * The hub must not be freed during the call: the caller has a reference, or a thread of
 * the hub waits until the post has run. */
int green__inbox_post(green_hub *hub, green_post *post);

/* The same without an error message. A signal handler may call it. */
int green__inbox_try_post(green_hub *hub, green_post *post);

/* The deliver() of a post of the program: runs it in a green thread, see post.c. */
void green__post_deliver(green_post *post, int error);

/* Passes -ESRCH to the posts of the program that have arrived and were not run, because the OS
 * thread of the hub ends. */
void green__posts_refuse(green_hub *hub);

/* Whether a call of green__inbox_run() would run posts. Only a hint about posts that are
 * being added. */
static inline bool green__inbox_has_posts(const green_inbox *inbox) {
    return __atomic_load_n(&inbox->newest, __ATOMIC_RELAXED) || inbox->ordered || inbox->unordered;
}

/* Whether the hub has ended. For the hub's own OS thread. */
bool green__inbox_is_closed(const green_inbox *inbox);

/* Runs posts. */
void green__inbox_run(green_inbox *inbox);

/* Called before the hub waits in the kernel. Returns false if it must not wait, because
 * there are posts. */
bool green__inbox_sleep(green_inbox *inbox);

/* Called after the wait. */
void green__inbox_awake(green_inbox *inbox);

/* Closes an empty inbox: every later push fails with -ESRCH. Returns false if there are
 * posts. */
bool green__inbox_close(green_inbox *inbox);

/* Closes the inbox, and passes -ESRCH to the posts that were not run. */
void green__inbox_close_with_posts(green_inbox *inbox);

/* In a forked child: every later push fails with -EXDEV. Posts of the parent are dropped
 * without a call. */
void green__inbox_abandon(green_inbox *inbox);

#endif
