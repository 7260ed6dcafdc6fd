/* Waits for the Tasks of Swift's concurrency, for the Swift module of Green. C programs do
 * not need it. */
#ifndef GREEN_TASK_WAIT_H
#define GREEN_TASK_WAIT_H

#include <green/hub.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* The wait of one thread for one Task. */
typedef struct green_task_wait green_task_wait;

/* Begins a blocking call. If it succeeds, the caller starts the Task and waits for it. The
 * name is that of the Task, or "". On an OS thread without a hub, makes none. Frees nothing
 * by itself: the caller owns *wait.
 *
 * Returns 0, or:
 *   -ETIMEDOUT    timeout is 0
 *   -EWOULDBLOCK  called in a link or a destructor
 *   -ENOMEM
 *   -ECANCELED, -ETIME
 *                 the calling green thread was interrupted */
GREEN_API GREEN_CHECK int green_task_wait_begin(green_task_wait **wait, const char *name, int64_t timeout);

/* Frees a wait after its Task has ended. NULL does nothing. */
GREEN_API void green_task_wait_free(green_task_wait *GREEN_NULLABLE wait);

/* The Task has ended. Call it once, on any OS thread. What the caller has written before is
 * visible to the thread that waits. */
GREEN_API void green_task_wait_end(green_task_wait *wait);

/* Blocks until the Task has ended, or timeout nanoseconds have passed. A thread that waits for
 * a Task never counts as a deadlock.
 *
 * If the caller itself runs in a Task that is cancelled, meanwhile or before, calls
 * cancel(argument), on any OS thread, and continues to wait.
 *
 * Returns 0, or -ETIMEDOUT, -ENOMEM, or -ECANCELED or -ETIME after an interrupt. */
GREEN_API GREEN_CHECK int green_task_wait_for(green_task_wait *wait, int64_t timeout,
                                              void (*cancel)(void *GREEN_NULLABLE argument),
                                              void *GREEN_NULLABLE argument);

/* Does the same without a limit. Interrupts do not end it, and stay pending. */
GREEN_API void green_task_wait_without_interrupt(green_task_wait *wait);

/* Whether a Task may begin on the stack of the caller: it is a thread of a hub, and a switch
 * saves the state of Tasks. */
GREEN_API bool green_task_may_begin_here(void);

/* The hub of the calling OS thread. The caller does not own it. NULL: there is none. Makes
 * none, unlike green_hub_current(). */
GREEN_API green_hub *GREEN_NULLABLE green_task_hub(void);

/* The hub on which the caller is a green thread, not the context of the OS thread. Such a hub
 * runs other threads soon. The caller does not own it. NULL: there is none. */
GREEN_API green_hub *GREEN_NULLABLE green_task_running_hub(void);

/* Calls a function that cancels a Task. Swift calls the cancellation handlers of the Task while
 * it holds a lock of it, so a blocking call of the function fails with -EWOULDBLOCK. */
GREEN_API void green_task_call_without_blocking(void (*function)(void *GREEN_NULLABLE argument),
                                                void *GREEN_NULLABLE argument);

/* Calls function(argument) on a new OS thread, and blocks the calling OS thread, also one that
 * has green threads, until it returns. Where pthread_create() and pthread_join() are patched,
 * they do neither. Returns 0, or -EAGAIN. */
GREEN_API GREEN_CHECK int green_task_call_elsewhere(void (*function)(void *GREEN_NULLABLE argument),
                                                    void *GREEN_NULLABLE argument);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
