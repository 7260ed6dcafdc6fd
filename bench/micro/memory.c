/* memory: creates, parks, wakes and ends a million guarded threads with stacks of 64 KiB.
 * Measures the resident memory of each and, separately, the page tables, which do not count
 * as resident memory of the process but cost memory of the machine. */
#include "figure.h"

#include <green/green.h>

#include <stdio.h>
#include <string.h>

enum { THREADS = 1000000, STACK_SIZE = 64 * 1024 };

/* Threads wait for the end of a thread that starts in an hour. Cancelling that thread opens
 * the gate. So only the waiting threads themselves are measured. */
typedef struct memory_gate {
    green_thread *thread;
    long arrived;
} memory_gate;

static long passed;
static memory_gate gates[2];

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

static void make_gate(memory_gate *gate) {
    must(green_spawn_after(&gate->thread, 3600 * GREEN_SECOND, nothing, NULL), "green_spawn_after");
}

static void open_gate(memory_gate *gate) {
    expect(green_thread_cancel(gate->thread) == 1, "a gate opens once");
}

static int pass_both_gates(void *argument) {
    (void)argument;
    for (int i = 0; i < 2; i++) {
        gates[i].arrived++;
        must(green_thread_wait(gates[i].thread, NULL, GREEN_FOREVER), "green_thread_wait");
    }
    passed++;
    return 0;
}

static void yield_until(const long *count, long goal) {
    while (*count < goal)
        must(green_yield(), "green_yield");
}

/* Reads a line of /proc/self/status, in bytes. */
static double status(const char *key) {
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            sscanf(line + strlen(key), " %ld", &kib);
    if (file)
        fclose(file);
    return (double)kib * 1024;
}

static void print_per_thread(const char *name, const char *unit, double total) {
    double each = total / THREADS;
    figure_print(name, THREADS, unit, &each, 1);
}

void bench_memory(void) {
    const green_spawn_options options = {.stack_size = STACK_SIZE};
    make_gate(&gates[0]);
    make_gate(&gates[1]);
    must(green_yield(), "green_yield");

    double resident = status("VmRSS:"), tables = status("VmPTE:"), begin = clock_ns();
    for (long i = 0; i < THREADS; i++)
        must(green_spawn_with(NULL, &options, pass_both_gates, NULL), "green_spawn_with");
    double created = clock_ns();
    yield_until(&gates[0].arrived, THREADS);
    double parked = clock_ns();
    resident = status("VmRSS:") - resident;
    tables = status("VmPTE:") - tables;

    double waking = clock_ns();
    open_gate(&gates[0]);
    yield_until(&gates[1].arrived, THREADS);
    double woken = clock_ns();
    open_gate(&gates[1]);
    yield_until(&passed, THREADS);
    double ended = clock_ns();

    print_per_thread("memory: resident", "bytes", resident);
    print_per_thread("memory: page tables", "bytes", tables);
    print_per_thread("memory: create", "ns", created - begin);
    print_per_thread("memory: first run to park", "ns", parked - created);
    print_per_thread("memory: wake and park again", "ns", woken - waking);
    print_per_thread("memory: wake and end", "ns", ended - woken);
    green_thread_release(gates[0].thread);
    green_thread_release(gates[1].thread);
}
