/* A program that overflows a small stack of a thread, in the way that the argument names: "size", by
 * pthread_attr_setstacksize(), or "stack", by pthread_attr_setstack(). With "handler", the program
 * has a handler of its own for SIGSEGV, which ends it with status 3. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 64 * 1024 };

__attribute__((noinline)) static int overflow_stack(int depth) {
    volatile char bytes[1024];
    memset((char *)bytes, depth, sizeof bytes);
    return depth > 1000000 ? bytes[5] : overflow_stack(depth + 1) + bytes[depth % 1024];
}

static void *begin(void *unused) {
    pthread_setname_np(pthread_self(), "small");
    printf("%d", overflow_stack(0));
    return unused;
}

static void on_segv(int number) {
    (void)number;
    static const char text[] = "the program's handler\n";
    _exit(write(2, text, sizeof text - 1) > 0 ? 3 : 4);
}

int main(int count, char **arguments) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    if (count > 1 && strcmp(arguments[1], "stack") == 0) {
        /* Below it is a guard. */
        char *memory = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED || mprotect(memory, SIZE, PROT_NONE) != 0)
            return 5;
        pthread_attr_setstack(&attributes, memory + SIZE, SIZE);
    } else {
        pthread_attr_setstacksize(&attributes, SIZE);
    }
    if (count > 1 && strcmp(arguments[1], "handler") == 0) {
        stack_t stack = {.ss_sp = malloc(SIZE), .ss_size = SIZE};
        struct sigaction action = {.sa_handler = on_segv, .sa_flags = SA_ONSTACK};
        if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGSEGV, &action, NULL) != 0)
            return 6;
    }
    if (pthread_create(&thread, &attributes, begin, NULL) != 0)
        return 7;
    pthread_join(thread, NULL);
    return 0;
}
