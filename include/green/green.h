/* Green: green threads that make plain blocking code concurrent, on io_uring.
 *
 *     static int session(green_socket *client, void *context) {
 *         char bytes[4096];
 *         ssize_t n;
 *         while ((n = green_read(client, bytes, sizeof bytes)) > 0)
 *             if ((n = green_write(client, bytes, n)) < 0)
 *                 break;
 *         return n < 0 ? (int)n : 0;
 *     }
 *
 *     int main(void) {
 *         green_listener *listener;
 *         int error = green_listen(&listener, "127.0.0.1:6000", NULL);
 *         if (error == 0)
 *             error = green_serve(listener, NULL, session, NULL);
 *         if (error < 0)
 *             fprintf(stderr, "%s\n", green_explain(error));
 *         return error < 0;
 *     }
 *
 * The comment of a function gives its results, the owner of each object, and what
 * may end it early. Five rules hold for all functions:
 *
 *   Results     >= 0, or a negated errno. green_explain() returns a message for the
 *               error: what was tried, on what, why it failed.
 *   Threads     a green thread lives on the OS thread that spawned it, and so
 *               does every handle it makes. On another OS thread,
 *                 release and free take effect soon after, on the hub of the handle,
 *                 close and stop run on that hub, and the caller waits,
 *                 every other call returns -EXDEV and has no effect.
 *               If the hub has ended, close, release and free take effect at once.
 *               Call retain on the OS thread of the handle. Handles that any OS
 *               thread may use, such as channels, say so in their header.
 *   Blocking    a call marked "blocks" lets other green threads run. It may be
 *               called anywhere, including main(): the first such call of an OS
 *               thread makes its hub and turns the caller into a green thread.
 *   Interrupts  a blocking call ends early with -ECANCELED (killed), -ETIME (a
 *               green_timeout), -ETIMEDOUT (its own timeout), -EBADF (the object was
 *               closed) or -EDEADLK (nothing can ever wake a thread; the call of the
 *               OS thread's own context fails). Every blocking call checks for a
 *               pending kill or green_timeout when it begins, whether or not it has
 *               to wait. No result is lost: a call that has its result returns it,
 *               and an interrupt that arrived meanwhile stays pending for the next
 *               blocking call. An interrupt also stays pending when a call is
 *               refused (-EXDEV, -EINVAL, -EBUSY, -EBADF), and during clean-up,
 *               which always completes: every close, release and free, and
 *               green_semaphore_release(). Calls that do not block, such as
 *               green_queue_try_get(), ignore interrupts.
 *   Time        int64_t nanoseconds. A negative timeout (GREEN_FOREVER) means no
 *               limit. With a timeout of 0 a call does not wait: it succeeds if it
 *               can at once, and fails with -ETIMEDOUT otherwise. In a structure of
 *               options 0 selects the default, which the field documents, and a
 *               negative number means no limit. A delay of 0 or less means no delay.
 *               INT64_MAX never expires.
 */
#ifndef GREEN_GREEN_H
#define GREEN_GREEN_H

#include <green/address.h>
#include <green/async_wait.h>
#include <green/backoff.h>
#include <green/base.h>
#include <green/channel.h>
#include <green/condition.h>
#include <green/datagram.h>
#include <green/detached_socket.h>
#include <green/event.h>
#include <green/file.h>
#include <green/group.h>
#include <green/hub.h>
#include <green/hub_pool.h>
#include <green/interval.h>
#include <green/listener.h>
#include <green/local.h>
#include <green/monitor.h>
#include <green/mutex.h>
#include <green/offload.h>
#include <green/patch.h>
#include <green/pile.h>
#include <green/pool.h>
#include <green/process.h>
#include <green/promise.h>
#include <green/queue.h>
#include <green/rate_limiter.h>
#include <green/remote_thread.h>
#include <green/report.h>
#include <green/rwlock.h>
#include <green/select.h>
#include <green/semaphore.h>
#include <green/serve.h>
#include <green/server.h>
#include <green/shield.h>
#include <green/signals.h>
#include <green/socket.h>
#include <green/testing.h>
#include <green/thread.h>
#include <green/timeout.h>
#include <green/tls.h>

#endif
