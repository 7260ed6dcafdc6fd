/* A program whose main thread and other threads set signal stacks of their own, as the runtime of
 * Rust does: each thread removes and frees its stack when it ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 10, SIZE = 64 * 1024 };

static volatile int handled, handled_on_main_stack;
static char *main_stack;

static void check(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "failed: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static void on_signal(int number) {
    char here;
    (void)number;
    handled++;
    handled_on_main_stack += (uintptr_t)&here - (uintptr_t)main_stack < SIZE;
}

static char *set_stack(void) {
    stack_t now, stack = {.ss_size = SIZE};
    stack.ss_sp = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(stack.ss_sp != MAP_FAILED && sigaltstack(&stack, NULL) == 0, "sigaltstack()");
    check(sigaltstack(NULL, &now) == 0 && now.ss_sp == stack.ss_sp && now.ss_size == SIZE && now.ss_flags == 0,
          "a thread has the signal stack that it has set");
    return stack.ss_sp;
}

static void remove_stack(char *stack) {
    stack_t former, disabled = {.ss_flags = SS_DISABLE};
    check(sigaltstack(&disabled, &former) == 0 && former.ss_sp == stack, "the former signal stack is returned");
    check(munmap(stack, SIZE) == 0, "munmap()");
    check(sigaltstack(NULL, &former) == 0 && former.ss_flags == SS_DISABLE, "a thread has no signal stack");
}

static void *use_stack(void *unused) {
    stack_t now, small = {.ss_sp = &now, .ss_size = 1};
    check(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE, "a new thread has no signal stack");
    check(sigaltstack(&small, NULL) == -1 && errno == ENOMEM, "a stack that is too small is refused");
    small = (stack_t){.ss_sp = &now, .ss_size = SIZE, .ss_flags = 1 << 8};
    check(sigaltstack(&small, NULL) == -1 && errno == EINVAL, "unknown flags are refused");
    char *stack = set_stack();
    usleep(100);
    check(raise(SIGUSR1) == 0, "raise()");
    usleep(100);
    remove_stack(stack);
    check(raise(SIGUSR1) == 0, "raise()"); /* now on the stack of the thread */
    return unused;
}

int main(void) {
    pthread_t threads[THREADS];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction()");
    stack_t now;
    check(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE, "the main thread has no signal stack at first");
    main_stack = set_stack();
    for (int i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, use_stack, NULL) == 0, "pthread_create()");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check(handled == 2 * THREADS, "each signal is handled");
    handled_on_main_stack = 0;
    check(raise(SIGUSR1) == 0 && handled_on_main_stack == 1, "the main thread's handler runs on its signal stack");
    remove_stack(main_stack);
    check(raise(SIGUSR1) == 0 && handled_on_main_stack == 1, "without one, it runs elsewhere");
}
