/* pthread_create(). */
#include "pthread.h"

/* The attributes that a green thread can have. */
struct attributes {
    size_t stack_size;
    bool is_detached;
};

static struct attributes read_attributes(const pthread_attr_t *attributes) {
    int state = PTHREAD_CREATE_JOINABLE;
    size_t size = 0;
    (void)pthread_attr_getdetachstate(attributes, &state);
    (void)pthread_attr_getstacksize(attributes, &size);
    return (struct attributes){size, state == PTHREAD_CREATE_DETACHED};
}

/* The attributes given by the caller, or the defaults of the process. The default stack size is
 * 8 MiB; only pages that are used take memory. */
static struct attributes attributes_of(const pthread_attr_t *given) {
    pthread_attr_t attributes;
    if (given)
        return read_attributes(given);
    if (pthread_getattr_default_np(&attributes) != 0)
        return (struct attributes){0};
    struct attributes chosen = read_attributes(&attributes);
    pthread_attr_destroy(&attributes);
    return chosen;
}

int green__green_pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                                void *(*function)(void *), void *restrict argument) {
    if (!green__may_park_in_process())
        return green__real.pthread_create(thread, attributes, function, argument);
    struct attributes chosen = attributes_of(attributes);
    return green__pthread_start(thread, function, argument, chosen.stack_size, chosen.is_detached);
}
