/* file: calls on a small file in the page cache, by one thread and by many threads at a time,
 * beside the plain system calls. */
#include "figure.h"

#include <green/green.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIZE = 4096, THREADS_MAX = 64 };

static char path[] = "/tmp/green-bench-XXXXXX";
static green_file *file;

static void plain_status(void) {
    struct stat status;
    must(stat(path, &status), "stat");
}

static void green_status(void) {
    struct stat status;
    must(green_path_status(path, &status, GREEN_FOREVER), "green_path_status");
}

static void plain_open(void) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd < 0 ? -errno : 0, "open");
    close(fd);
}

static void green_open(void) {
    green_file *opened;
    must(green_file_open(&opened, path, O_RDONLY, 0, GREEN_FOREVER), "green_file_open");
    must(green_file_close(opened), "green_file_close");
    green_file_free(opened);
}

static void plain_read(void) {
    char bytes[SIZE];
    expect(pread(green_file_fd(file), bytes, SIZE, 0) == SIZE, "the file is complete");
}

static void green_read_it(void) {
    char bytes[SIZE];
    expect(green_file_read_at(file, bytes, SIZE, 0) == SIZE, "the file is complete");
}

struct work {
    void (*call)(void);
    long threads, steps; /* steps of each thread */
};

static int work(void *argument) {
    const struct work *work = argument;
    for (long i = 0; i < work->steps; i++)
        work->call();
    return 0;
}

static double at_a_time(long steps, void *context) {
    struct work *share = context;
    green_thread *handles[THREADS_MAX];
    share->steps = steps / share->threads;
    double begin = clock_ns();
    for (long i = 0; i < share->threads; i++)
        must(green_spawn(&handles[i], work, share), "green_spawn");
    for (long i = 0; i < share->threads; i++) {
        must(green_thread_wait(handles[i], NULL, GREEN_FOREVER), "green_thread_wait");
        green_thread_release(handles[i]);
    }
    return clock_ns() - begin;
}

static void measure(const char *name, void (*call)(void), long threads, long steps) {
    struct work share = {.call = call, .threads = threads};
    figure_measure(name, threads, steps, at_a_time, &share);
}

static void make_file(void) {
    static char bytes[SIZE];
    int fd = mkstemp(path);
    must(fd < 0 ? -errno : 0, "mkstemp");
    must(green_file_adopt(&file, fd), "green_file_adopt");
    must((int)green_file_write(file, bytes, SIZE), "green_file_write");
}

void bench_file(void) {
    make_file();
    measure("plain stat", plain_status, 1, 500000);
    measure("file status", green_status, 1, 100000);
    measure("file status", green_status, THREADS_MAX, 100000);
    measure("plain open + close", plain_open, 1, 500000);
    measure("file open + close", green_open, 1, 50000);
    measure("file open + close", green_open, THREADS_MAX, 50000);
    measure("plain read of 4 KiB", plain_read, 1, 500000);
    measure("file read of 4 KiB", green_read_it, 1, 500000);
    measure("file read of 4 KiB", green_read_it, THREADS_MAX, 500000);
    green_file_free(file);
    unlink(path);
}
