/* The kernel refuses io_uring, and the error names the likely cause. */
#include "helpers.h"

#include "seccomp.h"

static int refusal;

static void open_refused(void) {
    green_hub_options options = {.engine = "uring"};
    green_statistics now;
    size_t descriptors = open_descriptors();
    refuse_uring(refusal);
    for (int i = 0; i < 3; i++) { /* each attempt is refused anew and leaves nothing behind */
        CHECK(green_hub_open(&options), ==, -refusal);
        dprintf(STDERR_FILENO, "%s\n", green_explain(-refusal));
        CHECK(green_hub_statistics(&now), ==, -ENOENT);
        CHECK(open_descriptors(), ==, descriptors);
    }
}

TEST(seccomp, "if seccomp refuses a ring, the error is -EPERM and the message names the likely cause") {
    needs_kernel();
    struct child child;
    refusal = EPERM;
    run_child(&child, open_refused);
    CHECK(child.status, ==, 0);
    CHECK_CONTAINS(child.output, "seccomp");
    CHECK_CONTAINS(child.output, "io_uring");
}

TEST(missing, "on a kernel without io_uring the error is -ENOSYS, and the message says so") {
    needs_kernel();
    struct child child;
    refusal = ENOSYS;
    run_child(&child, open_refused);
    CHECK(child.status, ==, 0);
    CHECK_CONTAINS(child.output, "io_uring");
}

TEST(memory, "if the memlock limit refuses a ring, the error is -ENOMEM and the message names the likely cause") {
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

TEST(every_first_call, "if no hub can be made, every first call returns the reason, and nothing crashes") {
    needs_kernel();
    struct child child;
    run_child(&child, use_refused);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}
