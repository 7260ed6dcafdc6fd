/* If the system does not allow io_uring, the hub runs on epoll and says why. */
#include "helpers.h"
#include "seccomp.h"

#include <liburing.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int refusal, refused_call;
static unsigned refused_registration; /* 0: refused_call */

static void echo_once(void) {
    struct pair pair = connected(TCP4);
    send_text(pair.near, "over epoll");
    expect_text(pair.far, "over epoll");
    release_pair(&pair);
}

static void refuse(void) {
    if (refused_registration)
        refuse_registration(refused_registration, refusal);
    else
        refuse_call(refused_call, refusal);
}

static void open_where_refused(void) {
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    refuse();
    CHECK_TEXT(green_hub_engine(), "epoll");
    CHECK(green_hub_fallback() != NULL);
    dprintf(STDERR_FILENO, "%s\n", green_hub_fallback());
    echo_once();
    CHECK(green_hub_close(), ==, 0);
    CHECK(green_hub_fallback() == NULL);
}

static void falls_back(int call, int error, const char *said) {
    struct child child;
    refused_call = call;
    refusal = error;
    run_child(&child, open_where_refused);
    CHECK_CONTAINS(child.output, said);
    CHECK(child.status, ==, 0);
}

TEST(seccomp, "if seccomp forbids io_uring, the hub runs on epoll and says why") {
    needs_kernel();
    falls_back(SYS_io_uring_setup, EPERM, "seccomp");
}

TEST(missing, "on a kernel without io_uring the hub runs on epoll") {
    needs_kernel();
    falls_back(SYS_io_uring_setup, ENOSYS, "no io_uring");
}

TEST(memory, "a memlock limit too low for a ring leads to epoll") {
    needs_kernel();
    falls_back(SYS_io_uring_setup, ENOMEM, "memlock");
}

TEST(use, "a filter that allows a ring to be made but not to be used leads to epoll") {
    needs_kernel();
    needs_uring();
    falls_back(SYS_io_uring_enter, EPERM, "seccomp");
    falls_back(SYS_io_uring_register, EPERM, "seccomp");
}

TEST(registrations, "a filter that refuses a registration that Green needs leads to epoll, with that reason") {
    needs_kernel();
    needs_uring();
    static const struct {
        unsigned registration;
        const char *said;
    } needed[] = {
        {IORING_REGISTER_PROBE, "cannot probe the operations of io_uring: Invalid argument"},
        {IORING_REGISTER_PBUF_RING, "cannot register receive memory with io_uring: Invalid argument"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        refused_registration = needed[i].registration;
        falls_back(0, EINVAL, needed[i].said);
        falls_back(0, EPERM, "seccomp");
    }
}

/* Processes with this capability, such as those of root, are not subject to the limit. */
static void give_up_locked_memory(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {0};
    CHECK(syscall(SYS_capget, &header, sets), ==, 0);
    sets[0].effective &= ~(1u << CAP_IPC_LOCK);
    CHECK(syscall(SYS_capset, &header, sets), ==, 0);
    CHECK(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0}), ==, 0);
}

/* Linux counts rings before 5.12 and since 6.14. */
static void open_without_locked_memory(void) {
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    give_up_locked_memory();
    if (strcmp(green_hub_engine(), "epoll") == 0)
        CHECK_CONTAINS(green_hub_fallback(), "memlock limit (ulimit -l), which counts the rings");
    echo_once();
    CHECK(green_hub_close(), ==, 0);
}

TEST(locked_memory, "with a memlock limit of 0 a hub works; if the kernel counts rings, on epoll with that reason") {
    needs_kernel();
    needs_uring();
    struct child child;
    run_child(&child, open_without_locked_memory);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

static void open_twice(void) {
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    CHECK(setenv("GREEN_LOG", "debug", 1), ==, 0);
    refuse_uring(EPERM);
    for (int i = 0; i < 2; i++) {
        CHECK_TEXT(green_hub_engine(), "epoll");
        CHECK(green_hub_close(), ==, 0);
    }
}

TEST(logged, "the reason is logged once, and only if GREEN_LOG is debug") {
    needs_kernel();
    struct child child;
    run_child(&child, open_twice);
    CHECK(child.status, ==, 0);
    const char *first = strstr(child.output, "green: using the epoll engine: ");
    CHECK(first != NULL);
    CHECK(strstr(first + 1, "green: the engine") == NULL);
    CHECK_CONTAINS(first, "seccomp");
}

static void open_quietly(void) {
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    CHECK(unsetenv("GREEN_LOG"), ==, 0);
    refuse_uring(EPERM);
    CHECK_TEXT(green_hub_engine(), "epoll");
}

TEST(quiet, "without GREEN_LOG, a fallback writes nothing") {
    needs_kernel();
    struct child child;
    run_child(&child, open_quietly);
    CHECK(child.status, ==, 0);
    CHECK_TEXT(child.output, "");
}

static void open_without_descriptors(void) {
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    struct rlimit none = {3, 3};
    CHECK(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    CHECK(green_hub_open(NULL), ==, -EMFILE);
    CHECK(green_hub_engine() == NULL);
}

TEST(descriptors, "if no descriptor is left, no engine is opened, and the error says so") {
    struct child child;
    run_child(&child, open_without_descriptors);
    CHECK(child.status, ==, 0);
}
