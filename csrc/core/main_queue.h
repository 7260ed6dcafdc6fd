/* The main queue of libdispatch, and with it Swift's main actor, while the main OS thread is
 * in Green.
 *
 * libdispatch expects that the main OS thread either calls dispatch_main() or runs a loop
 * that polls an eventfd and then calls the queue. CFRunLoop does the latter, and so does the
 * hub of the main OS thread: an operation of its engine polls the eventfd, and its completion
 * starts a green thread that calls what is in the queue. That thread ends when the queue has
 * returned, so a main queue without work has neither a thread nor a stack. While a call of the
 * queue is parked, nothing else of the queue runs, because the queue is serial.
 *
 * After dispatch_main() libdispatch calls the queue on its own OS threads, and a call from
 * here would end the process. dispatch_main() ends the main OS thread, which stops all of
 * this first.
 *
 * The functions of libdispatch are weak symbols. Without them, without the Swift module, on
 * other OS threads and in a forked child, where libdispatch does not work, nothing here has
 * an effect. */
#ifndef GREEN_CORE_MAIN_QUEUE_H
#define GREEN_CORE_MAIN_QUEUE_H

#include "hub_record.h"

/* Whether a hub of the calling OS thread, which has none, would serve the main queue. */
bool green__main_queue_needs_hub(void);

/* Serves the main queue on a hub that was made, if its OS thread is the main one. */
void green__main_queue_start(green_hub *hub);

/* Stops serving the main queue. The engine completes the poll afterwards. */
void green__main_queue_stop(green_hub *hub);

/* Whether a thread for the queue exists that has not begun. */
bool green__main_queue_has_thread(const green_hub *hub);

/* The operations of the hub's engine that are for the queue, 0 or 1. */
uint64_t green__main_queue_operations(const green_hub *hub);

/* Called if none of the hub's threads can run. Returns how long to wait for code of the main
 * queue, which may wake them, before the next call, or GREEN_FOREVER. 0: there will be none,
 * because the queue is empty, or a call of it is among these threads, and no OS thread may add
 * to it.
 *
 * The waits get longer. After about ten seconds the last one has no limit, so that an idle
 * program stays idle: libdispatch keeps an OS thread once it has started any. */
int64_t green__main_queue_time(const green_hub *hub);

#endif
