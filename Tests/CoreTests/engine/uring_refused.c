/* A kernel that refuses io_uring: the error says so, and what the cause may be. */
#include "helpers.h"

#include "seccomp.h"

static int refusal;

static void open_refused(void) {
    green_hub_options options = {.engine = "uring"};
    green_statistics now;
    size_t descriptors = open_descriptors();
    refuse_uring(refusal);
    for (int i = 0; i < 3; i++) { /* it is refused each time anew, and nothing is left */
        CHECK(green_hub_open(&options), ==, -refusal);
        dprintf(STDERR_FILENO, "%s\n", green_explain(-refusal));
        CHECK(green_hub_statistics(&now), ==, -ENOENT);
        CHECK(open_descriptors(), ==, descriptors);
    }
}

TEST(seccomp, "a ring that seccomp refuses is -EPERM, and the message tells the likely cause") {
    needs_kernel();
    struct child child;
    refusal = EPERM;
    run_child(&child, open_refused);
    CHECK(child.status, ==, 0);
    CHECK_CONTAINS(child.output, "seccomp");
    CHECK_CONTAINS(child.output, "io_uring");
}

TEST(missing, "a kernel without io_uring is -ENOSYS, and the message says so") {
    needs_kernel();
    struct child child;
    refusal = ENOSYS;
    run_child(&child, open_refused);
    CHECK(child.status, ==, 0);
    CHECK_CONTAINS(child.output, "io_uring");
}

TEST(memory, "a ring that the memlock limit refuses is -ENOMEM, and the message tells the likely cause") {
    needs_kernel();
    struct child child;
    refusal = ENOMEM;
    run_child(&child, open_refused);
    CHECK(child.status, ==, 0);
    CHECK_CONTAINS(child.output, "memlock");
}

static int answer(void *argument) {
    return *(int *)argument;
}

static void use_refused(void) {
    CHECK(setenv("GREEN_ENGINE", "uring", 1), ==, 0);
    refuse_uring(EPERM);
    int value = 0, ends[2];
    green_thread *thread = NULL;
    green_socket *socket = NULL;
    green_listener *listener = NULL;
    CHECK(green_hub_engine() == NULL);
    CHECK(green_current() == NULL);
    CHECK(green_yield(), ==, -EPERM);
    CHECK(green_sleep(1), ==, -EPERM);
    CHECK(green_spawn(&thread, answer, &value), ==, -EPERM);
    CHECK(green_detach(answer, &value), ==, -EPERM);
    CHECK(green_connect(&socket, "127.0.0.1:1", NULL), ==, -EPERM);
    CHECK(green_listen(&listener, "127.0.0.1:0", NULL), ==, -EPERM);
    CHECK(pipe(ends), ==, 0);
    CHECK(green_wait_fd(ends[0], 1, 0), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "seccomp");
    CHECK(thread == NULL && socket == NULL && listener == NULL);
}

TEST(every_first_call, "where no hub can be made, every first call says why, and nothing crashes") {
    needs_kernel();
    struct child child;
    run_child(&child, use_refused);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}
