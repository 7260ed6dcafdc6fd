/* Guards of stacks: the kinds, the accesses that each detects, and fork, reclaim and limits. */
#include "helpers.h"
#include "seccomp.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1 /* Linux 5.11 */
#endif

enum { STACK_SIZE = 64 << 10 };

static const struct kind {
    const char *name, *disabled;
} kinds[] = {
    {"guard_install", ""},
    {"userfaultfd", "guard_install"},
    {"userfaultfd", "guard_install,wp_unpopulated"},
    {"mprotect", "guard_install,userfaultfd"},
    {"shared", "guard_install,userfaultfd,mprotect_guard"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct kind *kind;
static void (*body_on_kind)(void);

static bool has_userfaultfd(void) {
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_PAGEFAULT_FLAG_WP};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    bool has = fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0;
    close(fd);
    return has;
}

/* Emulators may report success for unknown advice. */
static bool has_guard_install(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    bool has = madvise(memory, page, MADV_GUARD_INSTALL) == 0 &&
               syscall(SYS_clock_gettime, CLOCK_MONOTONIC, memory) < 0 && errno == EFAULT;
    munmap(memory, page);
    return has;
}

static bool has_kind(void) {
    if (strcmp(kind->name, "guard_install") == 0)
        return has_guard_install();
    return strcmp(kind->name, "userfaultfd") != 0 || has_userfaultfd();
}

static void run_on_kind(void) {
    CHECK(setenv("GREEN_DISABLE", kind->disabled, 1), ==, 0);
    if (!has_kind()) {
        printf("this system has no %s\n", kind->name);
        fflush(stdout);
        return;
    }
    CHECK_TEXT(green_hub_guard(), kind->name);
    body_on_kind();
}

static void on_kind(const struct kind *which, void (*body)(void)) {
    struct child child;
    kind = which;
    body_on_kind = body;
    run_child(&child, run_on_kind);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

static void on_each_own_guard(void (*body)(void)) {
    for (size_t i = 0; i < KINDS - 1; i++)
        on_kind(&kinds[i], body);
}

/* The system call writes there. The C library's function would write in user mode. */
static bool is_guarded(char *address) {
    return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, address) < 0 && errno == EFAULT;
}

/* Sleeping threads and a byte of the stack of each, near its top. */
enum { MOST = 200 };
static green_thread *sleepers[MOST];
static char *places[MOST];

static int report_address_and_nap(void *place) {
    char here;
    *(char **)place = &here;
    return nap(NULL);
}

static void start_sleepers(int count) {
    green_spawn_options options = {.stack_size = STACK_SIZE};
    for (int i = 0; i < count; i++)
        CHECK(green_spawn_with(&sleepers[i], &options, report_address_and_nap, &places[i]), ==, 0);
    let_run();
}

static void end_sleepers(int count) {
    for (int i = 0; i < count; i++)
        CHECK(kill_and_finish(sleepers[i]), ==, -ECANCELED);
}

static void check_guards(int count) {
    for (int i = 0; i < count; i++) {
        char *in_stack = places[i] - STACK_SIZE + 16384;
        CHECK(!is_guarded(in_stack));
        CHECK(is_guarded(places[i] - STACK_SIZE));
        CHECK(is_guarded(places[i] - STACK_SIZE - (240 << 10)));
    }
}

static void check_all_guards(void) {
    start_sleepers(MOST);
    check_guards(MOST);
    end_sleepers(MOST);
}

TEST(every_page, "a system call can write into a stack, but not into the guard below it") {
    needs_kernel();
    on_each_own_guard(check_all_guards);
}

static int touch_stack(void *unused) {
    volatile char frame[32 << 10];
    memset((void *)frame, 1, sizeof frame);
    (void)unused;
    return green_yield();
}

static void reclaim_and_check(void) {
    green_spawn_options options = {.stack_size = STACK_SIZE};
    CHECK(green_hub_close(), ==, 0);
    CHECK(green_hub_open(&(green_hub_options){.warm_stacks = 1}), ==, 0);
    for (int i = 0; i < MOST; i++)
        CHECK(green_spawn_with(NULL, &options, touch_stack, NULL), ==, 0);
    UNTIL(green_hub_deepest_stack() < 32 << 10 || SANITIZED); /* all but one have no memory */
    for (int i = 0; i < 10; i++)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    check_all_guards();
}

TEST(reclaim, "guards survive the reclaim of the stacks' memory") {
    needs_kernel();
    on_each_own_guard(reclaim_and_check);
}

/* Forks ---------------------------------------------------------------------- */

static int fork_and_check(void *unused) {
    char here;
    (void)unused;
    places[0] = &here;
    pid_t child = fork();
    CHECK(child, >=, 0);
    if (child == 0)
        _exit(is_guarded(places[0] - STACK_SIZE) ? 0 : 1);
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(is_guarded(places[0] - STACK_SIZE));
    return status;
}

static void fork_on_stack(void) {
    green_spawn_options options = {.stack_size = STACK_SIZE};
    green_thread *thread;
    CHECK(green_spawn_with(&thread, &options, fork_and_check, NULL), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(fork, "a stack has its guard in a forked child that continues on it, and in the parent") {
    needs_kernel();
    on_each_own_guard(fork_on_stack);
}

/* Refusals ------------------------------------------------------------------- */

static int descriptor_of_userfaultfd(void) {
    for (int fd = 0; fd < 2048; fd++) {
        char path[32], target[64] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target - 1) > 0 && strstr(target, "userfaultfd"))
            return fd;
    }
    return -1;
}

static void find_descriptor(void) {
    int fd = descriptor_of_userfaultfd();
    CHECK(fd, >, STDERR_FILENO);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK(green_hub_close(), ==, 0);
    CHECK(descriptor_of_userfaultfd(), ==, -1);
}

TEST(descriptor, "userfaultfd's descriptor is closed by exec, and ends with the hub") {
    needs_kernel();
    on_kind(&kinds[1], find_descriptor);
}

static void close_descriptor(void) {
    start_sleepers(3);
    CHECK(close(descriptor_of_userfaultfd()), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(kill_and_finish(sleepers[i]), ==, -ECANCELED);
    start_sleepers(10); /* the first three on former stacks */
    CHECK_TEXT(green_hub_guard(), "mprotect");
    for (int i = 3; i < 10; i++)
        CHECK(is_guarded(places[i] - STACK_SIZE));
    end_sleepers(10);
    CHECK(green_hub_close(), ==, 0);
}

TEST(closed_descriptor, "new stacks have guards after the program has closed userfaultfd's descriptor") {
    needs_kernel();
    on_kind(&kinds[1], close_descriptor);
}

static int refused_call, refusal;
static bool refused_late; /* after the hub has a descriptor */

static void expect_mprotect(void) {
    CHECK(setenv("GREEN_DISABLE", "guard_install", 1), ==, 0);
    CHECK(setenv("GREEN_LOG", "debug", 1), ==, 0);
    if (refused_late)
        CHECK(green_yield(), ==, 0);
    refuse_call(refused_call, refusal);
    CHECK_TEXT(green_hub_guard(), "mprotect");
    CHECK(descriptor_of_userfaultfd(), ==, -1);
    check_all_guards();
    CHECK(green_hub_close(), ==, 0);
    CHECK_TEXT(green_hub_guard(), "mprotect");
}

static void is_refused(int call, int error, const char *said) {
    struct child child;
    refused_call = call;
    refusal = error;
    run_child(&child, expect_mprotect);
    CHECK(child.status, ==, 0);
    const char *line = strstr(child.output, "green: no stack guards by userfaultfd");
    CHECK(line != NULL);
    CHECK_CONTAINS(line, said);
    CHECK(strstr(line + 1, "green: no guards") == NULL);
}

TEST(refused, "if userfaultfd is forbidden, missing or fails, mprotect makes guards, and the log gives the reason") {
    needs_kernel();
    is_refused(SYS_userfaultfd, EPERM, "Operation not permitted");
    is_refused(SYS_userfaultfd, ENOSYS, "Function not implemented");
    is_refused(SYS_userfaultfd, ENFILE, "Too many open files in system");
    is_refused(SYS_ioctl, EPERM, "write protection");
    refused_late = true;
    is_refused(SYS_ioctl, EPERM, "registering memory");
}

static void open_with_few_descriptors(void) {
    const char *guard_with_descriptor = has_userfaultfd() ? "userfaultfd" : "mprotect";
    CHECK(setenv("GREEN_DISABLE", "guard_install", 1), ==, 0);
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    int error = -EMFILE;
    for (limit.rlim_cur = 3; error == -EMFILE; limit.rlim_cur++) {
        CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
        error = green_hub_open(NULL);
    }
    CHECK(error, ==, 0); /* with as many as the engine needs */
    CHECK_TEXT(green_hub_guard(), "mprotect");
    start_sleepers(3);
    check_guards(3);
    end_sleepers(3);
    CHECK(green_hub_close(), ==, 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0); /* one more */
    CHECK_TEXT(green_hub_guard(), guard_with_descriptor);
}

TEST(no_descriptor, "a hub without a descriptor for userfaultfd has guards by mprotect") {
    needs_kernel();
    if (SANITIZED)
        skip("AddressSanitizer needs a descriptor");
    struct child child;
    run_child(&child, open_with_few_descriptors);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

static void lock_memory_and_spawn(void) {
    if (!has_guard_install())
        return;
    CHECK(setenv("GREEN_DISABLE", kind->disabled, 1), ==, 0);
    start_sleepers(3);
    CHECK_TEXT(green_hub_guard(), "guard_install");
    /* AddressSanitizer ignores the C library's function. A limit may forbid the call. */
    if (syscall(SYS_mlockall, MCL_CURRENT | MCL_ONFAULT) < 0)
        return;
    for (int i = 3; i < MOST; i++)
        CHECK(green_spawn_with(&sleepers[i], &(green_spawn_options){.stack_size = STACK_SIZE}, report_address_and_nap,
                               &places[i]),
              ==, 0);
    let_run();
    CHECK_TEXT(green_hub_guard(), "userfaultfd");
    check_guards(MOST);
    end_sleepers(MOST);
}

TEST(locked, "after the program has locked its memory, new stacks have guards of the next kind") {
    static const struct kind once[] = {{"", ""}, {"", "wp_unpopulated"}};
    needs_kernel();
    for (int i = 0; i < 2; i++) {
        struct child child;
        kind = &once[i];
        run_child(&child, lock_memory_and_spawn);
        CHECK_TEXT(child.output, "");
        CHECK(child.status, ==, 0);
    }
}

/* Shared guards -------------------------------------------------------------- */

static void exhaust(void) {
    green_spawn_options options = {.stack_size = STACK_SIZE};
    int count = 0, error = 0, value = 0;
    start_sleepers(3);
    refuse_call(SYS_mprotect, ENOMEM);
    while (count < 2000 && (error = green_spawn_with(NULL, &options, give, &value)) == 0)
        count++;
    CHECK(error, ==, -ENOMEM);
    CHECK_CONTAINS(green_explain(error), "vm.max_map_count");
    CHECK(count, >, 3);
    CHECK_TEXT(green_hub_guard(), "shared");
    let_run();
    check_guards(3);
    end_sleepers(3);
    CHECK(green_hub_close(), ==, 0);
}

TEST(exhausted, "without a mapping for a guard, stacks share one; without a shared one, spawn fails") {
    needs_kernel();
    on_kind(&kinds[3], exhaust);
}

/* Leaves its stack without writing beyond the room below it. */
__attribute__((noinline)) static int yield_beyond(size_t size) {
    volatile char *frame = __builtin_alloca(size);
    frame[0] = 1;
    int error = green_yield();
    return error + frame[0];
}

static int leave_stack(void *unused) {
    (void)unused;
    return yield_beyond(STACK_SIZE + 10000);
}

__attribute__((noinline)) static int use_stack(size_t size) {
    volatile char frame[1024];
    memset((void *)frame, 1, sizeof frame);
    return (size > sizeof frame ? use_stack(size - sizeof frame) : 0) + frame[size % sizeof frame];
}

static int run_down(void *unused) {
    (void)unused;
    return use_stack(SIZE_MAX);
}

static unsigned long max_map_count(void) {
    unsigned long count = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "%lu", &count), ==, 1);
    fclose(file);
    return count;
}

static green_function *overflowing;

static void start_bottomless(void) {
    green_spawn_options options = {.name = "bottomless", .stack_size = STACK_SIZE};
    green_thread *thread;
    CHECK(green_spawn_with(&thread, &options, overflowing, NULL), ==, 0);
    finish(thread);
}

static void overflow_shared(void) {
    CHECK(setenv("GREEN_DISABLE", kind->disabled, 1), ==, 0);
    start_sleepers(MOST);
    CHECK_TEXT(green_hub_guard(), "shared");
    CHECK(!is_guarded(places[MOST - 1] - STACK_SIZE));
    start_bottomless();
}

static void overflow_after_crowd(void) {
    green_spawn_options options = {.stack_size = STACK_SIZE};
    unsigned long individual = max_map_count() / 8 * 3;
    CHECK(setenv("GREEN_DISABLE", "guard_install,userfaultfd", 1), ==, 0);
    CHECK_TEXT(green_hub_guard(), "mprotect");
    for (unsigned long i = 0; i < individual + 5000; i++)
        CHECK(green_spawn_with(NULL, &options, nap, NULL), ==, 0);
    CHECK_TEXT(green_hub_guard(), "shared");
    for (int i = 0; i < 1000; i++) { /* each needs a mapping */
        char *memory = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(memory != MAP_FAILED);
        CHECK(mprotect(memory, 4096, PROT_NONE), ==, 0);
    }
    start_bottomless();
}

static void must_be_reported(void (*body)(void), green_function *function) {
    struct child child;
    overflowing = function;
    run_child(&child, body);
    CHECK_CONTAINS(child.output, "stack overflow in thread");
    CHECK_CONTAINS(child.output, "'bottomless': its stack of 64 KiB is full");
    CHECK(WIFSIGNALED(child.status));
}

TEST(shared, "a thread beyond its stack is reported when it switches or meets the shared guard") {
    if (SANITIZED)
        skip("sanitizers report it first");
    kind = &kinds[KINDS - 1];
    must_be_reported(overflow_shared, leave_stack);
    must_be_reported(overflow_shared, run_down);
}

/* Like the coroutines of other libraries. */
static ucontext_t outer, inner;
static char inner_stack[64 << 10]; /* below every mapping */

static void yield_inside(void) {
    CHECK(green_yield(), ==, 0);
}

static int run_context(void *unused) {
    (void)unused;
    CHECK(getcontext(&inner), ==, 0);
    inner.uc_stack = (stack_t){.ss_sp = inner_stack, .ss_size = sizeof inner_stack};
    inner.uc_link = &outer;
    makecontext(&inner, yield_inside, 0);
    CHECK(swapcontext(&outer, &inner), ==, 0);
    return 7;
}

static void yield_on_another_stack(void) {
    start_sleepers(3);
    CHECK(finish(start(run_context, NULL)), ==, 7);
    end_sleepers(3);
}

TEST(another_stack, "a thread may switch on a stack that Green did not allocate, with any kind of guard") {
    if (SANITIZED)
        skip("sanitizers do not know the stack");
    for (size_t i = 0; i < KINDS; i++)
        on_kind(&kinds[i], yield_on_another_stack);
}

BIG_TEST(crowd, "at the limit of vm.max_map_count threads share guards, and mappings are left for the program") {
    needs_kernel();
    if (SANITIZED)
        skip("sanitizers report it first");
    if (max_map_count() > 100000)
        skip("vm.max_map_count is too high to reach");
    must_be_reported(overflow_after_crowd, leave_stack);
    must_be_reported(overflow_after_crowd, run_down);
}

static void make_guard(void) {
    int value = 5;
    CHECK(finish(start(give, &value)), ==, 5);
    CHECK_TEXT(green_hub_guard(), kind->name);
    CHECK(green_hub_close(), ==, 0);
    CHECK_TEXT(green_hub_guard(), kind->name);
}

TEST(name, "green_hub_guard returns the kind before and after the first guard is made") {
    for (size_t i = 0; i < KINDS; i++)
        on_kind(&kinds[i], make_guard);
}
