/* Streams that do not support non-blocking reads: the hub polls, and then reads. Which
 * streams these are depends on the kernel; terminals and inotify always are. */
#include "files.h"

#include <dirent.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>

struct stream {
    int near, far; /* to read from; to write to, or -1 */
};

static struct stream open_pipe(void) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    return (struct stream){ends[0], ends[1]};
}

static struct stream open_terminal(void) {
    struct stream stream;
    struct termios raw;
    CHECK(openpty(&stream.far, &stream.near, NULL, NULL, NULL), ==, 0);
    CHECK(tcgetattr(stream.near, &raw), ==, 0);
    cfmakeraw(&raw);
    CHECK(tcsetattr(stream.near, TCSANOW, &raw), ==, 0);
    return stream;
}

static struct stream open_inotify(void) {
    struct stream stream = {.near = inotify_init1(IN_CLOEXEC), .far = -1};
    CHECK(inotify_add_watch(stream.near, path_of("."), IN_CREATE), >=, 0);
    return stream;
}

static struct stream open_socket(void) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    return (struct stream){ends[0], ends[1]};
}

static struct stream open_counter(void) {
    int fd = eventfd(0, EFD_CLOEXEC);
    return (struct stream){fd, fcntl(fd, F_DUPFD_CLOEXEC, 0)};
}

static struct stream open_timer(void) {
    return (struct stream){timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), -1};
}

static void put_bytes(const struct stream *stream) {
    CHECK(write(stream->far, "abcdefgh", 8), ==, 8);
}

static void put_name(const struct stream *stream) {
    (void)stream;
    CHECK(unlink(path_of("new")) == 0 || errno == ENOENT);
    close(open(path_of("new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void put_expiry(const struct stream *stream) {
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    CHECK(timerfd_settime(stream->near, 0, &soon, NULL), ==, 0);
}

static const struct kind {
    const char *name;
    struct stream (*open)(void);
    void (*put)(const struct stream *stream); /* something to read */
} kinds[] = {
    {"pipe", open_pipe, put_bytes},       {"terminal", open_terminal, put_bytes}, {"inotify", open_inotify, put_name},
    {"eventfd", open_counter, put_bytes}, {"timerfd", open_timer, put_expiry},    {"socket", open_socket, put_bytes},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *tested;

static void name_tested(void) {
    fprintf(stderr, "the kind: %s\n", tested);
}

static green_file *adopt_copy(int fd) {
    green_file *file;
    CHECK(green_file_adopt(&file, fcntl(fd, F_DUPFD_CLOEXEC, 0)), ==, 0);
    return file;
}

static int read_some(void *file) {
    char bytes[256];
    return (int)green_file_read(file, bytes, sizeof bytes);
}

static void with_each_kind(void (*check)(const struct kind *kind, const struct stream *stream)) {
    on_failure = name_tested;
    for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
        tested = kind->name;
        struct stream stream = kind->open();
        check(kind, &stream);
        close(stream.near);
        if (stream.far >= 0)
            close(stream.far);
    }
}

static void read_at_once(const struct kind *kind, const struct stream *stream) {
    green_file *file = adopt_copy(stream->near);
    green_file_set_timeout(file, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(read_some(file), ==, -ETIMEDOUT);
        kind->put(stream);
        UNTIL(green_wait_fd(stream->near, POLLIN, 0) == POLLIN);
        CHECK(read_some(file), >, 0);
    }
    green_file_free(file);
}

static void read_each_at_once(void) {
    with_each_kind(read_at_once);
}

TEST(at_once, "a read with a timeout of 0 returns the available bytes of every kind of stream") {
    on_each_engine(read_each_at_once);
    remove_directory();
}

static void interrupt(const struct kind *kind, const struct stream *stream) {
    green_file *file = adopt_copy(stream->near);
    for (int i = 0; i < 3; i++) {
        green_thread *reader = start(read_some, file);
        let_run();
        CHECK(kill_and_finish(reader), ==, -ECANCELED);
        kind->put(stream);
        CHECK(read_some(file), >, 0);
    }
    green_file_free(file);
}

static void interrupt_each(void) {
    with_each_kind(interrupt);
}

TEST(killed, "a killed read takes nothing from the stream, of every kind") {
    on_each_engine(interrupt_each);
    remove_directory();
}

static void share(const struct kind *kind, const struct stream *stream) {
    green_file *files[2] = {adopt_copy(stream->near), adopt_copy(stream->near)};
    for (int i = 0; i < 10; i++) {
        green_thread *readers[2] = {start(read_some, files[0]), start(read_some, files[1])};
        let_run();
        kind->put(stream);
        UNTIL(green_thread_is_finished(readers[0]) || green_thread_is_finished(readers[1]));
        int first = green_thread_is_finished(readers[1]);
        CHECK(finish(readers[first]), >, 0);
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        CHECK(!green_thread_is_finished(readers[!first]));
        kind->put(stream);
        CHECK(finish(readers[!first]), >, 0);
    }
    green_file_free(files[0]);
    green_file_free(files[1]);
}

static void share_each(void) {
    with_each_kind(share);
}

TEST(shared, "of two readers of one descriptor one gets the bytes, and the other continues to wait") {
    on_each_engine(share_each);
    remove_directory();
}

/* The workers of a ring are threads of the process. */
static bool is_worker(const char *thread) {
    char path[320], name[16] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread);
    FILE *file = fopen(path, "r");
    if (file && !fgets(name, sizeof name, file))
        *name = 0;
    if (file)
        fclose(file);
    return strncmp(name, "iou-wrk", 7) == 0;
}

static size_t kernel_workers(void) {
    size_t count = 0;
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += *entry->d_name != '.' && is_worker(entry->d_name);
    closedir(directory);
    return count;
}

static void read_without_workers(const struct kind *kind, const struct stream *stream) {
    green_file *file = adopt_copy(stream->near);
    for (int i = 0; i < 3; i++) {
        green_thread *reader = start(read_some, file);
        let_run();
        kind->put(stream);
        CHECK(finish(reader), >, 0);
        CHECK(kernel_workers(), ==, 0);
    }
    green_file_free(file);
}

TEST(workers, "a read from a stream of any kind starts no worker of the kernel") {
    with_each_kind(read_without_workers);
    remove_directory();
}
