/* Calls of other rooms on the hub of an object: green__hub_call(). */
#include "../../../csrc/hubs/remote_thread.h"
#include "helpers.h"
#include "other_hub.h"

static struct other_hub other;

static int check_hub(void *hub) {
    return green_hub_current() == hub ? 21 : -EINVAL;
}

static int call(void *hub) {
    return green__hub_call(hub, check_hub, hub);
}

TEST(any_os_thread, "the function runs on the hub, for callers on another hub, without one, and on the same hub") {
    struct os_thread os_thread;
    other_hub_start(&other);
    CHECK(call(other.hub), ==, 21);
    CHECK(finish(start(call, other.hub)), ==, 21);
    CHECK(call(green_hub_current()), ==, 21);
    os_thread_start(&os_thread, call, other.hub);
    CHECK(os_thread_finish(&os_thread), ==, 21);
    other_hub_close(&other);
    CHECK(call(other.hub), ==, -ESRCH);
    CHECK_CONTAINS(green_explain(-ESRCH), "hub");
    other_hub_release(&other);
}

static int fail_with_message(void *text) {
    green_address address;
    return green_address_parse(&address, text);
}

TEST(message, "the message of an error becomes the caller's, and the error is not reported") {
    other_hub_start(&other);
    capture_begin();
    CHECK(green__hub_call(other.hub, fail_with_message, "nonsense"), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "nonsense");
    other_hub_close(&other);
    CHECK_TEXT(capture_end(), "");
    other_hub_release(&other);
}

static int call_then_block(void *argument) {
    (void)argument;
    CHECK(call(other.hub), ==, 21);
    return green_yield();
}

TEST(interrupt, "a kill does not end the call, and stays pending") {
    struct busy busy;
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    green_thread *caller = start(call_then_block, NULL);
    let_run();
    CHECK(green_thread_kill(caller), ==, 0);
    let_run();
    CHECK(green_thread_is_finished(caller), ==, false);
    busy_end(&busy);
    CHECK(finish(caller), ==, -ECANCELED);
    other_hub_close(&other);
    other_hub_release(&other);
}

static void call_in_link(green_thread *thread, void *unused) {
    (void)thread, (void)unused;
    CHECK(call(other.hub), ==, -EWOULDBLOCK);
}

TEST(in_link, "a call in a link is -EWOULDBLOCK") {
    int value = 0;
    other_hub_start(&other);
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, call_in_link, NULL), ==, 0);
    CHECK(finish(thread), ==, 0);
    other_hub_close(&other);
    other_hub_release(&other);
}

static int naps; /* atomic */

static int nap_on_hub(void *unused) {
    __atomic_fetch_add(&naps, 1, __ATOMIC_RELEASE);
    return nap(unused);
}

static int call_nap(void *hub) {
    int error = green__hub_call(hub, nap_on_hub, NULL);
    CHECK_CONTAINS(green_explain(error), "before the OS thread of its hub ended");
    return error;
}

/* The memory and the descriptors of a hub that was lost stay. */
static void lose_during_calls(void) {
    struct os_thread os_thread;
    other_hub_start(&other);
    os_thread_start(&os_thread, call_nap, other.hub);
    green_thread *caller = start(call_nap, other.hub);
    UNTIL(__atomic_load_n(&naps, __ATOMIC_ACQUIRE) == 2);
    other_hub_lose(&other);
    CHECK(finish(caller), ==, -ESRCH);
    CHECK(os_thread_finish(&os_thread), ==, -ESRCH);
    CHECK(call(other.hub), ==, -ESRCH);
    other_hub_release(&other);
}

TEST(lost, "calls on a hub whose OS thread ends are -ESRCH") {
    static struct child child;
    run_child(&child, lose_during_calls);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub was in use");
    CHECK(child.status, ==, 0);
}
