/* The flags of a hub's ring: what the kernel supports, without what GREEN_DISABLE names.
 *
 * Each hub is in a child process, because a process reads the variable once. */
#include "../../../csrc/core/hub.h"
#include "../../../csrc/engine/uring.h"
#include "helpers.h"
#include "readers.h"
#include "seccomp.h"

#include <sys/mman.h>

enum { FEATURE_NO_IOWAIT = 1 << 17, ENTER_NO_IOWAIT = 1 << 7, RECEIVES_MAX = 8 };

/* Flags and registrations that the wrapped calls refuse. */
static unsigned refused_setup, refused_enter, refused_registration;

/* Replaces the opcode of the next receive by one that no kernel has. */
static bool spoils;

/* The report of a child, in shared memory. */
static struct sight {
    unsigned setup, enter, features;
    unsigned receives; /* and which of them poll first */
    bool polls[RECEIVES_MAX];
    unsigned opens_max;
    bool has_ftruncate, done;
} * seen;

int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params) {
    if (params->flags & refused_setup)
        return -EINVAL;
    return __real_io_uring_queue_init_params(entries, ring, params);
}

static green_uring *uring;

static void note_receives(void) {
    const struct io_uring_sq *sq = &uring->ring.sq;
    for (unsigned i = *sq->khead; i != *sq->ktail; i++) {
        struct io_uring_sqe *entry = &sq->sqes[sq->array[i & *sq->kring_mask]];
        if (entry->opcode != IORING_OP_RECV)
            continue;
        if (seen->receives < RECEIVES_MAX)
            seen->polls[seen->receives] = entry->ioprio & IORING_RECVSEND_POLL_FIRST;
        seen->receives++;
        if (spoils)
            entry->opcode = 0xff;
        spoils = false;
    }
}

int __real_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size);
int __wrap_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size);
int __wrap_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size) {
    if (flags & refused_enter)
        return -EINVAL;
    seen->enter = flags;
    if (uring)
        note_receives();
    return __real_io_uring_enter2(fd, to_submit, wanted, flags, argument, size);
}

static void open_hub(void) {
    green_hub_options options = {.engine = "uring"};
    int error = green_hub_open(&options);
    if (error < 0)
        fprintf(stderr, "%s\n", green_explain(error));
    CHECK(error, ==, 0);
    uring = GREEN_CONTAINER(green__hub_here(&error)->engine, green_uring, base);
}

static void receive_bytes(green_socket *socket, size_t size) {
    char bytes[16];
    CHECK(green_read(socket, bytes, size), ==, (ssize_t)size);
}

/* The first receive leaves bytes, and the others do not. */
static void inspect_ring(void) {
    if (refused_registration)
        refuse_registration(refused_registration, EINVAL);
    open_hub();
    struct pair pair = connected(TCP4);
    send_text(pair.far, "01234567");
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    receive_bytes(pair.near, 4);
    receive_bytes(pair.near, 4);
    send_text(pair.far, "8");
    receive_bytes(pair.near, 1);
    seen->setup = uring->ring.flags;
    seen->features = uring->ring.features;
    seen->opens_max = uring->opens_max;
    seen->has_ftruncate = uring->has_ftruncate;
    release_pair(&pair);
    CHECK(green_hub_close(), ==, 0);
    seen->done = true;
}

static const char *setting;

static void look_in_child(void) {
    CHECK(setenv("GREEN_DISABLE", setting, 1), ==, 0);
    inspect_ring();
}

/* The features of a hub with this value of GREEN_DISABLE. */
static struct sight with(const char *disabled) {
    static struct child child;
    setting = disabled;
    *seen = (struct sight){0};
    run_child(&child, look_in_child);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
    CHECK(seen->done);
    return *seen;
}

/* The features of a hub without GREEN_DISABLE. */
static struct sight everything(void) {
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(seen != MAP_FAILED);
    needs_uring();
    return with("");
}

enum {
    COOP = IORING_SETUP_COOP_TASKRUN,
    DEFER = IORING_SETUP_DEFER_TASKRUN,
    SINGLE = IORING_SETUP_SINGLE_ISSUER,
    ALL = IORING_SETUP_SUBMIT_ALL,
    FLAG = IORING_SETUP_TASKRUN_FLAG,
    BEST = SINGLE | DEFER | FLAG | ALL,
};

static const struct {
    const char *names;
    unsigned flags, left;
} setups[] = {
    {"coop_taskrun", COOP, BEST},
    {"defer_taskrun", DEFER, COOP | FLAG | ALL},
    {"single_issuer", SINGLE, COOP | FLAG | ALL},
    {"submit_all", ALL, SINGLE | DEFER | FLAG},
    {"taskrun_flag", FLAG, ALL},
    {"coop_taskrun,defer_taskrun", COOP | DEFER, ALL},
    {"single_issuer,submit_all", SINGLE | ALL, COOP | FLAG},
    {"all", COOP | DEFER | SINGLE | ALL | FLAG, 0},
};

enum { SETUPS = sizeof setups / sizeof *setups };

static unsigned setup_of(const char *disabled) {
    return with(disabled).setup & (BEST | COOP);
}

static bool knows_setup(unsigned flags) {
    struct io_uring ring;
    struct io_uring_params params = {.flags = flags};
    if (__real_io_uring_queue_init_params(4, &ring, &params) < 0)
        return false;
    io_uring_queue_exit(&ring);
    return true;
}

static void need_every_setup(void) {
    (void)everything();
    if (!knows_setup(BEST) || !knows_setup(COOP))
        skip("this kernel does not know all flags");
    CHECK(setup_of(""), ==, BEST);
}

TEST(disabled_setup, "a ring is set up with the best flags that GREEN_DISABLE leaves") {
    need_every_setup();
    for (int i = 0; i < SETUPS; i++)
        CHECK(setup_of(setups[i].names), ==, setups[i].left);
}

TEST(refused_setup, "if the kernel refuses some setup flags, the best of the others are used") {
    need_every_setup();
    for (int i = 0; i < SETUPS; i++) {
        refused_setup = setups[i].flags;
        CHECK(setup_of(""), ==, setups[i].left);
    }
}

TEST(disabled_enter, "io_uring_enter gets no flag that GREEN_DISABLE names") {
    struct sight all = everything();
    CHECK(!(all.enter & ENTER_NO_IOWAIT), ==, !(all.features & FEATURE_NO_IOWAIT));
    CHECK(all.enter & IORING_ENTER_REGISTERED_RING);
    CHECK(with("no_iowait").enter, ==, all.enter & ~(unsigned)ENTER_NO_IOWAIT);
    CHECK(with("registered_ring").enter, ==, all.enter & ~IORING_ENTER_REGISTERED_RING);
}

TEST(refused_enter, "if the kernel refuses a flag of io_uring_enter, the ring is used without it") {
    static const unsigned flags[] = {ENTER_NO_IOWAIT, IORING_ENTER_REGISTERED_RING,
                                     ENTER_NO_IOWAIT | IORING_ENTER_REGISTERED_RING};
    (void)everything();
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        refused_enter = flags[i];
        CHECK(with("").enter & flags[i], ==, 0);
    }
}

static void open_where_enter_is_refused(void) {
    green_hub_options options = {.engine = "uring"};
    refused_enter = IORING_ENTER_EXT_ARG;
    size_t descriptors = open_descriptors();
    CHECK(green_hub_open(&options), ==, -EINVAL);
    CHECK(open_descriptors(), ==, descriptors);
    CHECK_CONTAINS(green_explain(-EINVAL), "cannot use an io_uring ring");
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    CHECK_TEXT(green_hub_engine(), "epoll");
    CHECK_CONTAINS(green_hub_fallback(), "cannot use an io_uring ring");
}

TEST(useless_enter, "if the kernel refuses a flag of io_uring_enter that Green needs, the hub runs on epoll") {
    struct child child;
    (void)everything();
    run_child(&child, open_where_enter_is_refused);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

TEST(disabled_polls, "poll_first and sock_nonempty are used unless GREEN_DISABLE names them") {
    static const bool usual[] = {false, false, true}, never[] = {false, false, false}, late[] = {false, true, true};
    struct sight all = everything(), first = with("poll_first"), nonempty = with("sock_nonempty");
    CHECK(all.receives, ==, 3);
    CHECK(memcmp(all.polls, usual, 3), ==, 0);
    CHECK(memcmp(first.polls, never, 3), ==, 0);
    CHECK(memcmp(nonempty.polls, late, 3), ==, 0);
}

TEST(disabled_files, "file operations that GREEN_DISABLE names do not go to the ring") {
    CHECK(everything().opens_max, >, 0);
    CHECK(with("iowq_max_workers").opens_max, ==, 0);
    CHECK(!with("ftruncate").has_ftruncate);
}

TEST(refused_registrations, "if the kernel refuses an optional registration, the ring is used without it") {
    needs_kernel();
    (void)everything();
    refused_registration = IORING_REGISTER_RING_FDS;
    CHECK(with("").enter & IORING_ENTER_REGISTERED_RING, ==, 0);
    refused_registration = IORING_REGISTER_IOWQ_MAX_WORKERS;
    CHECK(with("").opens_max, ==, 0);
}

/* All receives are submitted in one loop iteration. The entry of the first is invalid. */
static void read_with_a_bad_entry(void) {
    enum { READERS = 5 };
    struct pair pairs[READERS];
    green_thread *readers[READERS];
    CHECK(setenv("GREEN_DISABLE", setting, 1), ==, 0);
    open_hub();
    for (int i = 0; i < READERS; i++) {
        pairs[i] = connected(TCP4);
        send_text(pairs[i].far, "x");
    }
    for (int i = 0; i < READERS; i++)
        readers[i] = start(read_byte, pairs[i].near);
    spoils = true;
    for (int i = 0; i < READERS; i++)
        CHECK(finish(readers[i]), ==, i == 0 ? -EINVAL : 1);
    expect_text(pairs[0].near, "x");
    for (int i = 0; i < READERS; i++)
        release_pair(&pairs[i]);
}

TEST(bad_entry, "an invalid submission entry ends only its own call, with and without submit_all") {
    static const char *const settings[] = {"", "submit_all", "all"};
    static struct child child;
    (void)everything();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        setting = settings[i];
        run_child(&child, read_with_a_bad_entry);
        CHECK_TEXT(child.output, "");
        CHECK(child.status, ==, 0);
    }
}
