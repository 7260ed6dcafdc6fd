/* The engine of an abandoned hub in a forked child. It performs no operation. */
#include "engine.h"

#include "../base/error.h"
#include "../base/own_fd.h"

#include <stdlib.h>
#include <unistd.h>

_Noreturn static void refuse(void) {
    green__report("a forked child continued in its parent's hub: in a link, a destructor or another callback, fork "
                  "only to call exec or _exit");
    abort();
}

static void submit(green_engine *engine, green_op *op) {
    (void)engine, (void)op;
    refuse();
}

static void poll_once(green_engine *engine, int64_t timeout) {
    (void)engine, (void)timeout;
    refuse();
}

/* A child may free its parent's handles, which leads to these calls. */

static void cancel(green_engine *engine, green_op *op) {
    (void)engine, (void)op;
}

static void release_buffer(green_engine *engine, const green_provided_buffer *buffer) {
    (void)engine, (void)buffer;
}

static void forget(green_engine *engine, int fd, bool stays_open) {
    (void)engine, (void)fd, (void)stays_open;
}

static const green_engine_class null_engine = {
    .name = "none",
    .submit = submit,
    .cancel = cancel,
    .poll = poll_once,
    .release_buffer = release_buffer,
    .forget = forget,
};

void green__engine_abandon(green_engine *engine) {
    if (engine->class->abandon)
        engine->class->abandon(engine);
    green__own_fd_close(engine->wake_fd);
    engine->class = &null_engine;
}
