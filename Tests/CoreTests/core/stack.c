/* Stacks: size, depth, overflow, reuse and backtraces. */
#include "helpers.h"

#include "seccomp.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unwind.h>

/* Uses at least size bytes of stack, in frames of about a KiB. */
__attribute__((noinline)) static int use_stack(size_t size) {
    volatile char frame[1024];
    memset((void *)frame, 1, sizeof frame);
    int below = size > sizeof frame ? use_stack(size - sizeof frame) : 0;
    return below + frame[size % sizeof frame];
}

static int deep(void *argument) {
    size_t size = *(size_t *)argument;
    green_thread *self = green_current();
    CHECK(use_stack(size), >, 0);
    if (!SANITIZED) /* sanitizers may keep frames elsewhere */
        CHECK(green_thread_stack_used(self), >=, size);
    CHECK(green_thread_stack_used(self), <=, green_thread_stack_size(self));
    return 0;
}

TEST(depth, "recursion that just fits the stack works and counts as used") {
    static const size_t sizes[] = {64 << 10, 256 << 10, 1 << 20, 16 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        green_spawn_options options = {.stack_size = sizes[i]};
        size_t depth = SANITIZED ? sizes[i] / 8 : sizes[i] / 8 * 7; /* a frame is larger than its array */
        green_thread *thread = NULL;
        CHECK(green_spawn_with(&thread, &options, deep, &depth), ==, 0);
        CHECK(green_thread_stack_size(thread), >=, sizes[i]);
        CHECK(finish(thread), ==, 0);
    }
}

TEST(default_size, "the stack size is 1 MiB by default, or that of the hub's options, or that of the spawn") {
    int value = 0;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_stack_size(thread), >=, 1 << 20);
    CHECK(green_thread_stack_size(thread), <, 2 << 20);
    CHECK(finish(thread), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    green_hub_options hub = {.stack_size = 128 << 10};
    CHECK(green_hub_open(&hub), ==, 0);
    thread = start(give, &value);
    CHECK(green_thread_stack_size(thread), >=, 128 << 10);
    CHECK(green_thread_stack_size(thread), <, 1 << 20);
    CHECK(finish(thread), ==, 0);
    green_spawn_options options = {.stack_size = (300 << 10) + 1};
    CHECK(green_spawn_with(&thread, &options, give, &value), ==, 0);
    CHECK(green_thread_stack_size(thread), >, 300 << 10);
    CHECK(green_thread_stack_size(thread) % (size_t)sysconf(_SC_PAGESIZE), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(finished_has_none, "a finished thread has no stack") {
    int value = 0;
    green_thread *thread = start(give, &value);
    let_run();
    CHECK(green_thread_stack_size(thread), ==, 0);
    CHECK(green_thread_stack_used(thread), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(too_large, "a stack without memory is -ENOMEM, and the hub continues") {
    static const size_t sizes[] = {(size_t)1 << 47, (size_t)1 << 62, SIZE_MAX, SIZE_MAX - 4096};
    int value = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        green_spawn_options options = {.name = "giant", .stack_size = sizes[i]};
        green_thread *thread = NULL;
        CHECK(green_spawn_with(&thread, &options, give, &value), ==, -ENOMEM);
        CHECK_CONTAINS(green_explain(-ENOMEM), "stack");
        CHECK(thread == NULL);
    }
    CHECK(finish(start(give, &value)), ==, 0);
}

TEST(too_small, "a stack below 16 KiB is -EINVAL with the minimum in the message; 16 KiB is enough to run") {
    static const size_t sizes[] = {1, 4096, (16 << 10) - 1};
    int value = 4;
    green_thread *thread = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        green_spawn_options options = {.stack_size = sizes[i]};
        CHECK(green_spawn_with(&thread, &options, give, &value), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), "16384");
        CHECK(thread == NULL);
    }
    green_spawn_options options = {.stack_size = 16 << 10};
    CHECK(green_spawn_with(&thread, &options, give, &value), ==, 0);
    CHECK(finish(thread), ==, 4);
}

static void spawn_without_memory(void) {
    int value = 0, error = 0, count = 0;
    green_spawn_options options = {.stack_size = 64 << 20};
    CHECK(green_yield(), ==, 0);
    rlim_t bytes = address_space_bytes() + (1 << 30);
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    CHECK(setrlimit(RLIMIT_AS, &limit), ==, 0);
    for (; count < 100 && error == 0; count++)
        error = green_spawn_with(NULL, &options, give, &value);
    CHECK(error, ==, -ENOMEM);
    CHECK(count, >, 1);
    for (int i = 0; i < 10; i++)
        CHECK(green_yield(), ==, 0);
    green_thread *thread = NULL; /* stacks are free again */
    CHECK(green_spawn_with(&thread, &options, give, &value), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(address_space_limit, "with a limit on address space spawn fails with -ENOMEM, and the process continues") {
    needs_kernel();
    if (SANITIZED)
        skip("sanitizers need the address space");
    struct child child;
    run_child(&child, spawn_without_memory);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

/* Overflow ----------------------------------------------------------------- */

static int overflow(void *argument) {
    (void)argument;
    return use_stack(SIZE_MAX);
}

static void overflow_named(void) {
    green_thread *thread = NULL;
    green_spawn_options options = {.name = "bottomless", .stack_size = 64 << 10};
    CHECK(green_spawn_with(&thread, &options, overflow, NULL), ==, 0);
    finish(thread);
}

static void *overflow_on_thread(void *argument) {
    overflow_named();
    return argument;
}

static void overflow_elsewhere(void) {
    pthread_t other;
    CHECK(green_yield(), ==, 0); /* makes the hub of this OS thread */
    CHECK(pthread_create(&other, NULL, overflow_on_thread, NULL), ==, 0);
    pthread_join(other, NULL);
}

static void check_overflow(void (*body)(void)) {
    struct child child;
    run_child(&child, body);
    CHECK_CONTAINS(child.output, "bottomless");
    CHECK_CONTAINS(child.output, "stack_size");
    CHECK(strstr(child.output, "65536") || strstr(child.output, "64 K"));
    if (SANITIZED) /* sanitizers add a report */
        return;
    CHECK(WIFSIGNALED(child.status));
    if (!EMULATED) /* the emulator adds a line */
        CHECK(strchr(child.output, '\n') == child.output + strlen(child.output) - 1);
}

TEST(overflow, "an overflow ends the process with one line: the thread, its stack size, where to change it") {
    check_overflow(overflow_named);
}

TEST(overflow_elsewhere, "an overflow on the hub of another OS thread is reported in the same way") {
    check_overflow(overflow_elsewhere);
}

/* The distance of the first used byte of the overflowing frame below the stack. */
static size_t beyond;

/* A frame that leaves the bytes near the caller untouched. */
__attribute__((noinline)) static int use_large_frame(size_t size) {
    volatile char *frame = __builtin_alloca(size);
    for (size_t i = 0; i < 1024; i++)
        frame[i] = 1;
    CHECK(green_yield(), ==, 0); /* with shared guards the overflow is noticed here */
    return frame[size % 1024];
}

static int overflow_by_frame(void *argument) {
    (void)argument;
    return use_large_frame((64 << 10) + beyond);
}

static void overflow_beside_others(void) {
    green_spawn_options options = {.stack_size = 64 << 10}, bottomless = {.name = "bottomless", .stack_size = 64 << 10};
    green_thread *thread = NULL;
    for (int i = 0; i < 10; i++) /* on the stacks around it */
        CHECK(green_spawn_with(NULL, i == 5 ? &bottomless : &options, i == 5 ? overflow_by_frame : nap, NULL), ==, 0);
    CHECK(green_spawn_with(&thread, &options, nap, NULL), ==, 0);
    finish(thread);
}

TEST(large_frames, "a frame of up to 256 KiB that does not fit is reported as an overflow") {
    static const size_t sizes[] = {8 << 10, 20 << 10, 100 << 10, 200 << 10, 250 << 10};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        beyond = sizes[i];
        check_overflow(overflow_beside_others);
    }
}

/* Two stacks: the check of the first guard is not repeated for the second. */
static void overflow_without_advice(void) {
    int value = 0;
    refuse_call(SYS_madvise, EINVAL); /* as before Linux 6.13 */
    green_thread *first = start(give, &value);
    overflow_named();
    finish(first);
}

TEST(overflow_without_advice, "an overflow is detected on kernels without guard advice") {
    needs_kernel();
    check_overflow(overflow_without_advice);
}

static int report_address(void *place) {
    char here;
    *(char **)place = &here;
    return nap(NULL);
}

/* Accesses an address in the guard of a sleeping thread. */
static void crash_in_guard(void) {
    enum { SIZE = 64 << 10 };
    char *place = NULL;
    green_spawn_options options = {.stack_size = SIZE, .name = "sleeping"};
    green_thread *thread = NULL;
    CHECK(green_spawn_with(&thread, &options, report_address, &place), ==, 0);
    let_run();
    *(volatile char *)(place - SIZE) = 1;
}

TEST(other_guard, "a crash in the guard of an unused stack is not reported as an overflow") {
    struct child child;
    run_child(&child, crash_in_guard);
    CHECK(strstr(child.output, "stack overflow in") == NULL);
    CHECK(child.status != 0);
    if (!SANITIZED)
        CHECK(WIFSIGNALED(child.status));
}

static int raise_in_thread(void *unused) {
    (void)unused;
    raise(SIGSEGV);
    raise(SIGBUS);
    return 0;
}

static void raise_faults(void) {
    CHECK(finish(start(raise_in_thread, NULL)), ==, 0);
}

TEST(sent, "a signal of a fault that kill() or raise() sends ends the process, and is not taken for a fault") {
    struct child child;
    run_child(&child, raise_faults);
    CHECK(strstr(child.output, "stack overflow in") == NULL);
    CHECK(child.status != 0);
    if (!SANITIZED) {
        CHECK(WIFSIGNALED(child.status));
        CHECK(WTERMSIG(child.status), ==, SIGSEGV);
    }
}

static volatile sig_atomic_t handled;

static void count_signal(int number) {
    handled += number == SIGSEGV ? 1 : 10;
}

static void handle_faults(void) {
    struct sigaction action = {.sa_handler = count_signal};
    CHECK(sigaction(SIGSEGV, &action, NULL), ==, 0);
    CHECK(sigaction(SIGBUS, &action, NULL), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(finish(start(raise_in_thread, NULL)), ==, 0);
    CHECK(handled, ==, 22);
}

TEST(sent_and_handled, "handlers that the program set before the first hub get signals that are sent, each time") {
    struct child child;
    run_child(&child, handle_faults);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

TEST(other_signal_stack, "a signal stack that the program has set meanwhile survives the hub") {
    static char own[64 << 10];
    stack_t mine = {.ss_sp = own, .ss_size = sizeof own}, none = {.ss_flags = SS_DISABLE}, now;
    CHECK(green_yield(), ==, 0);
    CHECK(sigaltstack(&mine, NULL), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    CHECK(sigaltstack(NULL, &now), ==, 0);
    CHECK(now.ss_sp == own);
    CHECK(now.ss_flags, ==, 0);
    CHECK(sigaltstack(&none, NULL), ==, 0);
}

static void crash_elsewhere(void) {
    CHECK(green_yield(), ==, 0);
    char *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)nowhere = 1;
}

TEST(other_crash, "a crash that is not an overflow is not reported as one") {
    struct child child;
    run_child(&child, crash_elsewhere);
    CHECK(strstr(child.output, "stack_size") == NULL);
    CHECK(child.status != 0);
    if (!SANITIZED)
        CHECK(WIFSIGNALED(child.status));
}

/* Backtrace ---------------------------------------------------------------- */

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *argument) {
    (void)context;
    ++*(int *)argument;
    return *(int *)argument > 500 ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

__attribute__((noinline)) static int backtrace_below(int depth) {
    volatile int frames = 0;
    if (depth > 0)
        return backtrace_below(depth - 1) + (int)frames;
    int count = 0;
    CHECK(_Unwind_Backtrace(count_frame, &count), ==, _URC_END_OF_STACK);
    return count;
}

static int count_frames(void *argument) {
    return backtrace_below(*(int *)argument);
}

TEST(backtrace, "a backtrace from inside a thread ends at its entry") {
    int shallow = 0, deeper = 20;
    int base = finish(start(count_frames, &shallow));
    CHECK(base, >=, 2);
    CHECK(base, <, 20);
    int frames = finish(start(count_frames, &deeper));
    CHECK(frames, >, base);
    CHECK(frames, <=, base + 20);
}

/* Memory ------------------------------------------------------------------- */

static int touch(void *argument) {
    CHECK(use_stack(64 << 10), >, 0);
    return green_sleep(*(int64_t *)argument);
}

static void burst(int count) {
    static green_thread *threads[2000];
    int64_t time = 10 * GREEN_MILLISECOND;
    for (int i = 0; i < count; i++)
        threads[i] = start(touch, &time);
    for (int i = 0; i < count; i++)
        CHECK(finish(threads[i]), ==, 0);
}

TEST(reuse, "stacks are reused, and an idle hub returns the memory of a burst to the system") {
    needs_kernel();
    enum { COUNT = 2000 };
    green_hub_options options = {.warm_stacks = 16};
    CHECK(green_hub_open(&options), ==, 0);
    burst(16);
    size_t before = resident_bytes();
    burst(COUNT);
    green_statistics first, second;
    CHECK(green_hub_statistics(&first), ==, 0);
    CHECK(first.stacks, >=, COUNT);
    CHECK(first.free_stacks, ==, first.stacks);
    burst(COUNT);
    CHECK(green_hub_statistics(&second), ==, 0);
    CHECK(second.stacks, ==, first.stacks);
    if (!SANITIZED) /* 2000 bursts of 64 KiB are 125 MiB; the handles use little */
        UNTIL(resident_bytes() < before + (16 << 20));
    burst(COUNT / 4);
    if (!SANITIZED)
        UNTIL(resident_bytes() < before + (16 << 20));
}

TEST(handles_cost_little, "the memory of finished threads is reused") {
    int value = 0;
    green_statistics now;
    for (int i = 0; i < SCALED(100000); i++)
        CHECK(finish(start(give, &value)), ==, 0);
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.stacks, <=, 16);
}
