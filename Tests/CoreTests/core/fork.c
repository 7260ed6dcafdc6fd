/* fork and exec: a child cannot use its parent's hubs, and the parent is not affected. */
#include "helpers.h"
#include "readers.h"

#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Forks a child that runs the body and exits with 0. */
static pid_t forked(void (*body)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        alarm(30 * time_factor());
        body();
        _exit(0);
    }
    return pid;
}

static void expect_success(pid_t pid) {
    int status = -1;
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
}

static void in_child(void (*body)(void)) {
    expect_success(forked(body));
}

/* Uses a thread, a timer, a socket and a worker. */
static void use_all(void) {
    int value = 7;
    green_address address;
    CHECK(finish(start(give, &value)), ==, 7);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    struct pair pair = connected(TCP4);
    send_text(pair.near, "through");
    expect_text(pair.far, "through");
    release_pair(&pair);
    if (threads_after_fork())
        CHECK(green_resolve(&address, 1, "localhost:80"), ==, 1);
}

/* The parent's handles in the child ------------------------------------------ */

static struct {
    struct pair pair;
    green_listener *listener;
    green_thread *sleeper, *reader, *acceptor;
    green_queue *queue;
    green_event *event;
    green_timeout *timeout;
    green_local *key;
} parents;

static int accept_and_close(void *listener) {
    green_socket *socket;
    int error = green_accept(listener, &socket);
    if (error == 0)
        green_socket_release(socket);
    return error;
}

static void make_parents(void) {
    green_queue_options options = {.element_size = 1, .capacity = 1};
    char element = 'x';
    const void *bytes;
    parents.pair = connected(TCP4);
    parents.listener = listen_any(TCP4);
    parents.sleeper = start(nap, NULL);
    parents.reader = start(read_byte, parents.pair.far);
    parents.acceptor = start(accept_and_close, parents.listener);
    CHECK(green_queue_make(&parents.queue, &options), ==, 0);
    CHECK(green_queue_put(parents.queue, &element, 0), ==, 0);
    CHECK(green_event_make(&parents.event), ==, 0);
    CHECK(green_event_send(parents.event, NULL), ==, 0);
    CHECK(green_timeout_start(&parents.timeout, 3600 * GREEN_SECOND), ==, 0);
    CHECK(green_local_make(&parents.key, NULL), ==, 0);
    CHECK(green_local_set(parents.key, &parents), ==, 0);
    let_run();
    CHECK(send(green_socket_fd(parents.pair.far), "here", 4, 0), ==, 4);
    CHECK(green_receive(parents.pair.near, &bytes), ==, 4);
}

static void use_parents(void) {
    char byte = 'x';
    green_socket *socket;
    void *value;
    CHECK(green_thread_kill(parents.sleeper), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "belongs to the process before the fork");
    CHECK(green_thread_wait(parents.sleeper, NULL, GREEN_FOREVER), ==, -EXDEV);
    CHECK(green_thread_cancel(parents.sleeper), ==, -EXDEV);
    CHECK(green_read(parents.pair.near, &byte, 1), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "belongs to the process before the fork");
    CHECK(green_write(parents.pair.near, "x", 1), ==, -EXDEV);
    CHECK(green_shutdown(parents.pair.near, SHUT_RDWR), ==, -EXDEV);
    CHECK(green_close(parents.pair.near), ==, -EXDEV);
    CHECK(green_accept(parents.listener, &socket), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "belongs to the process before the fork");
    CHECK(green_listener_close(parents.listener), ==, -EXDEV);
    CHECK(green_listener_stop(parents.listener, 0), ==, -EXDEV);
    CHECK(green_queue_get(parents.queue, &byte, 0), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "belongs to the process before the fork");
    CHECK(green_event_wait(parents.event, &value, 0), ==, -EXDEV);
    CHECK(green_local_get(parents.key) == NULL);
}

static void release_parents(void) {
    size_t before = open_descriptors();
    green_consume(parents.pair.near, 2);
    green_socket_release(parents.pair.near);
    green_socket_release(parents.pair.far); /* a thread of the parent reads from it */
    green_listener_release(parents.listener);
    CHECK(before - open_descriptors(), ==, 3);
    green_thread_release(parents.sleeper);
    green_thread_release(parents.reader);
    green_thread_release(parents.acceptor);
    green_queue_free(parents.queue);
    green_event_free(parents.event);
    green_timeout_free(parents.timeout);
    green_local_free(parents.key);
}

static void use_and_release(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, -ENOENT);
    use_parents();
    use_all();
    use_parents();
    release_parents();
    use_all();
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.threads, ==, 1);
    CHECK(now.sockets, ==, 0);
    CHECK(green_hub_close(), ==, 0);
    use_all();
}

static void release_without_hub(void) {
    release_parents();
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, -ENOENT);
}

static void expect_parents(void) {
    struct pair *pair = &parents.pair;
    char byte;
    void *value;
    green_consume(pair->near, 4);
    send_text(pair->near, "!");
    CHECK(finish(parents.reader), ==, 1);
    send_text(pair->near, "still connected");
    expect_text(pair->far, "still connected");
    green_socket_release(connect_to(parents.listener));
    CHECK(finish(parents.acceptor), ==, 0);
    CHECK(!green_thread_is_finished(parents.sleeper));
    CHECK(kill_and_finish(parents.sleeper), ==, -ECANCELED);
    CHECK(green_queue_get(parents.queue, &byte, 0), ==, 0);
    CHECK(green_event_wait(parents.event, &value, 0), ==, 0);
    CHECK(green_timeout_is_pending(parents.timeout));
    CHECK(green_local_get(parents.key) == &parents);
    CHECK(green_local_set(parents.key, NULL), ==, 0);
    green_queue_free(parents.queue);
    green_event_free(parents.event);
    green_timeout_free(parents.timeout);
    green_local_free(parents.key);
    green_listener_release(parents.listener);
    release_pair(pair);
}

static void fork_with_everything(void) {
    make_parents();
    in_child(use_and_release);
    in_child(release_without_hub);
    in_child(use_all);
    expect_parents();
}

TEST(handles, "a child cannot use its parent's handles, may free them, and gets its own hub") {
    on_each_engine(fork_with_everything);
}

/* Descriptors of the engine --------------------------------------------------- */

static size_t engine_descriptors(void) {
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        char link[64], target[64] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) > 0)
            count += strstr(target, "io_uring") || strstr(target, "eventpoll");
    }
    return count;
}

static void expect_no_engine(void) {
    CHECK(engine_descriptors(), ==, 0);
}

static void *run_other_hub(void *door) {
    green_thread *sleeper = start(nap, NULL);
    while (!atomic_load((_Atomic bool *)door))
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    return NULL;
}

static void fork_beside_another(void) {
    static _Atomic bool door;
    pthread_t other;
    atomic_store(&door, false);
    CHECK(pthread_create(&other, NULL, run_other_hub, (void *)&door), ==, 0);
    while (engine_descriptors() < 2)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(green_sleep(10 * GREEN_MILLISECOND), ==, 0); /* now it sleeps */
    in_child(expect_no_engine);
    in_child(use_all);
    atomic_store(&door, true);
    CHECK(pthread_join(other, NULL), ==, 0);
}

static void *make_hubs(void *is_over) {
    while (!atomic_load((_Atomic bool *)is_over)) {
        CHECK(green_yield(), ==, 0);
        CHECK(green_hub_close(), ==, 0);
    }
    return NULL;
}

static void use_hub(void) {
    CHECK(green_yield(), ==, 0);
}

BIG_TEST(loader, "a child makes a hub although other OS threads were making theirs at the fork") {
    enum { OTHERS = 3, CHILDREN = SLOW ? 100 : 1000 };
    if (!threads_after_fork())
        skip("this build cannot run threads in a child that is forked beside other OS threads");
    if (SANITIZED)
        skip("the allocator of AddressSanitizer is not free in a child that is forked beside other OS threads");
    static _Atomic bool is_over;
    pthread_t others[OTHERS];
    for (int i = 0; i < OTHERS; i++)
        CHECK(pthread_create(&others[i], NULL, make_hubs, (void *)&is_over), ==, 0);
    for (int i = 0; i < CHILDREN; i++)
        in_child(use_hub);
    atomic_store(&is_over, true);
    for (int i = 0; i < OTHERS; i++)
        CHECK(pthread_join(others[i], NULL), ==, 0);
}

TEST(descriptors, "a child has no ring and no epoll of its parent's hubs, on any OS thread") {
    on_each_engine(fork_beside_another);
}

/* In a green thread ------------------------------------------------------------ */

static void use_from_green(void) {
    green_thread *self = green_current();
    CHECK_TEXT(green_thread_name(self), "");
    use_all();
    CHECK(green_thread_kill(self), ==, -ECANCELED);
    /* This is the hub's root, and only there a hub can be closed. */
    CHECK(green_hub_close(), ==, 0);
    use_all();
}

static int fork_here(void *argument) {
    (void)argument;
    in_child(use_from_green);
    return 3;
}

static void fork_in_thread(void) {
    green_thread *sleeper = start(nap, NULL);
    CHECK(finish(start_named("forker", fork_here, NULL)), ==, 3);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    use_all();
}

TEST(green_thread, "a green thread that forks continues in the child as the OS thread's own context") {
    on_each_engine(fork_in_thread);
}

static pid_t child_of_thread;

static int fork_and_return(void *result) {
    fflush(NULL);
    child_of_thread = fork();
    if (child_of_thread != 0)
        return 0;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDERR_FILENO);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    green_hub_close();
    return *(int *)result;
}

static int status_of_return(int result) {
    int status = -1;
    CHECK(finish(start(fork_and_return, &result)), ==, 0);
    CHECK(waitpid(child_of_thread, &status, 0), ==, child_of_thread);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void return_in_child(void) {
    CHECK(status_of_return(0), ==, EXIT_SUCCESS);
    CHECK(status_of_return(-EPIPE), !=, EXIT_SUCCESS);
}

/* The parent has no green thread here: LeakSanitizer does not search the parent's green
 * stacks in the child, and would report what only they point to. */
TEST(green_return, "a green thread that returns in the child ends the child, and no other thread runs there") {
    on_each_engine(return_in_child);
}

static void link_forks(green_thread *thread, void *argument) {
    (void)thread, (void)argument;
    fflush(NULL);
    child_of_thread = fork();
    if (child_of_thread == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
    }
}

static int never_in_child(void *argument) {
    if (getpid() != *(pid_t *)argument)
        _exit(0); /* the parent counts this as a failure */
    return 0;
}

static void fork_in_link(void) {
    int value = 0, status = 0;
    pid_t self = getpid();
    green_thread *thread = start(give, &value), *behind = start(never_in_child, &self);
    CHECK(green_thread_link(thread, NULL, link_forks, NULL), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(finish(behind), ==, 0);
    CHECK(waitpid(child_of_thread, &status, 0), ==, child_of_thread);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status), ==, SIGABRT);
}

TEST(in_link, "a child that continues after a fork in a link ends with a message, and runs no thread of its parent") {
    on_each_engine(fork_in_link);
}

/* The pool of workers ---------------------------------------------------------- */

/* Replaces the C library's resolver, whose own locks a fork may leave held. */
static atomic_bool lookups_are_fake;

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    if (!atomic_load(&lookups_are_fake))
        return __real_getaddrinfo(host, service, hints, found);
    usleep(100);
    return EAI_AGAIN;
}

static int look_up_often(void *stop) {
    green_address address;
    while (!*(bool *)stop)
        CHECK(green_resolve(&address, 1, "nobody:80"), ==, -EAGAIN);
    return 0;
}

static void look_up_some(void) {
    bool stop = false;
    green_thread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start(look_up_often, &stop);
    CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
    stop = true;
    for (int i = 0; i < 4; i++)
        CHECK(finish(threads[i]), ==, 0);
}

static void fork_during_lookups(void) {
    bool stop = false;
    green_thread *threads[24]; /* more threads than workers, so some calls wait */
    atomic_store(&lookups_are_fake, true);
    for (int i = 0; i < 24; i++)
        threads[i] = start(look_up_often, &stop);
    for (int i = 0; i < SCALED(100); i++) {
        CHECK(green_sleep(GREEN_MILLISECOND / 2), ==, 0);
        in_child(look_up_some);
    }
    stop = true;
    for (int i = 0; i < 24; i++)
        CHECK(finish(threads[i]), ==, 0);
}

BIG_TEST(lookups, "a child resolves names whatever its parent's workers were doing") {
    if (SANITIZED)
        skip("what another thread holds of a sanitizer's allocator, a child never gets");
    if (!threads_after_fork())
        skip("an emulator does not start OS threads in such a child");
    on_each_engine(fork_during_lookups);
}

/* The parent continues ---------------------------------------------------------- */

static volatile pid_t holder;

static void wait_for_signal(void) {
    pause();
}

/* A child that continues to run holds copies of the parent's connections. */
static void reuse_numbers(void) {
    struct pair pair = connected(TCP4);
    send_text(pair.near, "before");
    expect_text(pair.far, "before");
    holder = forked(wait_for_signal);
    int fd = green_socket_fd(pair.near);
    green_socket *far = pair.far;
    green_socket_release(pair.near);
    for (int i = 0; i < 10; i++) {
        struct pair next = connected(TCP4);
        bool same = green_socket_fd(next.near) == fd || green_socket_fd(next.far) == fd;
        CHECK(i > 0 || same);
        send_text(far, "to no reader"); /* the child's copy is still open */
        send_text(next.near, "after");
        expect_text(next.far, "after");
        green_socket_set_timeouts(next.far, 5 * GREEN_MILLISECOND, GREEN_FOREVER);
        char byte;
        CHECK(green_read(next.far, &byte, 1), ==, -ETIMEDOUT);
        release_pair(&next);
    }
    CHECK(kill(holder, SIGKILL), ==, 0);
    CHECK(waitpid(holder, NULL, 0), ==, holder);
    green_socket_release(far);
}

TEST(parent, "a descriptor number that is reused is not confused with a child's copy") {
    on_each_engine(reuse_numbers);
}

static void child_of_child(void) {
    use_all();
    in_child(use_all);
    use_all();
}

static void fork_twice(void) {
    struct pair pair = connected(TCP4);
    in_child(child_of_child);
    send_text(pair.near, "parent");
    expect_text(pair.far, "parent");
    release_pair(&pair);
}

TEST(generations, "a child of a child gets its own hub, too") {
    on_each_engine(fork_twice);
}

/* exec -------------------------------------------------------------------------- */

/* The open descriptors that ls(1) reports, including its directory, as text that the next
 * call overwrites. */
static const char *inherited_by_exec(void) {
    static char text[512];
    int output[2];
    CHECK(pipe2(output, O_CLOEXEC), ==, 0);
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        dup2(output[1], STDOUT_FILENO);
        execlp("ls", "ls", "/proc/self/fd", NULL);
        _exit(127);
    }
    close(output[1]);
    size_t length = 0;
    for (ssize_t count; (count = read(output[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)count;
    text[length] = '\0';
    close(output[0]);
    expect_success(pid);
    return text;
}

static int exec_inside(void *before) {
    CHECK_TEXT(inherited_by_exec(), before);
    return 0;
}

static char without_green[512];

static void open_everything(void) {
    green_signals *signals;
    green_socket *datagrams;
    green_address address;
    struct pair pairs[] = {connected(UNIX_PAIR), connected(TCP4), connected(UNIX_PATH)};
    green_listener *listeners[] = {listen_any(TCP4), listen_any(UNIX_PATH)};
    green_thread *acceptors[] = {start(accept_and_close, listeners[0]), start(accept_and_close, listeners[1])};
    green_thread *reader = start(read_byte, pairs[1].far);
    bool stop = false;
    atomic_store(&lookups_are_fake, true);
    green_thread *resolver = start(look_up_often, &stop); /* uses an eventfd nearly all the time */
    CHECK(green_signals_open(&signals, (int[]){SIGUSR2}, 1), ==, 0);
    CHECK(green_address_parse(&address, "127.0.0.1:0"), ==, 0);
    CHECK(green_datagram_open(&datagrams, &address), ==, 0);
    let_run();
    CHECK_TEXT(inherited_by_exec(), without_green);
    CHECK(finish(start(exec_inside, without_green)), ==, 0);
    stop = true;
    CHECK(finish(resolver), ==, 0);
    for (int i = 0; i < 2; i++) {
        CHECK(kill_and_finish(acceptors[i]), ==, -ECANCELED);
        green_listener_release(listeners[i]);
    }
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    for (int i = 0; i < 3; i++)
        release_pair(&pairs[i]);
    green_signals_free(signals);
    green_socket_release(datagrams);
}

TEST(exec, "an executed program inherits no descriptor of Green") {
    snprintf(without_green, sizeof without_green, "%s", inherited_by_exec());
    CHECK_CONTAINS(without_green, "2\n"); /* and the descriptors that this process has inherited */
    on_each_engine(open_everything);
}
