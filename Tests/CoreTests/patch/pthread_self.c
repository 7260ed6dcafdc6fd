/* Thread ids of green threads, and calls that take one. */
#include "patched_threads.h"

static void *return_self(void *unused) {
    (void)unused;
    pthread_t self = lib->self();
    CHECK(lib->usleep(1000), ==, 0);
    CHECK(lib->self() == self);
    return (void *)self;
}

static int tell_self_spawned(void *id) {
    *(pthread_t *)id = lib->self();
    CHECK(green_yield(), ==, 0);
    return lib->self() == *(pthread_t *)id ? 0 : -EIO;
}

TEST(self, "each green thread has an id of its own, and the OS thread's own context keeps its id") {
    begin();
    pthread_t spawned[2];
    pthread_t one = create(return_self, NULL), other = create(return_self, NULL);
    green_thread *first = start(tell_self_spawned, &spawned[0]), *second = start(tell_self_spawned, &spawned[1]);
    CHECK((pthread_t)joined(one) == one);
    CHECK((pthread_t)joined(other) == other);
    CHECK(finish(first), ==, 0);
    CHECK(finish(second), ==, 0);
    CHECK(one != other && spawned[0] != spawned[1] && spawned[0] != one);
    CHECK(lib->self() == pthread_self());
    end();
}

static void *use_names(void *unused) {
    char name[32], os_thread[32];
    pthread_t self = lib->self();
    CHECK(lib->getname(self, name, sizeof name), ==, 0);
    CHECK(pthread_getname_np(pthread_self(), os_thread, sizeof os_thread), ==, 0);
    CHECK_TEXT(name, os_thread);
    CHECK(lib->setname(self, "fifteen letters"), ==, 0);
    CHECK_TEXT(green_thread_name(green_current()), "fifteen letters");
    CHECK(lib->setname(self, "sixteen letters!"), ==, ERANGE);
    CHECK(lib->getname(self, name, 15), ==, ERANGE);
    CHECK(lib->getname(self, name, 16), ==, 0);
    CHECK_TEXT(name, "fifteen letters");
    return unused;
}

static int use_long_name(void *unused) {
    (void)unused;
    char name[16];
    CHECK(lib->getname(lib->self(), name, sizeof name), ==, 0);
    CHECK_TEXT(name, "a name of twent");
    return 0;
}

TEST(names, "the name is that of the green thread, with the kernel's limits") {
    begin();
    char name[32] = "";
    joined(create(use_names, NULL));
    CHECK(finish(start_named("a name of twenty-four..", use_long_name, NULL)), ==, 0);
    CHECK(lib->setname(lib->self(), "context"), ==, 0);
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name), ==, 0);
    CHECK_TEXT(name, "context");
    end();
}

static void *sleep_long(void *unused) {
    (void)unused;
    errno = 0;
    CHECK(lib->usleep(3600u * 1000000), ==, -1);
    return (void *)(intptr_t)errno;
}

static void *name_from_elsewhere(void *thread) {
    char name[32];
    CHECK(lib->setname(*(pthread_t *)thread, "x"), ==, ENOTSUP);
    CHECK(lib->getname(*(pthread_t *)thread, name, sizeof name), ==, ENOTSUP);
    CHECK(lib->cancel(*(pthread_t *)thread), ==, ENOTSUP);
    CHECK(lib->kill(*(pthread_t *)thread, 0), ==, 0);
    return NULL;
}

TEST(cancels, "a cancel on the same OS thread ends the thread in its blocking call") {
    begin();
    pthread_t thread = create(sleep_long, NULL);
    let_run();
    on_os_thread(name_from_elsewhere, &thread);
    CHECK(lib->cancel(thread), ==, 0);
    CHECK(joined(thread) == PTHREAD_CANCELED);
    thread = create(sleep_long, NULL);
    CHECK(lib->cancel(thread), ==, 0);
    CHECK(joined(thread) == PTHREAD_CANCELED);
    end();
}

static void *cancel_itself(void *unused) {
    CHECK(lib->cancel(lib->self()), ==, 0);
    CHECK(lib->cancel(lib->self()), ==, 0);
    return sleep_long(unused);
}

TEST(own_cancel, "a thread that cancels itself continues until its next call that waits") {
    begin();
    CHECK(joined(create(cancel_itself, NULL)) == PTHREAD_CANCELED);
    end();
}

static void *spin_until(void *flag) {
    while (!*(volatile bool *)flag)
        CHECK(lib->yield(), ==, 0);
    return NULL;
}

static volatile sig_atomic_t received;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    received = info->si_value.sival_int + gettid();
}

TEST(signals, "signal 0 reports whether the thread has ended, other signals go to its OS thread") {
    begin();
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGUSR1, &action, NULL), ==, 0);
    bool flag = false;
    pthread_t thread = create(spin_until, &flag);
    CHECK(lib->kill(thread, 0), ==, 0);
    CHECK(lib->kill(thread, 1000), ==, EINVAL);
    CHECK(lib->sigqueue(thread, SIGUSR1, (union sigval){.sival_int = 5}), ==, 0);
    UNTIL(received != 0); /* immediate, except under a sanitizer */
    CHECK(received, ==, gettid() + 5);
    flag = true;
    let_run();
    CHECK(lib->kill(thread, 0), ==, ESRCH);
    CHECK(lib->sigqueue(thread, SIGUSR1, (union sigval){0}), ==, ESRCH);
    CHECK(lib->cancel(thread), ==, ESRCH);
    joined(thread);
    end();
}

static int cancel_spawned(void *unused) {
    (void)unused;
    CHECK(lib->cancel(lib->self()), ==, 0);
    return lib->usleep(1000) < 0 ? -errno : 0;
}

TEST(spawned_cancel, "a cancel of a green thread that the program has spawned is a kill") {
    begin();
    CHECK(finish(start(cancel_spawned, NULL)), ==, -ECANCELED);
    end();
}

static int kill_nothing(void *unused) {
    (void)unused;
    return -lib->kill(lib->self(), 0);
}

TEST(spawned, "green threads spawned by the program have ids, too") {
    begin();
    CHECK(finish(start(kill_nothing, NULL)), ==, 0);
    end();
}

struct stack {
    size_t size;
    int state;
};

static void *look_at_stack(void *argument) {
    struct stack *stack = argument;
    pthread_attr_t attributes;
    void *bottom;
    CHECK(lib->getattr(lib->self(), &attributes), ==, 0);
    CHECK(pthread_attr_getstack(&attributes, &bottom, &stack->size), ==, 0);
    CHECK(pthread_attr_getdetachstate(&attributes, &stack->state), ==, 0);
    CHECK(pthread_attr_destroy(&attributes), ==, 0);
    char *here = __builtin_frame_address(0);
    CHECK(here > (char *)bottom && here < (char *)bottom + stack->size);
    return NULL;
}

static int look_at_own(void *stack) {
    look_at_stack(stack);
    return 0;
}

TEST(attributes, "attributes include the requested stack size and the position of the stack") {
    begin();
    struct stack stack;
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes), ==, 0);
    CHECK(pthread_attr_setstacksize(&attributes, 320 << 10), ==, 0);
    CHECK(lib->create(&thread, &attributes, look_at_stack, &stack), ==, 0);
    joined(thread);
    CHECK(stack.size, ==, 320 << 10);
    CHECK(stack.state, ==, PTHREAD_CREATE_JOINABLE);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), ==, 0);
    CHECK(lib->create(&thread, &attributes, look_at_stack, &stack), ==, 0);
    let_run();
    CHECK(stack.state, ==, PTHREAD_CREATE_DETACHED);
    CHECK(pthread_attr_destroy(&attributes), ==, 0);
    CHECK(pthread_getattr_default_np(&attributes), ==, 0);
    size_t size;
    CHECK(pthread_attr_getstacksize(&attributes, &size), ==, 0);
    joined(create(look_at_stack, &stack));
    CHECK(stack.size, ==, size);
    CHECK(finish(start(look_at_own, &stack)), ==, 0);
    CHECK(stack.state, ==, PTHREAD_CREATE_DETACHED);
    CHECK(pthread_attr_destroy(&attributes), ==, 0);
    end();
}

static void *ask_about_os_thread(void *unused) {
    pthread_t self = lib->self();
    cpu_set_t processors, same;
    int policy, priority;
    struct sched_param parameters;
    clockid_t clock, expected;
    CHECK(lib->getaffinity(self, sizeof processors, &processors), ==, 0);
    CHECK(pthread_getaffinity_np(pthread_self(), sizeof same, &same), ==, 0);
    CHECK(CPU_EQUAL(&processors, &same));
    CHECK(lib->setaffinity(self, sizeof processors, &processors), ==, 0);
    CHECK(lib->getschedparam(self, &policy, &parameters), ==, 0);
    priority = parameters.sched_priority;
    CHECK(lib->setschedparam(self, policy, &parameters), ==, 0);
    CHECK(lib->setschedprio(self, priority), ==, 0);
    CHECK(lib->getcpuclockid(self, &clock), ==, 0);
    CHECK(pthread_getcpuclockid(pthread_self(), &expected), ==, 0);
    CHECK(clock, ==, expected);
    return unused;
}

static int ask_from_spawned(void *unused) {
    ask_about_os_thread(unused);
    return 0;
}

TEST(carrier, "CPU affinity, priority and clock are those of the OS thread") {
    begin();
    joined(create(ask_about_os_thread, NULL));
    CHECK(finish(start(ask_from_spawned, NULL)), ==, 0);
    ask_about_os_thread(NULL);
    end();
}

TEST(yields, "sched_yield lets other green threads run") {
    begin();
    bool flag = false;
    pthread_t thread = create(spin_until, &flag);
    let_run();
    flag = true;
    joined(thread);
    CHECK(lib->yield(), ==, 0);
    end();
}
