#include <green/task_wait.h>

#include "../base/os_thread.h"
#include "../core/hub.h"
#include "latch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct green_task_wait {
    green_latch ended;
    char name[GREEN_NAME_MAX + 1];
};

static int begin(int64_t timeout) {
    if (timeout != 0)
        return green__shared_begin(timeout);
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    return error < 0 ? error : green__fail_timed_out(0, "no Task was started, because its timeout is zero");
}

int green_task_wait_begin(green_task_wait **made, const char *name, int64_t timeout) {
    int error = begin(timeout);
    if (error < 0)
        return error;
    green_task_wait *wait = malloc(sizeof *wait);
    if (!wait)
        return green__fail(-ENOMEM, "cannot wait for a Task");
    green__latch_init(&wait->ended);
    strncpy(wait->name, name, GREEN_NAME_MAX);
    wait->name[GREEN_NAME_MAX] = '\0';
    *made = wait;
    return 0;
}

void green_task_wait_free(green_task_wait *wait) {
    free(wait);
}

void green_task_wait_end(green_task_wait *wait) {
    green__latch_open(&wait->ended);
}

enum { LABEL_MAX = GREEN_NAME_MAX + 16 };

static const char *label_of(const green_task_wait *wait, char *text) {
    snprintf(text, LABEL_MAX, *wait->name ? "the Task '%s'" : "a Task", wait->name);
    return text;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    char label[LABEL_MAX];
    const green_latch *ended = green__latch_of(wait);
    snprintf(text, size, "waiting for %s", label_of(GREEN_CONTAINER(ended, green_task_wait, ended), label));
}

/* Cancelling -------------------------------------------------------------------- */

void green_task_call_without_blocking(void (*function)(void *), void *argument) {
    green_hub *hub = green__hub;
    if (!hub) {
        function(argument);
        return;
    }
    green_thread *self = hub->current;
    uint8_t before = self->must_not_block;
    self->must_not_block = GREEN_IN_CANCELLATION;
    function(argument);
    self->must_not_block = before;
}

/* The caller's own Task ---------------------------------------------------------- */

typedef struct cancellation {
    void (*cancel)(void *argument);
    void *argument;
} cancellation;

#if __has_attribute(swiftcall) && defined(__clang__)

/* The functions of the Swift runtime that withTaskCancellationHandler() calls. That one is
 * async, so a thread that waits cannot use it. */
#define SWIFT_CALL __attribute__((swiftcall))
extern void *swift_task_getCurrent(void) __attribute__((weak));
extern SWIFT_CALL void *
swift_task_addCancellationHandler(SWIFT_CALL void (*handler)(__attribute__((swift_context)) void *context),
                                  void *context) __attribute__((weak));
extern SWIFT_CALL void swift_task_removeCancellationHandler(void *record) __attribute__((weak));

static SWIFT_CALL void handle_cancellation(__attribute__((swift_context)) void *context) {
    cancellation *watched = context;
    green_task_call_without_blocking(watched->cancel, watched->argument);
}

static void *watch_cancellation(cancellation *watched) {
    if (!swift_task_getCurrent || !swift_task_addCancellationHandler || !swift_task_getCurrent())
        return NULL;
    return swift_task_addCancellationHandler(handle_cancellation, watched);
}

static void unwatch_cancellation(void *record) {
    if (record)
        swift_task_removeCancellationHandler(record);
}

#else /* a compiler without Swift */

static void *watch_cancellation(cancellation *watched) {
    (void)watched;
    return NULL;
}

static void unwatch_cancellation(void *record) {
    (void)record;
}

#endif

/* The wait ----------------------------------------------------------------------- */

int green_task_wait_for(green_task_wait *wait, int64_t timeout, void (*cancel)(void *), void *argument) {
    char label[LABEL_MAX];
    cancellation watched = {cancel, argument};
    if (green__latch_is_open(&wait->ended))
        return 0;
    int error = green__shared_begin(timeout);
    if (error < 0)
        return error;
    void *record = watch_cancellation(&watched);
    error = green__latch_wait(&wait->ended, describe, timeout);
    unwatch_cancellation(record);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "%s has not ended", label_of(wait, label));
    return error;
}

void green_task_wait_without_interrupt(green_task_wait *wait) {
    if (!green__latch_is_open(&wait->ended))
        green__latch_await(&wait->ended, describe);
}

bool green_task_may_begin_here(void) {
    green_hub *hub = green__hub;
    return hub && !hub->in_event_loop && green__task_state_is_known();
}

green_hub *green_task_hub(void) {
    return green__hub;
}

green_hub *green_task_running_hub(void) {
    return green__hub_running();
}

typedef struct outside_call {
    void (*function)(void *argument);
    void *argument;
} outside_call;

static void *call(void *argument) {
    const outside_call *called = argument;
    called->function(called->argument);
    return NULL;
}

int green_task_call_elsewhere(void (*function)(void *argument), void *argument) {
    pthread_t thread;
    outside_call called = {function, argument};
    int error = green__os_thread_start(&thread, 0, call, &called);
    if (error < 0)
        return green__fail(error, "cannot start an OS thread");
    green__pthread.join(thread, NULL);
    return 0;
}
