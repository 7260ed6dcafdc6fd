/* pthread_create and pthread_exit. */
#include "pthread.h"

/* Of the attributes these two count: a green thread has a stack of its hub's, and
 * is scheduled by it. */
struct wishes {
    size_t stack_size;
    bool is_detached;
};

static struct wishes read_wishes(const pthread_attr_t *attributes) {
    int state = PTHREAD_CREATE_JOINABLE;
    size_t size = 0;
    (void)pthread_attr_getdetachstate(attributes, &state);
    (void)pthread_attr_getstacksize(attributes, &size);
    return (struct wishes){size, state == PTHREAD_CREATE_DETACHED};
}

/* Without any of the caller's they are the process's, by default of 8 MiB, of
 * which only what is touched is paid. */
static struct wishes wishes_of(const pthread_attr_t *given) {
    pthread_attr_t attributes;
    if (given)
        return read_wishes(given);
    if (pthread_getattr_default_np(&attributes) != 0)
        return (struct wishes){0};
    struct wishes wishes = read_wishes(&attributes);
    pthread_attr_destroy(&attributes);
    return wishes;
}

int green__green_pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                                void *(*function)(void *), void *restrict argument) {
    if (!green__may_park_here())
        return green__real.pthread_create(thread, attributes, function, argument);
    struct wishes wishes = wishes_of(attributes);
    return green__pthread_start(thread, function, argument, wishes.stack_size, wishes.is_detached);
}

/* Nothing is unwound: there is nothing above the first function on a green stack
 * that could end an unwinding. */
_Noreturn void green__green_pthread_exit(void *result) {
    green_thread *thread = green__patch_current_thread();
    if (!thread) {
        green__real.pthread_exit(result);
        __builtin_unreachable();
    }
    green_pthread *posix = green__pthread_record(thread);
    if (posix)
        posix->result = result;
    green__pthread_specific_end(thread);
    green__thread_exit(0);
}
