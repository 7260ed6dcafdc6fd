/* Every kind of descriptor that green_file_adopt() accepts, on both engines. */
#include "helpers.h"

#include <green/file.h>

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static green_file *adopt(int fd) {
    green_file *file;
    CHECK(fd, >=, 0);
    CHECK(green_file_adopt(&file, fd), ==, 0);
    return file;
}

/* The file has no position and accepts no offset. */
static void expect_stream(green_file *file) {
    char byte;
    CHECK(green_file_position(file), ==, -ESPIPE);
    CHECK(green_file_set_position(file, 0), ==, -ESPIPE);
    CHECK(green_file_read_at(file, &byte, 1, 0), ==, -ESPIPE);
    CHECK(green_file_write_at(file, &byte, 1, 0), ==, -ESPIPE);
}

static int read_number(void *file) {
    uint64_t number = 0;
    ssize_t count = green_file_read(file, &number, sizeof number);
    return count == sizeof number ? (int)number : (int)count;
}

/* A read waits for the counter, and lets other threads run meanwhile. */
static void count_events(int flags) {
    green_file *file = adopt(eventfd(0, EFD_CLOEXEC | flags));
    const uint64_t seven = 7;
    expect_stream(file);
    green_thread *reader = start(read_number, file);
    let_run();
    CHECK(green_file_write(file, &seven, sizeof seven), ==, sizeof seven);
    CHECK(finish(reader), ==, 7);
    reader = start(read_number, file);
    let_run();
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    green_file_free(file);
}

static void count_on_each_engine(void) {
    count_events(0);
    count_events(EFD_NONBLOCK);
}

TEST(event, "an adopted eventfd is a stream: a read waits for its counter") {
    on_each_engine(count_on_each_engine);
}

static void time_on_each_engine(void) {
    for (int flags = 0; flags <= TFD_NONBLOCK; flags += TFD_NONBLOCK) {
        const struct itimerspec once = {.it_value = {0, 1000}};
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | flags);
        green_file *file = adopt(fd);
        expect_stream(file);
        green_thread *reader = start(read_number, file);
        let_run();
        CHECK(timerfd_settime(fd, 0, &once, NULL), ==, 0);
        CHECK(finish(reader), ==, 1);
        green_file_free(file);
    }
}

TEST(timer, "an adopted timerfd is a stream: a read waits for its expiration") {
    on_each_engine(time_on_each_engine);
}

static int read_any(void *file) {
    char bytes[1024];
    return (int)green_file_read(file, bytes, sizeof bytes);
}

static void watch_on_each_engine(void) {
    for (int flags = 0; flags <= IN_NONBLOCK; flags += IN_NONBLOCK) {
        const char *directory = make_directory();
        char path[256];
        int fd = inotify_init1(IN_CLOEXEC | flags);
        CHECK(inotify_add_watch(fd, directory, IN_CREATE), >=, 0);
        green_file *file = adopt(fd);
        expect_stream(file);
        green_thread *reader = start(read_any, file);
        let_run();
        snprintf(path, sizeof path, "%s/new", directory);
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        CHECK(finish(reader), >=, sizeof(struct inotify_event));
        green_file_free(file);
        remove_directory();
    }
}

TEST(inotify, "an adopted inotify descriptor is a stream: a read waits for an event") {
    on_each_engine(watch_on_each_engine);
}

static void signal_on_each_engine(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL), ==, 0);
    green_file *file = adopt(signalfd(-1, &set, SFD_CLOEXEC));
    expect_stream(file);
    green_thread *reader = start(read_any, file);
    let_run();
    CHECK(kill(getpid(), SIGUSR2), ==, 0);
    CHECK(finish(reader), ==, sizeof(struct signalfd_siginfo));
    green_file_free(file);
}

TEST(signal, "an adopted signalfd is a stream: a read waits for a signal") {
    on_each_engine(signal_on_each_engine);
}

static void expect_offsets(int fd) {
    char byte;
    green_file *file = adopt(fd);
    CHECK(green_file_position(file), ==, 0);
    CHECK(green_file_read_at(file, &byte, 1, 1), ==, 1);
    green_file_free(file);
}

static void offsets_on_each_engine(void) {
    int memory = memfd_create("file", MFD_CLOEXEC);
    CHECK(ftruncate(memory, 10), ==, 0);
    expect_offsets(memory);
    expect_offsets(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    expect_offsets(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    green_file *directory = adopt(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(green_file_position(directory), ==, 0);
    CHECK(read_any(directory), ==, -EISDIR);
    green_file_free(directory);
}

TEST(offsets, "adopted files, directories and devices have offsets") {
    on_each_engine(offsets_on_each_engine);
}
