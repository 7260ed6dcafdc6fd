/* Patched open() and similar calls. */
#include "fake_disk.h"
#include "files.h"
#include "patched_calls.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Replaces the C library's function, also for Green. Counts the calls that open a file, and
 * does not return while the gate is shut. */
static atomic_bool entered;

int openat(int directory, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (!(flags & O_PATH))
        pass_gate();
    atomic_store(&entered, !(flags & O_PATH));
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

static ssize_t by_open(struct task *task) {
    return lib->open(task->path, task->flags, 0640);
}

static ssize_t by_open64(struct task *task) {
    return lib->open64(task->path, task->flags, 0640);
}

static ssize_t by_openat(struct task *task) {
    return lib->openat(task->fd, task->path, task->flags, 0640);
}

static ssize_t by_creat(struct task *task) {
    return lib->creat(task->path, 0640);
}

static ssize_t by_open_checked(struct task *task) {
    return lib->open_checked(task->path, task->flags & ~O_CREAT);
}

static ssize_t by_openat_checked(struct task *task) {
    return lib->openat_checked(task->fd, task->path, task->flags & ~O_CREAT);
}

/* Calls that create a file come first. */
static ssize_t (*const openers[])(struct task *task) = {by_open,  by_open64,       by_openat,
                                                        by_creat, by_open_checked, by_openat_checked};
enum { OPENERS = 6, CREATORS = 4 };

static void finish_opens(void) {
    remove_directory();
    end();
}

static bool other_ran;

static int note_run(void *unused) {
    (void)unused;
    other_ran = true;
    return 0;
}

TEST(opened, "each call opens as the C library does, while other threads run") {
    begin_with_files();
    umask(027);
    for (size_t i = 0; i < OPENERS; i++) {
        struct task task = {
            .fd = AT_FDCWD, .path = path_of("file"), .flags = O_WRONLY | O_CREAT | O_CLOEXEC, .call = openers[i]};
        struct stat status;
        other_ran = false;
        green_thread *other = start(note_run, NULL);
        errno = 99;
        int fd = (int)task.call(&task);
        CHECK(errno, ==, 99);
        CHECK(other_ran);
        CHECK(finish(other), ==, 0);
        CHECK(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_WRONLY);
        CHECK(fcntl(fd, F_GETFD), ==, task.call == by_creat ? 0 : FD_CLOEXEC);
        CHECK(fstat(fd, &status), ==, 0);
        CHECK(status.st_mode, ==, S_IFREG | 0640);
        CHECK(close(fd), ==, 0);
        CHECK(i < CREATORS - 1 ? unlink(task.path) : 0, ==, 0);
    }
    finish_opens();
}

TEST(unnamed, "a file without a name gets its mode") {
    begin_with_files();
    struct stat status;
    int fd = lib->open(path_of("."), O_TMPFILE | O_RDWR | O_CLOEXEC, 0604);
    if (fd < 0 && errno == EOPNOTSUPP)
        skip("this file system has no O_TMPFILE");
    CHECK(fstat(fd, &status), ==, 0);
    CHECK(status.st_mode & 07777, ==, 0604);
    CHECK(close(fd), ==, 0);
    finish_opens();
}

TEST(lowest, "the new descriptor has the lowest free number") {
    begin_with_files();
    int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int directory = open(path_of("."), O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        CHECK(close(first), ==, 0);
        int fd = i == 0 ? lib->open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
                        : lib->openat(directory, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd, ==, first);
    }
    CHECK(close(first), ==, 0);
    CHECK(close(directory), ==, 0);
    finish_opens();
}

/* Failures ------------------------------------------------------------------------ */

static void fail_with(int error, int directory, const char *path, int flags) {
    errno = 0;
    CHECK(lib->openat(directory, path, flags, 0600), ==, -1);
    CHECK(errno, ==, error);
}

TEST(failures, "calls fail with the errno of the C library") {
    begin_with_files();
    int file = open(path_of("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    fail_with(ENOENT, AT_FDCWD, path_of("none"), O_RDONLY);
    fail_with(ENOENT, AT_FDCWD, "", O_RDONLY);
    fail_with(EEXIST, AT_FDCWD, path_of("file"), O_RDWR | O_CREAT | O_EXCL);
    fail_with(EISDIR, AT_FDCWD, path_of("."), O_RDWR);
    fail_with(ENOTDIR, AT_FDCWD, path_of("file"), O_RDONLY | O_DIRECTORY);
    fail_with(ENOTDIR, file, "file", O_RDONLY);
    fail_with(EBADF, -1, "file", O_RDONLY);
    fail_with(EBADF, 999, "file", O_RDONLY);
#if !SANITIZED
    fail_with(EFAULT, AT_FDCWD, NULL, O_RDONLY);
    errno = 0;
    CHECK(lib->open(NULL, O_RDONLY, 0), ==, -1);
    CHECK(errno, ==, EFAULT);
#endif
    CHECK(close(file), ==, 0);
    finish_opens();
}

TEST(no_descriptors, "a file opens without a descriptor for Green, and fails without one for itself") {
    begin_with_files();
    int directory = open(path_of("."), O_RDONLY | O_CLOEXEC);
    struct rlimit before, limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    size_t open_before = open_descriptors();
    CHECK(lib->close(lib->openat(directory, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600)), ==, 0);
    int next = dup(directory);
    CHECK(close(next), ==, 0);
    for (rlim_t left = 0; left < 4; left++) {
        UNTIL(open_descriptors() == open_before); /* a worker may still have one */
        limit = (struct rlimit){(rlim_t)next + left, before.rlim_max};
        CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
        errno = 0;
        int fd = lib->openat(directory, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
        CHECK(errno, ==, left > 0 ? 0 : EMFILE);
        CHECK(fd >= 0, ==, left > 0);
        if (fd >= 0)
            CHECK(close(fd), ==, 0);
    }
    CHECK(close(directory), ==, 0);
    finish_opens();
}

/* Waiting -------------------------------------------------------------------------- */

TEST(fifo, "the open of a FIFO waits for another green thread at its other end") {
    begin_with_files();
    const char *path = path_of("fifo");
    CHECK(mkfifo(path, 0600), ==, 0);
    struct task reader = {.path = path, .flags = O_RDONLY | O_CLOEXEC, .call = by_open};
    struct task writer = {.path = path, .flags = O_WRONLY | O_CLOEXEC, .call = by_open64};
    char byte = 0;
    begin_task(&reader);
    CHECK(green_sleep(10 * GREEN_MILLISECOND), ==, 0);
    CHECK(is_waiting(&reader));
    begin_task(&writer);
    CHECK(finish(reader.thread), ==, 0);
    CHECK(finish(writer.thread), ==, 0);
    CHECK(write((int)writer.result, "x", 1), ==, 1);
    CHECK(lib->read((int)reader.result, &byte, 1), ==, 1);
    CHECK(byte, ==, 'x');
    CHECK(close((int)reader.result), ==, 0);
    CHECK(close((int)writer.result), ==, 0);
    finish_opens();
}

static int open_within(void *argument) {
    struct task *task = argument;
    green_timeout *limit;
    CHECK(green_timeout_start(&limit, 30 * GREEN_MILLISECOND), ==, 0);
    run_task(task);
    CHECK(green_timeout_has_fired(limit));
    green_timeout_free(limit);
    return 0;
}

TEST(interrupted, "a kill ends the open of a FIFO with ECANCELED, a timeout with ETIMEDOUT, and it is closed later") {
    begin_with_files();
    const char *path = path_of("fifo");
    CHECK(mkfifo(path, 0600), ==, 0);
    struct task task = {.path = path, .flags = O_RDONLY | O_CLOEXEC, .call = by_open};
    for (int i = 0; i < 2; i++) {
        atomic_store(&entered, false);
        if (i == 0) {
            begin_task(&task);
            UNTIL(atomic_load(&entered));
            CHECK(green_thread_kill(task.thread), ==, 0);
        } else {
            task.thread = start(open_within, &task);
        }
        end_task(&task, -1, i == 0 ? ECANCELED : ETIMEDOUT);
        if (!atomic_load(&entered))
            continue; /* it is never opened */
        int fd;
        UNTIL((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0);
        struct pollfd state = {.fd = fd};
        UNTIL(poll(&state, 1, 0) == 1 && (state.revents & POLLERR)); /* no reader */
        CHECK(close(fd), ==, 0);
    }
    finish_opens();
}

TEST(killed, "a kill does not end the open of a file, but the next call") {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    begin_with_files();
    int fd = open(path_of("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(write(fd, "text", 4), ==, 4);
    struct task task = {.path = path_of("file"), .flags = O_RDWR | O_TRUNC | O_CLOEXEC, .call = by_open};
    atomic_store(&shut, true);
    begin_task(&task);
    CHECK(green_thread_kill(task.thread), ==, 0);
    let_run();
    CHECK(is_waiting(&task));
    green_thread *other = start(open_gate, NULL);
    CHECK(finish(task.thread), ==, 0);
    CHECK(task.result, >=, 0);
    CHECK(lseek(fd, 0, SEEK_END), ==, 0);
    CHECK(fcntl(fd, F_SETLK, &lock), ==, 0);
    CHECK(finish(other), ==, 0);
    CHECK(close((int)task.result), ==, 0);
    CHECK(close(fd), ==, 0);
    finish_opens();
}

TEST(many_fifos, "opens of FIFOs that wait do not keep their peers from opening") {
    enum { FIFOS = 100 };
    struct task readers[FIFOS], writers[FIFOS];
    char paths[FIFOS][256];
    begin_with_files();
    for (int i = 0; i < FIFOS; i++) {
        char name[16];
        snprintf(name, sizeof name, "fifo%d", i);
        snprintf(paths[i], sizeof paths[i], "%s", path_of(name));
        CHECK(mkfifo(paths[i], 0600), ==, 0);
        readers[i] = (struct task){.path = paths[i], .flags = O_RDONLY | O_CLOEXEC, .call = by_open};
        writers[i] = (struct task){.path = paths[i], .flags = O_WRONLY | O_CLOEXEC, .call = by_open};
        begin_task(&readers[i]);
    }
    CHECK(green_sleep(10 * GREEN_MILLISECOND), ==, 0);
    for (int i = 0; i < FIFOS; i++)
        begin_task(&writers[i]);
    for (int i = 0; i < FIFOS; i++) {
        CHECK(finish(readers[i].thread), ==, 0);
        CHECK(finish(writers[i].thread), ==, 0);
        CHECK(close((int)readers[i].result), ==, 0);
        CHECK(close((int)writers[i].result), ==, 0);
    }
    finish_opens();
}

/* Relative paths --------------------------------------------------------------------- */

static int replace_it(void *directory) {
    int root = open("/", O_RDONLY | O_CLOEXEC);
    CHECK(lib->dup2(root, *(int *)directory), >=, 0);
    CHECK(close(root), ==, 0);
    return 0;
}

TEST(directory, "a relative path starts at the directory of the call, even if it is replaced meanwhile") {
    begin_with_files();
    int inner = open(path_of("inner"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int directory = open(path_of("."), O_RDONLY | O_CLOEXEC);
    struct task task = {.fd = directory, .path = "inner", .flags = O_RDWR | O_CLOEXEC, .call = by_openat};
    struct stat expected, found;
    task.thread = start(run_task, &task);
    CHECK(finish(start(replace_it, &directory)), ==, 0);
    CHECK(finish(task.thread), ==, 0);
    CHECK(task.result, >=, 0);
    CHECK(fstat(inner, &expected), ==, 0);
    CHECK(fstat((int)task.result, &found), ==, 0);
    CHECK(found.st_ino, ==, expected.st_ino);
    CHECK(close((int)task.result), ==, 0);
    CHECK(close(directory), ==, 0);
    CHECK(close(inner), ==, 0);
    finish_opens();
}

TEST(working_directory, "a relative path starts at the working directory at the time of the call") {
    char before[PATH_MAX];
    begin_with_files();
    int inner = open(path_of("inner"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(getcwd(before, sizeof before) != NULL);
    CHECK(chdir(path_of(".")), ==, 0);
    struct task task = {.path = "inner", .flags = O_RDWR | O_CLOEXEC, .call = by_open};
    atomic_store(&shut, true);
    begin_task(&task);
    CHECK(chdir("/"), ==, 0);
    atomic_store(&shut, false);
    CHECK(finish(task.thread), ==, 0);
    CHECK(task.result, >=, 0);
    CHECK(chdir(before), ==, 0);
    CHECK(close((int)task.result), ==, 0);
    CHECK(close(inner), ==, 0);
    finish_opens();
}

static bool is_locked(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    CHECK(fcntl(fd, F_OFD_GETLK, &lock), ==, 0);
    return lock.l_type == F_RDLCK || lock.l_type == F_WRLCK;
}

TEST(locks, "record locks on a file and its directory survive an open") {
    begin_with_files();
    int file = open(path_of("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int directory = open(path_of("."), O_RDONLY | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10}, shared = lock;
    shared.l_type = F_RDLCK;
    CHECK(fcntl(file, F_SETLK, &lock), ==, 0);
    CHECK(fcntl(directory, F_SETLK, &shared), ==, 0);
    int looking = lib->openat(directory, "file", O_RDWR | O_CLOEXEC, 0);
    int at = lib->open(path_of("."), O_RDONLY | O_CLOEXEC, 0);
    CHECK(is_locked(looking));
    struct flock asked = lock;
    errno = 0;
    CHECK(fcntl(at, F_OFD_GETLK, &asked), ==, 0);
    CHECK(asked.l_type, ==, F_RDLCK);
    CHECK(close(looking), ==, 0);
    CHECK(close(at), ==, 0);
    CHECK(close(directory), ==, 0);
    CHECK(close(file), ==, 0);
    finish_opens();
}

TEST(straight, "files in /proc are opened on the calling OS thread") {
    begin_with_files();
    char link[64] = "";
    other_ran = false;
    green_thread *other = start(note_run, NULL);
    int fd = lib->open("/proc/thread-self", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    CHECK(!other_ran);
    CHECK(readlinkat(fd, "", link, sizeof link - 1), >, 0);
    char own[64];
    snprintf(own, sizeof own, "%d/task/%d", (int)getpid(), (int)getpid());
    CHECK_TEXT(link, own);
    CHECK(close(fd), ==, 0);
    CHECK(finish(other), ==, 0);
    end();
}
