/* Selects the engine of a hub. */
#include "engine.h"

#include "../base/error.h"
#include "../base/message.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The first is the best. */
static const green_engine_class *const classes[] = {&green__uring, &green__epoll};
enum { CLASS_COUNT = sizeof classes / sizeof *classes };

static const green_engine_class *named(const char *name) {
    for (size_t i = 0; i < CLASS_COUNT; i++)
        if (strcmp(classes[i]->name, name) == 0)
            return classes[i];
    green__fail(-EINVAL, "unknown engine '%s': expected 'uring' or 'epoll'", name);
    return NULL;
}

/* Without a free descriptor, the other engine cannot be opened either. */
static bool may_fall_back(int error) {
    return error != -EMFILE && error != -ENFILE;
}

/* Once in a process, because the reason is the same for every hub. */
static void log_fallback(const char *reason) {
    static atomic_flag logged = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&logged))
        green__debug("using the epoll engine: %s", reason);
}

static int fall_back(green_engine **engine, const green_engine_options *options, int error, char **fallback) {
    *fallback = strdup(green_explain(error));
    if (!*fallback)
        return green__fail(-ENOMEM, "cannot make a hub");
    error = classes[1]->open(engine, options);
    if (error == 0)
        log_fallback(*fallback);
    return error;
}

/* If epoll can be opened, the call has not failed, so the message of an earlier failure
 * stays. */
static int open_best(green_engine **engine, const green_engine_options *options, char **fallback) {
    green_message_copy before;
    green__message_save(&before);
    int error = classes[0]->open(engine, options);
    if (error == 0 || !may_fall_back(error))
        return error;
    error = fall_back(engine, options, error, fallback);
    if (error == 0)
        green__message_restore(&before);
    return error;
}

int green__engine_open(green_engine **engine, const char *name, const green_engine_options *options, char **fallback) {
    *fallback = NULL;
    const char *environment = getenv("GREEN_ENGINE");
    if (!name && environment && *environment)
        name = environment;
    if (!name)
        return open_best(engine, options, fallback);
    const green_engine_class *class = named(name);
    return class ? class->open(engine, options) : -EINVAL;
}
