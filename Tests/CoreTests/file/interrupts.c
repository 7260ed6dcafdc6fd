/* Calls on files that end early, and calls on streams, which may block. */
#include "files.h"

#include <sys/file.h>
#include <sys/resource.h>

struct reading {
    green_file *file;
    char *bytes;
    size_t size;
};

static int read_once(void *argument) {
    const struct reading *reading = argument;
    return (int)green_file_read(reading->file, reading->bytes, reading->size);
}

static int read_byte(void *file) {
    char byte;
    return (int)green_file_read(file, &byte, 1);
}

static int write_much(void *file) {
    char *bytes = calloc(1, 1 << 20);
    int result = (int)green_file_write(file, bytes, 1 << 20);
    free(bytes);
    return result;
}

static void release(struct pipe_ends *ends) {
    green_file_free(ends->near);
    green_file_free(ends->far);
}

/* Streams ---------------------------------------------------------------------- */

struct flow {
    green_file *file;
    size_t size;
};

static int write_pattern(void *argument) {
    const struct flow *flow = argument;
    char *bytes = malloc(flow->size);
    pattern_fill(bytes, flow->size, 0);
    CHECK(green_file_write(flow->file, bytes, flow->size), ==, flow->size);
    free(bytes);
    return green_file_close(flow->file);
}

static void flow_through(int flags) {
    enum { SIZE = 1 << 20 };
    static char bytes[100000];
    struct pipe_ends ends = pipe_of(flags);
    struct flow flow = {ends.far, SIZE};
    green_thread *writer = start(write_pattern, &flow);
    size_t place = 0;
    for (ssize_t count; (count = green_file_read(ends.near, bytes, sizeof bytes)) != 0; place += (size_t)count) {
        CHECK(count, >, 0);
        pattern_check(bytes, (size_t)count, place);
    }
    CHECK(place, ==, SIZE);
    CHECK(finish(writer), ==, 0);
    release(&ends);
}

TEST(pipes, "a pipe, blocking or not, is read and written to its end and blocks no other thread") {
    flow_through(0);
    flow_through(O_NONBLOCK);
}

TEST(available_bytes, "a read from a pipe returns the available bytes, and a pipe has no offsets") {
    char bytes[100];
    struct pipe_ends ends = pipe_of(0);
    CHECK(green_file_write(ends.far, "abc", 3), ==, 3);
    CHECK(green_file_read(ends.near, bytes, sizeof bytes), ==, 3);
    CHECK(memcmp(bytes, "abc", 3), ==, 0);
    CHECK(green_file_read_at(ends.near, bytes, 1, 0), ==, -ESPIPE);
    CHECK_CONTAINS(green_explain(-ESPIPE), "at an offset");
    CHECK(green_file_write_at(ends.far, bytes, 1, 0), ==, -ESPIPE);
    CHECK(green_file_position(ends.near), ==, -ESPIPE);
    CHECK(green_file_set_position(ends.near, 0), ==, -ESPIPE);
    release(&ends);
}

TEST(broken, "a write to a pipe without a reader is -EPIPE, without SIGPIPE") {
    struct pipe_ends ends = pipe_of(0);
    green_thread *writer = start(write_much, ends.far);
    let_run();
    CHECK(!green_thread_is_finished(writer));
    CHECK(green_file_close(ends.near), ==, 0);
    CHECK(finish(writer), ==, -EPIPE);
    CHECK(green_file_write(ends.far, "x", 1), ==, -EPIPE);
    CHECK_CONTAINS(green_explain(-EPIPE), "cannot write descriptor");
    release(&ends);
}

TEST(two_readers, "a second reader is -EBUSY and the message names the first; a writer is allowed") {
    struct pipe_ends ends = pipe_of(0);
    green_thread *reader = start_named("first", read_byte, ends.near);
    let_run();
    CHECK(read_byte(ends.near), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "'first' is already reading it");
    CHECK(green_file_write(ends.far, "x", 1), ==, 1);
    CHECK(finish(reader), ==, 1);
    release(&ends);
}

/* Interrupts ------------------------------------------------------------------- */

TEST(interrupts, "a kill, a green_timeout and the file's timeout end a read, each with its own error") {
    struct pipe_ends ends = pipe_of(0);
    green_timeout *limit;
    green_thread *reader = start(read_byte, ends.near), *writer = start(write_much, ends.far);
    CHECK(finish(reader), ==, 1);
    let_run();
    CHECK(kill_and_finish(writer), ==, -ECANCELED);
    release(&ends);

    ends = pipe_of(0);
    reader = start(read_byte, ends.near);
    let_run();
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    CHECK(green_timeout_start(&limit, GREEN_MILLISECOND), ==, 0);
    CHECK(read_byte(ends.near), ==, -ETIME);
    green_timeout_free(limit);
    green_file_set_timeout(ends.near, GREEN_MILLISECOND);
    CHECK(green_file_timeout(ends.near), ==, GREEN_MILLISECOND);
    CHECK(read_byte(ends.near), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot read descriptor");
    CHECK(green_file_write(ends.far, "x", 1), ==, 1);
    CHECK(read_byte(ends.near), ==, 1);
    release(&ends);
}

TEST(untouched, "after a killed read its memory is not written to, and the position is unchanged") {
    enum { SIZE = 4 * 1024 * 1024 };
    struct reading reading = {file_of_pattern("file", SIZE), malloc(SIZE), SIZE};
    for (int i = 0; i < SCALED(100); i++) {
        memset(reading.bytes, 0x5a, SIZE);
        CHECK(green_file_set_position(reading.file, 0), ==, 0);
        green_thread *thread = start(read_once, &reading);
        for (uint32_t yields = random_below(40); yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(thread);
        CHECK(result == SIZE || result == -ECANCELED);
        CHECK(green_file_position(reading.file), ==, result < 0 ? 0 : SIZE);
        memset(reading.bytes, 0x5a, SIZE);
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        for (size_t place = 0; place < SIZE; place += 1024)
            CHECK(reading.bytes[place], ==, 0x5a);
    }
    free(reading.bytes);
    green_file_free(reading.file);
    remove_directory();
}

TEST(killed_writes, "a killed write has written at least up to the position") {
    green_file *file = open_file("file", O_RDWR | O_CREAT);
    for (int i = 0; i < SCALED(100); i++) {
        CHECK(green_file_set_position(file, 0), ==, 0);
        CHECK(green_file_truncate(file, 0), ==, 0);
        green_thread *thread = start(write_much, file);
        for (uint32_t yields = random_below(20); yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(thread);
        CHECK(result == 1 << 20 || result == -ECANCELED);
        CHECK(green_file_size(file), >=, green_file_position(file));
        CHECK(result < 0 || green_file_position(file) == 1 << 20);
    }
    green_file_free(file);
    remove_directory();
}

static int open_to_read(void *path) {
    return open_and_release(path, O_RDONLY);
}

/* The remaining calls. The harness checks that nothing stays open. */
static void open_both_ends(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd, >=, 0);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    close(fd);
}

TEST(fifo, "an open of a FIFO waits for its other end, and can be killed and time out") {
    char *path = strdup(path_of("fifo"));
    green_file *file;
    CHECK(mkfifo(path, 0600), ==, 0);
    green_thread *reader = start(open_to_read, path);
    CHECK(green_file_open(&file, path, O_WRONLY, 0, GREEN_FOREVER), ==, 0);
    CHECK(finish(reader), ==, 0);
    green_file_free(file);
    CHECK(green_file_open(&file, path, O_RDONLY, 0, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot open '");
    reader = start(open_to_read, path);
    let_run();
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    open_both_ends(path);
    free(path);
    remove_directory();
}

/* Closing ---------------------------------------------------------------------- */

static int open_to_write(void *path) {
    return open_and_release(path, O_WRONLY);
}

enum { FIFOS = 40 };

TEST(many_fifos, "opens that wait for FIFOs do not block the opens of the other ends") {
    green_thread *readers[FIFOS], *writers[FIFOS];
    char *paths[FIFOS], name[16];
    for (int i = 0; i < FIFOS; i++) {
        snprintf(name, sizeof name, "fifo%d", i);
        paths[i] = strdup(path_of(name));
        CHECK(mkfifo(paths[i], 0600), ==, 0);
        readers[i] = start(open_to_read, paths[i]);
    }
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    for (int i = 0; i < FIFOS; i++)
        writers[i] = start(open_to_write, paths[i]);
    for (int i = 0; i < FIFOS; i++) {
        CHECK(finish(readers[i]) + finish(writers[i]), ==, 0);
        free(paths[i]);
    }
    remove_directory();
}

static void use_files(green_file *file, char *bytes, size_t size) {
    green_listing *listing;
    CHECK(green_file_read_at(file, bytes, size, 0), ==, size);
    pattern_check(bytes, size, 0);
    green_file *other = open_file("other", O_RDWR | O_CREAT);
    CHECK(green_file_size(other), ==, 0);
    CHECK(green_file_close(other), ==, 0);
    green_file_free(other);
    CHECK(green_directory_list(&listing, path_of("."), GREEN_FOREVER), ==, 0);
    green_listing_free(listing);
}

TEST(lone_fifos, "opens that wait for FIFOs do not block calls on files, even when killed") {
    enum { SIZE = 1 << 20 };
    green_thread *opens[FIFOS];
    char *path = strdup(path_of("fifo")), *bytes = malloc(SIZE);
    green_file *file = file_of_pattern("file", SIZE);
    CHECK(mkfifo(path, 0600), ==, 0);
    for (int i = 0; i < FIFOS; i++)
        opens[i] = start(open_to_read, path);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    use_files(file, bytes, SIZE);
    for (int i = 0; i < FIFOS; i++) {
        CHECK(!green_thread_is_finished(opens[i]));
        CHECK(kill_and_finish(opens[i]), ==, -ECANCELED);
    }
    use_files(file, bytes, SIZE);
    open_both_ends(path);
    green_file_free(file);
    free(bytes);
    free(path);
    remove_directory();
}

TEST(stopped, "an open of a FIFO continues to wait after the process was stopped") {
    char *path = strdup(path_of("fifo"));
    CHECK(mkfifo(path, 0600), ==, 0);
    green_thread *thread = start(open_to_read, path);
    let_run();
    stop_now_and_then();
    CHECK(!green_thread_is_finished(thread));
    green_file_free(open_file("fifo", O_WRONLY));
    CHECK(finish(thread), ==, 0);
    free(path);
    remove_directory();
}

TEST(closed, "a close wakes the calls on the file, and later calls are -EBADF") {
    struct pipe_ends ends = pipe_of(0);
    green_thread *reader = start(read_byte, ends.near), *writer = start(write_much, ends.far);
    CHECK(finish(reader), ==, 1);
    CHECK(write_much(ends.near), ==, -EBADF); /* the wrong end */
    CHECK(read_byte(ends.far), ==, -EBADF);
    CHECK(green_file_close(ends.far), ==, 0);
    CHECK(finish(writer), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "of 1048576 bytes: the file was closed");
    CHECK(green_file_close(ends.far), ==, 0);
    CHECK(write_much(ends.far), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "the file is closed");
    release(&ends);

    ends = pipe_of(0);
    reader = start(read_byte, ends.near);
    let_run();
    char message[64];
    snprintf(message, sizeof message, "descriptor %d: the file was closed", green_file_fd(ends.near));
    CHECK(green_file_close(ends.near), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), message);
    release(&ends);
}

TEST(released, "a free wakes the calls on the file, and the file outlives them") {
    struct pipe_ends ends = pipe_of(0);
    green_thread *reader = start(read_byte, ends.near);
    let_run();
    green_file_free(ends.near);
    CHECK(finish(reader), ==, -EBADF);
    green_file_free(ends.far);
    green_file_free(NULL);
}

TEST(closed_in_reads, "a close during reads ends them and leaks no descriptor") {
    enum { SIZE = 1 << 20, READERS = 4 };
    green_file_free(file_of_pattern("file", SIZE));
    for (int i = 0; i < SCALED(60); i++) {
        green_file *file = open_file("file", O_RDONLY);
        struct reading readings[READERS];
        green_thread *threads[READERS];
        for (int j = 0; j < READERS; j++) {
            readings[j] = (struct reading){file, malloc(SIZE), SIZE};
            threads[j] = start(read_once, &readings[j]);
        }
        for (uint32_t yields = random_below(12); yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        CHECK(green_file_close(file), ==, 0);
        for (int j = 0; j < READERS; j++) {
            int result = finish(threads[j]);
            CHECK(result == -EBADF || result == -EBUSY || result == SIZE || result == 0);
            free(readings[j].bytes);
        }
        green_file_free(file);
    }
    remove_directory();
}

TEST(last_descriptor, "calls on a file, and its close, need no descriptor") {
    struct rlimit before;
    green_file *file = open_file("file", O_RDWR | O_CREAT);
    getrlimit(RLIMIT_NOFILE, &before);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){1, before.rlim_max});
    CHECK(green_file_size(file), ==, 0);
    CHECK(green_file_close(file), ==, 0);
    setrlimit(RLIMIT_NOFILE, &before);
    green_file_free(file);
    remove_directory();
}

TEST(closed_releases_all, "a closed file has released its descriptor and its locks") {
    for (int i = 0; i < SCALED(200); i++) {
        green_file *file = open_file("file", O_RDWR | O_CREAT), *next = open_file("file", O_RDWR);
        int fd = green_file_fd(file);
        CHECK(flock(fd, LOCK_EX), ==, 0);
        CHECK(green_file_size(file), ==, 0);
        CHECK(green_file_close(file), ==, 0);
        CHECK(fcntl(fd, F_GETFD), ==, -1);
        CHECK(flock(green_file_fd(next), LOCK_EX | LOCK_NB), ==, 0);
        CHECK(green_file_close(next), ==, 0);
        green_file_free(file);
        green_file_free(next);
    }
    remove_directory();
}

static int sync_file(void *file) {
    return green_file_sync(file);
}

TEST(closed_in_sync, "a file closed during a sync is closed when the sync ends") {
    for (int i = 0; i < SCALED(30); i++) {
        green_file *file = open_file("file", O_RDWR | O_CREAT);
        CHECK(green_file_write(file, "abc", 3), ==, 3);
        green_thread *syncer = start(sync_file, file);
        for (int yields = i % 3; yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(syncer);
        CHECK(result == 0 || result == -ECANCELED);
        CHECK(green_file_close(file), ==, 0);
        green_file_free(file);
    }
    remove_directory(); /* the harness checks that nothing stays open */
}

static int close_file(void *file) {
    return green_file_close(file);
}

TEST(killed_close, "a killed close still closes the file") {
    for (int i = 0; i < SCALED(60); i++) {
        green_file *file = open_file("file", O_RDWR | O_CREAT);
        green_thread *closer = start(close_file, file);
        for (int yields = i % 5; yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(closer);
        CHECK(result == 0 || result == -ECANCELED);
        CHECK(i % 5 == 0 || green_file_fd(file) == -EBADF);
        green_file_free(file);
    }
    remove_directory();
}
