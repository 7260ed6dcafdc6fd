/* Measures how late a timer of 1 ms of a green thread fires while other threads read a large
 * file, and how fast they read it.
 *
 *     green-bench-file [PATH [MEBIBYTES [READERS]]]
 *
 * The file is created, read once from the disk and once from memory, and removed. Before
 * that, the timer runs for a second without readers, to measure the delay of the machine
 * itself. */
#include <green/green.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEBIBYTE = 1024 * 1024, SAMPLES_MAX = 1000000, READERS_MAX = 64 };

static const char *path = "green-bench-file.tmp";
static int64_t size = 1024LL * MEBIBYTE;
static int64_t late[SAMPLES_MAX];
static size_t samples;
static int running;

static void die(const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, green_explain(error));
    unlink(path);
    exit(1);
}

static int watch(void *unused) {
    (void)unused;
    samples = 0;
    while (running > 0 && samples < SAMPLES_MAX) {
        int64_t due = green_now() + GREEN_MILLISECOND;
        int error = green_sleep(GREEN_MILLISECOND);
        if (error < 0)
            return error;
        late[samples++] = green_now() - due;
    }
    return 0;
}

static int read_all(void *unused) {
    (void)unused;
    green_file *file;
    char *bytes = malloc(MEBIBYTE);
    int error = green_file_open(&file, path, O_RDONLY, 0, GREEN_FOREVER);
    ssize_t count = error;
    while (error == 0 && (count = green_file_read(file, bytes, MEBIBYTE)) > 0)
        ;
    if (error == 0)
        green_file_free(file);
    free(bytes);
    running--;
    return (int)count;
}

static int rest(void *unused) {
    (void)unused;
    int error = green_sleep(GREEN_SECOND);
    running--;
    return error;
}

static int by_length(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void measure(const char *name, green_function *function, int readers) {
    green_thread *watcher, *threads[READERS_MAX];
    int64_t begun = green_now();
    running = readers;
    int error = green_spawn(&watcher, watch, NULL);
    for (int i = 0; i < readers && error == 0; i++)
        error = green_spawn(&threads[i], function, NULL);
    for (int i = 0; i < readers && error >= 0; i++)
        error = green_thread_wait(threads[i], NULL, GREEN_FOREVER);
    double seconds = (double)(green_now() - begun) / 1e9;
    if (error < 0 || (error = green_thread_wait(watcher, NULL, GREEN_FOREVER)) < 0)
        die(name, error);
    for (int i = 0; i < readers; i++)
        green_thread_release(threads[i]);
    green_thread_release(watcher);
    qsort(late, samples, sizeof *late, by_length);
    double read = function == read_all ? (double)size * readers / MEBIBYTE / seconds : 0;
    printf("%-12s %6.2f s %7.0f MiB/s   timer late: median %.3f ms, 99 %% %.3f ms, worst %.3f ms of %zu\n", name,
           seconds, read, (double)late[samples / 2] / 1e6, (double)late[samples * 99 / 100] / 1e6,
           (double)late[samples - 1] / 1e6, samples);
}

static void make_file(void) {
    green_file *file;
    char *bytes = malloc(MEBIBYTE);
    int error = green_file_open(&file, path, O_WRONLY | O_CREAT | O_TRUNC, 0600, GREEN_FOREVER);
    for (int64_t place = 0; error >= 0 && place < size; place += MEBIBYTE) {
        memset(bytes, (int)(place / MEBIBYTE), MEBIBYTE);
        ssize_t written = green_file_write(file, bytes, MEBIBYTE);
        error = written < 0 ? (int)written : 0;
    }
    if (error == 0)
        error = green_file_sync(file);
    if (error < 0)
        die("making the file", error);
    posix_fadvise(green_file_fd(file), 0, 0, POSIX_FADV_DONTNEED);
    green_file_free(file);
    free(bytes);
}

int main(int count, char **arguments) {
    if (count > 1)
        path = arguments[1];
    if (count > 2)
        size = strtoll(arguments[2], NULL, 10) * MEBIBYTE;
    int readers = count > 3 ? atoi(arguments[3]) : 1;
    bool asks = count > 1 && strcmp(path, "--help") == 0;
    if (asks || *path == '-' || size <= 0 || readers < 1 || readers > READERS_MAX) {
        fprintf(asks ? stdout : stderr, "usage: green-bench-file [PATH [MEBIBYTES [READERS, 1 to %d]]]\n", READERS_MAX);
        return asks ? 0 : 2;
    }
    printf("engine %s, %d readers\n", green_hub_engine(), readers);
    measure("no readers", rest, 1);
    make_file();
    measure("from disk", read_all, readers);
    measure("from memory", read_all, readers);
    unlink(path);
    return 0;
}
