/* Groups: waiting for any or all of several green threads, in the order they
 * finish. Eventlet has none; gevent's wait() and iwait() are its like. */
#ifndef GREEN_GROUP_H
#define GREEN_GROUP_H

#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_group green_group;

/* A new, empty group. It belongs to the OS thread of the first green thread
 * added to it. -ENOMEM. */
GREEN_API GREEN_CHECK int green_group_make(green_group **group);

/* Frees it and gives its handles back. The threads in it go on. Whoever still
 * waits gets -EBADF. */
GREEN_API void green_group_free(green_group *GREEN_NULLABLE group);

/* Adds a thread; the group retains its handle. One that has finished already
 * comes next. Does not block. -ENOMEM. */
GREEN_API GREEN_CHECK int green_group_add(green_group *group, green_thread *thread);

/* Blocks until a thread of the group has finished, removes it from the group
 * and hands it out with its handle, which the caller releases: in the order
 * they finished, each once, to waiters in the order they came.
 * 1: *thread is set. 0: the group is empty, also when somebody else was given
 * the last one meanwhile. -ETIMEDOUT: none has finished within timeout
 * nanoseconds (0 asks without blocking); nothing is lost. -EDEADLK: the caller
 * is the only one in it. */
GREEN_API GREEN_CHECK int green_group_next(green_group *group, green_thread **thread, int64_t timeout);

/* Threads that were added and not handed out; of these, those that have
 * finished. */
GREEN_API size_t green_group_count(const green_group *group);
GREEN_API size_t green_group_finished(const green_group *group);

/* Blocks until one of the threads has finished and returns its index: the first
 * to finish, or the lowest index of those that already have. -EINVAL: there are
 * none. -ETIMEDOUT: none within timeout nanoseconds. */
GREEN_API GREEN_CHECK ssize_t green_wait_any(green_thread *const *threads, size_t count, int64_t timeout);

/* Blocks until all of the threads have finished. 0. -ETIMEDOUT: not all within
 * timeout nanoseconds, which is a limit on the whole. */
GREEN_API GREEN_CHECK int green_wait_all(green_thread *const *threads, size_t count, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
