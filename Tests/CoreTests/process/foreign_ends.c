/* Processes and signals that are freed on another OS thread than that of their hub. */
#include "helpers.h"
#include "os_threads.h"

#include <signal.h>
#include <sys/wait.h>

static green_process *start_program(const char *script) {
    const char *const arguments[] = {"sh", "-c", script, NULL};
    green_process *process;
    CHECK(green_process_spawn(&process, "sh", arguments, NULL), ==, 0);
    return process;
}

static void free_process(void *process) {
    green_process_free(process);
}

static uint64_t processes(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.sockets;
}

TEST(ended, "the handle of an ended process is freed by its hub, and leaves no zombie") {
    green_process *process = start_program("exit 3");
    green_process_end end;
    CHECK(green_process_wait(process, &end, GREEN_FOREVER), ==, 0);
    CHECK(end.code, ==, 3);
    on_os_thread(free_process, process);
    UNTIL(processes() == 0);
    CHECK(waitpid(-1, NULL, WNOHANG), ==, -1);
}

static int wait_for_process(void *process) {
    return green_process_wait(process, NULL, GREEN_FOREVER);
}

TEST(running, "a running process whose handle another OS thread frees leaves no zombie, and its waits end") {
    green_process *process = start_program("exec sleep 1000");
    pid_t pid = green_process_id(process);
    green_thread *waiter = start(wait_for_process, process);
    let_run();
    on_os_thread(free_process, process);
    CHECK(finish(waiter), ==, -EBADF);
    CHECK(processes(), ==, 0);
    CHECK(kill(pid, SIGKILL), ==, 0);
    UNTIL(kill(pid, 0) < 0);
}

static void free_signals(void *signals) {
    green_signals_free(signals);
}

static bool is_blocked(int number) {
    sigset_t blocked;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &blocked), ==, 0);
    return sigismember(&blocked, number) == 1;
}

TEST(signals, "signals that another OS thread stops to collect are unblocked on the OS thread of the hub") {
    green_signals *signals;
    CHECK(green_yield(), ==, 0);
    size_t descriptors = open_descriptors();
    CHECK(green_signals_open(&signals, (int[]){SIGUSR1}, 1), ==, 0);
    CHECK(is_blocked(SIGUSR1));
    on_os_thread(free_signals, signals);
    let_run();
    CHECK(!is_blocked(SIGUSR1));
    CHECK(open_descriptors(), ==, descriptors);
}

TEST(signals_after_hub, "signals may be freed after the hub, on any OS thread") {
    green_signals *signals;
    size_t descriptors = open_descriptors();
    CHECK(green_signals_open(&signals, (int[]){SIGUSR1}, 1), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    green_signals_free(signals);
    CHECK(!is_blocked(SIGUSR1));
    CHECK(green_signals_open(&signals, (int[]){SIGUSR2}, 1), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    on_os_thread(free_signals, signals);
    CHECK(is_blocked(SIGUSR2)); /* nothing can reach this OS thread */
    CHECK(open_descriptors(), ==, descriptors);
}
