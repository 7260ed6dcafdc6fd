/* Patched calls on regular files: what they transfer, and which calls wait. */
#include "patched_files.h"

#include <pthread.h>

static void read_by(task_call *call, int fd, size_t size) {
    struct task task = {.fd = fd, .bytes = others, .size = size, .offset = AT, .call = call};
    memset(others, 0, sizeof others);
    CHECK(lseek(fd, AT, SEEK_SET), ==, AT);
    errno = 99;
    CHECK(call(&task), ==, size);
    CHECK(errno, ==, 99);
    pattern_check(others, size, AT);
    CHECK(others[size], ==, 0);
}

static void write_by(task_call *call, int fd, size_t size) {
    struct task task = {.fd = fd, .bytes = bytes, .size = size, .offset = AT, .call = call};
    memset(others, 0, sizeof others);
    CHECK(ftruncate(fd, 0), ==, 0);
    CHECK(lseek(fd, AT, SEEK_SET), ==, AT);
    pattern_fill(bytes, size, AT);
    errno = 99;
    CHECK(call(&task), ==, size);
    CHECK(errno, ==, 99);
    CHECK(pread(fd, others, SIZE, 0), ==, AT + size);
    pattern_check(others + AT, size, AT);
}

TEST(all_of_it, "each call transfers all data at its offset, whether it is cached or not") {
    const size_t caches[] = {SIZE_MAX, 0, 1, 5000}, sizes[] = {1, 5000, 5001, 300000, SIZE - AT};
    begin_with_files();
    int fd = new_file("file", 0, SIZE);
    for (size_t c = 0; c < 4; c++) {
        cached = caches[c];
        for (size_t s = 0; s < 5; s++)
            for (size_t i = 0; i < READERS; i++)
                read_by(readers[i], fd, sizes[s] > 1 ? sizes[s] : 2);
    }
    for (size_t c = 0; c < 4; c++) {
        cached = caches[c];
        for (size_t s = 0; s < 5; s++)
            for (size_t i = 0; i < WRITERS; i++)
                write_by(writers[i], fd, sizes[s] > 1 ? sizes[s] : 2);
    }
    finish_files(fd);
}

TEST(end_of_file, "only the end of the file makes a transfer short") {
    begin_with_files();
    int fd = new_file("file", 0, 6000);
    for (cached = 0; cached < 9000; cached += 3000)
        for (size_t i = 0; i < READERS; i++) {
            struct task task = {.fd = fd, .bytes = others, .size = 8000, .offset = 1000, .call = readers[i]};
            CHECK(lseek(fd, 1000, SEEK_SET), ==, 1000);
            CHECK(readers[i](&task), ==, 5000);
            pattern_check(others, 5000, 1000);
            task.offset = 6000;
            CHECK(readers[i](&task), ==, 0);
        }
    finish_files(fd);
}

TEST(position, "read and write move the file position, and calls with an offset do not") {
    begin_with_files();
    int fd = new_file("file", 0, 6000);
    struct iovec piece = {others, 100};
    for (cached = 0; cached < 100; cached += 50) {
        CHECK(lseek(fd, 1000, SEEK_SET), ==, 1000);
        CHECK(lib->pread(fd, others, 100, 7), ==, 100);
        CHECK(lib->pwrite(fd, others, 100, 7), ==, 100);
        CHECK(lseek(fd, 0, SEEK_CUR), ==, 1000);
        CHECK(lib->read(fd, others, 100), ==, 100);
        CHECK(lib->preadv2(fd, &piece, 1, -1, 0), ==, 100);
        pattern_check(others, 100, 1100);
        CHECK(lseek(fd, 0, SEEK_CUR), ==, 1200);
        pattern_fill(others, 100, 1200);
        CHECK(lib->write(fd, others, 100), ==, 100);
        pattern_fill(others, 100, 1300);
        CHECK(lib->pwritev2(fd, &piece, 1, -1, 0), ==, 100);
        CHECK(lseek(fd, 0, SEEK_CUR), ==, 1400);
    }
    CHECK(pread(fd, others, 6000, 0), ==, 6000);
    pattern_check(others, 6000, 0);
    finish_files(fd);
}

TEST(flags, "calls with flags go directly to the C library") {
    begin_with_files();
    int fd = new_file("file", 0, 100);
    struct iovec piece = {others, 100};
    cached = 10;
    CHECK(lib->preadv2(fd, &piece, 1, 0, RWF_NOWAIT), ==, 10);
    CHECK(lib->preadv2(fd, &piece, 1, 10, RWF_NOWAIT), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(lib->pwritev2(fd, &piece, 1, 0, RWF_DSYNC), ==, 100);
    CHECK(tries, ==, 2);
    finish_files(fd);
}

/* Transfers that must not be split -------------------------------------------------- */

TEST(appended, "data written at the end or at the file position is written by one system call") {
    begin_with_files();
    int fd = new_file("file", O_APPEND, 1000);
    cached = 10;
    tries = 0;
    for (size_t i = 0; i < WRITERS; i++) {
        struct task task = {.fd = fd, .bytes = bytes, .size = 1000, .call = writers[i]};
        pattern_fill(bytes, 1000, 1000 * (i + 1));
        CHECK(writers[i](&task), ==, 1000);
    }
    CHECK(tries, ==, 0);
    CHECK(pread(fd, others, SIZE, 0), ==, 7000);
    pattern_check(others, 7000, 0);
    finish_files(fd);
}

TEST(durable, "a call that waits for the disk despite RWF_NOWAIT is not tried first") {
    begin_with_files();
    int fd = new_file("file", O_DSYNC, 4096);
    tries = 0;
    CHECK(lib->pwrite(fd, bytes, 100, 0), ==, 100);
    CHECK(tries, ==, 0);
    CHECK(lib->pread(fd, others, 100, 0), ==, 100);
    CHECK(tries, ==, 1);
    int direct = open(path_of("file"), O_RDWR | O_DIRECT | O_CLOEXEC);
    if (direct >= 0) {
        char *block = aligned_alloc(4096, 4096);
        CHECK(lib->pread(direct, block, 4096, 0), ==, 4096);
        pattern_check(block, 4096, 0);
        CHECK(lib->pwrite(direct, block, 4096, 4096), ==, 4096);
        CHECK(tries, ==, 1);
        free(block);
        close(direct);
    }
    finish_files(fd);
}

/* Other threads during a call -------------------------------------------------------- */

static bool other_ran;

static int note_run(void *unused) {
    (void)unused;
    other_ran = true;
    return 0;
}

/* Returns whether a thread that is ready when the call begins has run when it ends. */
static bool lets_others_run(struct task *task) {
    other_ran = false;
    green_thread *other = start(note_run, NULL);
    ssize_t result = task->call(task);
    CHECK(result, >=, 0);
    bool ran = other_ran;
    CHECK(finish(other), ==, 0);
    return ran;
}

TEST(others, "each call that waits lets other threads run, and no other call does") {
    begin_with_files();
    int fd = new_file("file", 0, 6000);
    struct task task = {.fd = fd, .bytes = bytes, .size = 100, .offset = 7};
    for (size_t i = 0; i < READERS + 4; i++) {
        task.call = i < READERS ? readers[i] : writers[i - READERS];
        cached = 0;
        CHECK(lets_others_run(&task));
        cached = 60;
        CHECK(lets_others_run(&task));
        cached = 100;
        CHECK(!lets_others_run(&task));
        CHECK(lseek(fd, 0, SEEK_SET), ==, 0);
    }
    task_call *const always[] = {by_write, by_writev, by_fsync, by_fdatasync};
    for (size_t i = 0; i < 4; i++) {
        task.call = always[i];
        CHECK(lets_others_run(&task));
    }
    finish_files(fd);
}

TEST(by_name, "file calls and close are patched on request, and reads of files only while such a patch exists") {
    begin();
    int fd = new_file("file", 0, 6000);
    struct task task = {.fd = fd, .bytes = others, .size = 100, .call = by_pread};
    const char *calls[] = {"pread", "pread64", "__pread_chk", "pwritev", "fsync", "open", "open64", "__open_2"};
    green_patch *files;
    cached = 0;
    for (size_t i = 0; i < 8; i++)
        CHECK(slots_of(patch, "core-patched-now", calls[i]), ==, 0);
    CHECK(!lets_others_run(&task));
    task.call = by_read;
    CHECK(!lets_others_run(&task));
    green_import_options options = {.families = GREEN_PATCH_FILE};
    CHECK(green_import_patched(&files, PATCHED_NOW, &options), ==, 0);
    for (size_t i = 0; i < 8; i++)
        CHECK(slots_of(files, "core-patched-now", calls[i]), >, 0);
    CHECK(slots_of(files, "core-patched-now", "close"), >, 0);
    CHECK(slots_of(files, "core-patched-now", "dup2"), >, 0);
    CHECK(slots_of(files, "core-patched-now", "read"), ==, 0);
    CHECK(lets_others_run(&task));
    task.call = by_pread;
    CHECK(lets_others_run(&task));
    CHECK(green_unpatch(files), ==, 0);
    CHECK(!lets_others_run(&task));
    task.call = by_read;
    CHECK(!lets_others_run(&task));
    finish_files(fd);
}

static void *call_on_os_thread(void *argument) {
    struct task *task = argument;
    green_statistics statistics;
    run_task(task);
    CHECK(green_hub_statistics(&statistics), ==, -ENOENT);
    return NULL;
}

static void call_in_link(green_thread *thread, void *argument) {
    (void)thread;
    run_task(argument);
}

TEST(straight, "without a hub and in a link, the calls go to the C library") {
    task_call *const calls[] = {by_pread, by_pwrite, by_preadv, by_pwritev2, by_fsync, by_fdatasync};
    begin_with_files();
    int fd = new_file("file", 0, 6000), value = 3;
    cached = 0;
    for (size_t i = 0; i < 6; i++) {
        struct task task = {.fd = fd, .bytes = others, .size = 100, .call = calls[i]};
        pthread_t thread;
        tries = 0;
        CHECK(pthread_create(&thread, NULL, call_on_os_thread, &task), ==, 0);
        CHECK(pthread_join(thread, NULL), ==, 0);
        CHECK(task.result, ==, i < 4 ? 100 : 0);
        green_thread *linked = start(give, &value);
        task.result = -7;
        CHECK(green_thread_link(linked, NULL, call_in_link, &task), ==, 0);
        CHECK(finish(linked), ==, 3);
        CHECK(task.result, ==, i < 4 ? 100 : 0);
        CHECK(tries, ==, 0);
    }
    finish_files(fd);
}

/* Failures --------------------------------------------------------------------------- */

/* The same library, not patched. */
static const struct fixture *plain;

#define SAME(call, ...)                                                                                                \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        CHECK(lib->call(__VA_ARGS__), ==, -1);                                                                         \
        int error_ = errno;                                                                                            \
        CHECK(plain->call(__VA_ARGS__), ==, -1);                                                                       \
        CHECK(error_, ==, errno);                                                                                      \
    } while (0)

static void expect_same_errors(int fd, int reading, int directory, int pipe) {
    struct iovec piece = {bytes, 10}, large = {bytes, SIZE_MAX}, none = {(char *)8, 10};
    SAME(pread, -1, bytes, 10, 0);
    SAME(pread, fd, bytes, 10, -1);
    SAME(pread, fd, bytes, 10, INT64_MAX);
    SAME(pread, fd, bytes, SIZE_MAX, 0);
    SAME(pread, fd, (char *)8, 10, 0);
    SAME(pread, directory, bytes, 10, 0);
    SAME(pread, pipe, bytes, 10, 0);
    SAME(read, directory, bytes, 10);
    SAME(read, fd, (char *)8, 10);
    SAME(preadv, fd, &piece, 1, -2);
    SAME(preadv, fd, &large, 1, 0);
    SAME(preadv, fd, &piece, -1, 0);
    SAME(preadv2, fd, &piece, 1, -2, 0);
    SAME(preadv2, fd, &piece, 1, 0, -1);
    SAME(pwrite, -1, bytes, 10, 0);
    SAME(pwrite, fd, bytes, 10, -1);
    SAME(pwrite, fd, (char *)8, 10, 0);
    SAME(pwrite, fd, bytes, 10, INT64_MAX);
    SAME(pwrite, reading, bytes, 10, 0);
    SAME(pwrite, pipe, bytes, 10, 0);
    SAME(write, reading, bytes, 10);
    SAME(pwritev, fd, &none, 1, 0);
    SAME(pwritev, fd, &piece, 1, -1);
    SAME(fsync, -1);
    SAME(fsync, pipe);
    SAME(fdatasync, -1);
}

TEST(failures, "calls fail with the errno of the C library") {
    begin_with_files();
    plain = load_fixture(PATCHED_LAZY);
    int fd = new_file("file", 0, 6000), ends[2];
    int reading = open(path_of("file"), O_RDONLY | O_CLOEXEC), directory = open(path_of("."), O_RDONLY | O_CLOEXEC);
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    expect_same_errors(fd, reading, directory, ends[0]);
    cached = 0;
    expect_same_errors(fd, reading, directory, ends[0]);
    close(ends[0]);
    close(ends[1]);
    close(reading);
    close(directory);
    finish_files(fd);
}

TEST(no_files, "descriptors that are not files are read as before") {
    begin_with_files();
    int fd = new_file("file", 0, 1), ends[2];
    struct iovec piece = {others, 10};
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(lib->preadv2(ends[0], &piece, 1, -1, 0), ==, 3);
    close(ends[0]);
    close(ends[1]);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(write(ends[1], "de", 2), ==, 2);
    CHECK(lib->preadv2(ends[0], &piece, 1, -1, 0), ==, 3);
    CHECK(lib->preadv2(ends[0], &piece, 1, -1, 0), ==, 2);
    close(ends[0]);
    close(ends[1]);
    int device = open("/dev/zero", O_RDWR | O_CLOEXEC);
    CHECK(lib->pread(device, others, 10, 0), ==, 10);
    CHECK(lib->pwrite(device, others, 10, 0), ==, 10);
    close(device);
    device = open("/proc/version", O_RDONLY | O_CLOEXEC);
    CHECK(lib->pread(device, others, 5, 0), ==, 5);
    CHECK(memcmp(others, "Linux", 5), ==, 0);
    close(device);
    finish_files(fd);
}
