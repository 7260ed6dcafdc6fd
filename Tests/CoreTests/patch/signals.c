/* Signals in a program patched with GREEN_PATCH_SIGNAL: handlers end patched calls as they end
 * those of the kernel, and calls that wait for signals park. */
#include "patches.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAMILIES = GREEN_PATCH_ALL | GREEN_PATCH_THREAD | GREEN_PATCH_SIGNAL };

static green_patch *patch;
static volatile int handled;

static void begin(void) {
    CHECK(green_monkey_patch(&patch, FAMILIES), ==, 0);
    CHECK(green_yield(), ==, 0); /* makes the hub */
}

static void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

static void on_signal(int number) {
    (void)number;
    handled++;
}

static void handle(int number, int flags) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    CHECK(sigaction(number, &action, NULL), ==, 0);
}

/* Calls that wait for ever, or very long --------------------------------------- */

static int pair[2];
static sem_t semaphore;

static int receive(void) {
    char byte;
    return (int)recv(pair[0], &byte, 1, 0);
}

static int read_byte_of_socket(void) {
    char byte;
    return (int)read(pair[0], &byte, 1);
}

static int wait_for_semaphore(void) {
    return sem_wait(&semaphore);
}

static struct timespec in_a_day(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += 24 * 3600;
    return time;
}

static int wait_for_semaphore_until(void) {
    struct timespec time = in_a_day();
    return sem_timedwait(&semaphore, &time);
}

static int receive_for_a_day(void) {
    struct timeval day = {.tv_sec = 24 * 3600};
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &day, sizeof day), ==, 0);
    return receive();
}

static int poll_socket(void) {
    return poll(&(struct pollfd){.fd = pair[0], .events = POLLIN}, 1, -1);
}

static int select_nothing(void) {
    return select(0, NULL, NULL, NULL, &(struct timeval){.tv_sec = 24 * 3600});
}

static int wait_for_epoll(void) {
    struct epoll_event event;
    int fd = epoll_create1(0);
    int result = epoll_wait(fd, &event, 1, -1), error = errno;
    close(fd);
    errno = error;
    return result;
}

static int sleep_for_a_day(void) {
    struct timespec rest = {0};
    int result = nanosleep(&(struct timespec){.tv_sec = 24 * 3600}, &rest);
    CHECK(rest.tv_sec, >=, 23 * 3600);
    return result;
}

static int accept_connection(void) {
    return accept(pair[1], NULL, NULL); /* it listens in the test of this call */
}

static int raise_signal(void *unused) {
    (void)unused;
    return kill(getpid(), SIGUSR1);
}

/* The result of a call during which a handler runs. */
static int interrupted(int (*call)(void)) {
    green_thread *thread = start(raise_signal, NULL); /* runs when the call has parked */
    int before = handled;
    errno = 0;
    int result = call();
    CHECK(handled, ==, before + 1);
    CHECK(finish(thread), ==, 0);
    return result;
}

static void make_objects(void) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    CHECK(sem_init(&semaphore, 0, 0), ==, 0);
}

static void destroy_objects(void) {
    close(pair[0]);
    close(pair[1]);
    CHECK(sem_destroy(&semaphore), ==, 0);
}

static int (*const restarting[])(void) = {receive, read_byte_of_socket, wait_for_semaphore};
static int (*const always[])(void) = {wait_for_semaphore_until, receive_for_a_day, poll_socket,
                                      select_nothing,           wait_for_epoll,    sleep_for_a_day};

TEST(without_restart, "a handler without SA_RESTART ends each call with EINTR") {
    begin();
    make_objects();
    handle(SIGUSR1, 0);
    for (size_t i = 0; i < sizeof restarting / sizeof *restarting; i++) {
        CHECK(interrupted(restarting[i]), ==, -1);
        CHECK(errno, ==, EINTR);
    }
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        CHECK(interrupted(always[i]), ==, -1);
        CHECK(errno, ==, EINTR);
    }
    destroy_objects();
    end();
}

TEST(accepting, "a handler without SA_RESTART ends accept() with EINTR") {
    begin();
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    pair[1] = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(pair[1], (struct sockaddr *)&address, sizeof(sa_family_t)), ==, 0); /* a name of the kernel's choice */
    CHECK(listen(pair[1], 1), ==, 0);
    handle(SIGUSR1, 0);
    CHECK(interrupted(accept_connection), ==, -1);
    CHECK(errno, ==, EINTR);
    close(pair[1]);
    end();
}

static int serve_after_signal(void *unused) {
    (void)unused;
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    for (int i = 0; i < 5; i++)
        CHECK(green_yield(), ==, 0);
    CHECK(send(pair[1], "x", 1, 0), ==, 1);
    CHECK(sem_post(&semaphore), ==, 0);
    return 0;
}

TEST(with_restart, "a handler with SA_RESTART ends only the calls that signal(7) lists") {
    begin();
    make_objects();
    handle(SIGUSR1, SA_RESTART);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        CHECK(interrupted(always[i]), ==, -1);
        CHECK(errno, ==, EINTR);
    }
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0}, sizeof(struct timeval)), ==, 0);
    green_thread *thread = start(serve_after_signal, NULL);
    int before = handled;
    CHECK(receive(), ==, 1);
    CHECK(finish(thread), ==, 0);
    CHECK(wait_for_semaphore(), ==, 0);
    thread = start(serve_after_signal, NULL);
    CHECK(wait_for_semaphore(), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(read_byte_of_socket(), ==, 1);
    CHECK(handled, ==, before + 2);
    destroy_objects();
    end();
}

TEST(earlier, "a handler that ran before the call does not end it") {
    begin();
    make_objects();
    handle(SIGUSR1, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(raise(SIGUSR1), ==, 0);
        CHECK(usleep(1000), ==, 0);
        CHECK(poll(NULL, 0, 1), ==, 0);
    }
    CHECK(handled, ==, 3);
    destroy_objects();
    end();
}

TEST(children, "a handler ends a wait for a child, and the child can be waited for again") {
    begin();
    handle(SIGUSR1, 0);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(7);
    }
    green_thread *thread = start(raise_signal, NULL);
    int status = 0;
    CHECK(waitpid(child, &status, 0), ==, -1);
    CHECK(errno, ==, EINTR);
    CHECK(finish(thread), ==, 0);
    CHECK(kill(child, SIGKILL), ==, 0);
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(WIFSIGNALED(status));
    end();
}

static void *hold_and_signal(void *mutex) {
    CHECK(pthread_mutex_lock(mutex), ==, 0);
    CHECK(usleep(1000), ==, 0); /* the main thread begins to wait */
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    CHECK(usleep(1000), ==, 0);
    CHECK(pthread_mutex_unlock(mutex), ==, 0);
    return NULL;
}

TEST(locks, "no handler ends a wait for a mutex or for the end of a thread") {
    begin();
    handle(SIGUSR1, 0);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t id;
    CHECK(pthread_create(&id, NULL, hold_and_signal, &mutex), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(pthread_mutex_lock(&mutex), ==, 0);
    CHECK(handled, ==, 1);
    CHECK(pthread_mutex_unlock(&mutex), ==, 0);
    CHECK(pthread_join(id, NULL), ==, 0);
    CHECK(pthread_create(&id, NULL, hold_and_signal, &mutex), ==, 0);
    CHECK(pthread_join(id, NULL), ==, 0);
    CHECK(handled, ==, 2);
    end();
}

/* Green threads ----------------------------------------------------------------- */

static void *sleep_in_thread(void *error) {
    int result = nanosleep(&(struct timespec){.tv_sec = 24 * 3600}, NULL);
    *(int *)error = result < 0 ? errno : 0;
    return NULL;
}

static int kill_thread(pthread_t id, int number) {
    return pthread_kill(id, number);
}

static int queue_signal(pthread_t id, int number) {
    return pthread_sigqueue(id, number, (union sigval){0});
}

static void end_one_of_two_calls(int (*send)(pthread_t id, int number)) {
    begin();
    handle(SIGUSR1, 0);
    int errors[2] = {0};
    pthread_t ids[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&ids[i], NULL, sleep_in_thread, &errors[i]), ==, 0);
    CHECK(usleep(1000), ==, 0);
    CHECK(send(ids[1], SIGUSR1), ==, 0);
    CHECK(pthread_join(ids[1], NULL), ==, 0);
    CHECK(errors[1], ==, EINTR);
    CHECK(errors[0], ==, 0);
    CHECK(send(ids[0], SIGUSR1), ==, 0);
    CHECK(pthread_join(ids[0], NULL), ==, 0);
    CHECK(errors[0], ==, EINTR);
    end();
}

TEST(directed, "a signal of pthread_kill() ends the call of its thread, and no other one") {
    end_one_of_two_calls(kill_thread);
}

TEST(queued, "a signal of pthread_sigqueue() ends the call of its thread, and no other one") {
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer delays the handler until another call");
    end_one_of_two_calls(queue_signal);
}

static int blocks(int number) {
    sigset_t set;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &set), ==, 0);
    return sigismember(&set, number);
}

static void *block_everything(void *inherited) {
    sigset_t set;
    CHECK(blocks(SIGTERM), ==, 1);
    sigfillset(&set);
    CHECK(pthread_sigmask(SIG_SETMASK, &set, NULL), ==, 0);
    CHECK(usleep(1000), ==, 0);
    CHECK(blocks(SIGUSR1), ==, 1);
    CHECK(blocks(SIGKILL), ==, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL), ==, 0);
    *(int *)inherited = !blocks(SIGUSR1) && blocks(SIGUSR2);
    CHECK(pthread_sigmask(77, &set, NULL), ==, EINVAL);
    return NULL;
}

TEST(masks, "each thread has its own signal mask, and a signal is delivered if any accepts it") {
    begin();
    handle(SIGUSR1, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL), ==, 0);
    pthread_t ids[2];
    int results[2] = {0};
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&ids[i], NULL, block_everything, &results[i]), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(blocks(SIGUSR1), ==, 0);
    CHECK(blocks(SIGTERM), ==, 1);
    CHECK(kill(getpid(), SIGUSR1), ==, 0); /* the context of the OS thread accepts it */
    CHECK(handled, ==, 1);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL), ==, 0);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    CHECK(handled, ==, 1);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(ids[i], NULL), ==, 0); /* they accept it for a moment */
    CHECK(results[0] && results[1]);
    CHECK(handled, ==, 2);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    CHECK(handled, ==, 2);
    sigset_t mask;
    end();
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask), ==, 0);
    CHECK(sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGTERM) && !sigismember(&mask, SIGUSR2));
}

/* Waiting for signals ------------------------------------------------------------ */

static void *wait_for_signal(void *number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(sigwait(&set, number), ==, 0);
    return NULL;
}

static sigset_t blocked(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL), ==, 0);
    return set;
}

TEST(sigwait, "a thread that takes all signals by sigwait() parks, and gets each of them") {
    begin();
    blocked(SIGUSR2);
    for (int i = 0; i < 3; i++) {
        pthread_t id;
        int number = 0;
        CHECK(pthread_create(&id, NULL, wait_for_signal, &number), ==, 0);
        CHECK(usleep(1000), ==, 0);
        CHECK(number, ==, 0);
        CHECK(kill(getpid(), SIGUSR2), ==, 0);
        CHECK(pthread_join(id, NULL), ==, 0);
        CHECK(number, ==, SIGUSR2);
    }
    end();
}

TEST(sigtimedwait, "sigtimedwait() ends at its time, with a signal, or with EINTR") {
    begin();
    sigset_t set = blocked(SIGUSR2);
    siginfo_t info;
    CHECK(sigtimedwait(&set, &info, &(struct timespec){0, 1000}), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(sigtimedwait(&set, &info, &(struct timespec){0}), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(sigtimedwait(&set, &info, &(struct timespec){0, -1}), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(raise(SIGUSR2), ==, 0);
    CHECK(sigwaitinfo(&set, &info), ==, SIGUSR2);
    CHECK(info.si_pid, ==, getpid());
    handle(SIGUSR1, SA_RESTART);
    green_thread *thread = start(raise_signal, NULL);
    CHECK(sigwaitinfo(&set, &info), ==, -1);
    CHECK(errno, ==, EINTR);
    CHECK(finish(thread), ==, 0);
    end();
}

TEST(pause, "pause() and sigsuspend() return when a handler has run, and are no deadlock") {
    begin();
    handle(SIGUSR1, SA_RESTART);
    CHECK(interrupted(pause), ==, -1);
    CHECK(errno, ==, EINTR);
    blocked(SIGUSR1);
    CHECK(raise(SIGUSR1), ==, 0);
    sigset_t none;
    sigemptyset(&none);
    int before = handled;
    CHECK(sigsuspend(&none), ==, -1);
    CHECK(errno, ==, EINTR);
    CHECK(handled, ==, before + 1);
    handle(SIGALRM, 0);
    const struct timeval often = {.tv_usec = 1000}; /* the first one may come before pause() */
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){often, often}, NULL), ==, 0);
    CHECK(pause(), ==, -1);
    CHECK(errno, ==, EINTR);
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0}}, NULL), ==, 0);
    end();
}

/* Actions -------------------------------------------------------------------------- */

static siginfo_t received;

static void on_info(int number, siginfo_t *info, void *context) {
    CHECK(context != NULL);
    received = *info;
    handled += number;
}

TEST(actions, "sigaction() and signal() return what the program has set, and undoing the patch keeps it") {
    begin();
    struct sigaction action = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO | SA_NODEFER}, former;
    sigaddset(&action.sa_mask, SIGTERM);
    CHECK(sigaction(SIGUSR1, &action, &former), ==, 0);
    CHECK(former.sa_handler == SIG_DFL);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(received.si_pid, ==, getpid());
    CHECK(sigaction(SIGUSR1, NULL, &former), ==, 0);
    CHECK(former.sa_sigaction == on_info);
    CHECK(former.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_RESTART), ==, SA_SIGINFO | SA_NODEFER);
    CHECK(sigismember(&former.sa_mask, SIGTERM), ==, 1);
    CHECK(signal(SIGUSR2, on_signal) == SIG_DFL);
    CHECK(signal(SIGUSR2, SIG_IGN) == on_signal);
    CHECK(signal(SIGUSR2, on_signal) == SIG_IGN);
    CHECK(signal(0, on_signal) == SIG_ERR);
    CHECK(signal(SIGKILL, on_signal) == SIG_ERR);
    CHECK(sigaction(NSIG, &action, NULL), ==, -1);
    CHECK(errno, ==, EINVAL);
    end();
    CHECK(sigaction(SIGUSR1, NULL, &former), ==, 0);
    CHECK(former.sa_sigaction == on_info);
    CHECK(sigaction(SIGUSR2, NULL, &former), ==, 0);
    CHECK(former.sa_handler == on_signal);
    CHECK(raise(SIGUSR2), ==, 0);
    begin();
    CHECK(signal(SIGUSR2, SIG_DFL) == on_signal);
    end();
}

TEST(once, "a handler with SA_RESETHAND runs once") {
    begin();
    handle(SIGCHLD, (int)SA_RESETHAND);
    CHECK(raise(SIGCHLD), ==, 0);
    CHECK(raise(SIGCHLD), ==, 0); /* ignored by default */
    CHECK(handled, ==, 1);
    struct sigaction former;
    CHECK(sigaction(SIGCHLD, NULL, &former), ==, 0);
    CHECK(former.sa_handler == SIG_DFL);
    end();
}

/* Fairness ------------------------------------------------------------------------- */

static void *set(void *flag) {
    *(bool *)flag = true;
    return NULL;
}

/* Calls until another thread has run. */
static void busy_wait(int (*call)(void)) {
    pthread_t id;
    bool has_run = false;
    CHECK(pthread_create(&id, NULL, set, &has_run), ==, 0);
    for (int calls = 0; !has_run; calls++) {
        CHECK(call(), >=, 0);
        CHECK(calls, <, 1000);
    }
    CHECK(pthread_join(id, NULL), ==, 0);
}

static int poll_at_once(void) {
    return poll(&(struct pollfd){.fd = pair[0], .events = POLLIN}, 1, 0);
}

static int try_semaphore(void) {
    CHECK(sem_trywait(&semaphore), ==, -1);
    CHECK(errno, ==, EAGAIN);
    return 0;
}

static int set_handler(void) {
    handle(SIGUSR2, 0);
    return 0;
}

static int raise_ignored(void) {
    return raise(SIGURG); /* ignored by default */
}

static int peek(void) {
    char byte;
    return (int)recv(pair[0], &byte, 1, MSG_PEEK);
}

static int write_to_peer(void) {
    return (int)write(pair[0], "x", 1);
}

TEST(fair, "a thread that makes calls in a loop, which do not wait, lets others run") {
    begin();
    make_objects();
    CHECK(write(pair[1], "x", 1), ==, 1);
    busy_wait(poll_at_once);
    busy_wait(poll_socket);
    busy_wait(peek);
    busy_wait(try_semaphore);
    busy_wait(set_handler);
    busy_wait(raise_ignored);
    busy_wait(write_to_peer);
    destroy_objects();
    end();
}

static int written, handler_pipe[2];

static void write_to_pipe(int number) {
    (void)number;
    for (int i = 0; i < 200; i++)
        written += (int)write(handler_pipe[1], "x", 1);
}

TEST(fair_handler, "a signal handler that writes is not interrupted by other threads") {
    begin();
    CHECK(pipe(handler_pipe), ==, 0);
    pthread_t id;
    bool has_run = false;
    signal(SIGUSR1, write_to_pipe);
    CHECK(pthread_create(&id, NULL, set, &has_run), ==, 0);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(written, ==, 200);
    CHECK(!has_run);
    CHECK(pthread_join(id, NULL), ==, 0);
    close(handler_pipe[0]);
    close(handler_pipe[1]);
    end();
}
