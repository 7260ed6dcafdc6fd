/* Files and paths: reads, writes, positions and errors. */
#include "../../../csrc/base/feature.h"
#include "files.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { LARGE = 3 * 1024 * 1024 + 17 };

TEST(round_trip, "written bytes are read back, in any sizes") {
    static const size_t sizes[] = {1, 4095, 70000, 256 * 1024, 1 << 20};
    char *bytes = malloc(LARGE);
    green_file *file = file_of_pattern("large", LARGE);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t place = 0;
        CHECK(green_file_set_position(file, 0), ==, 0);
        for (ssize_t count; (count = green_file_read(file, bytes, sizes[i])) > 0; place += (size_t)count) {
            CHECK(count, ==, place + sizes[i] <= LARGE ? sizes[i] : LARGE - place);
            pattern_check(bytes, (size_t)count, place);
            if (i == 0 && place > 1000)
                break;
        }
        CHECK(i == 0 || place == LARGE);
        CHECK(i == 0 || green_file_position(file) == LARGE);
    }
    CHECK(green_file_set_position(file, 0), ==, 0);
    CHECK(green_file_read(file, bytes, LARGE), ==, LARGE);
    pattern_check(bytes, LARGE, 0);
    CHECK(green_file_sync(file), ==, 0);
    CHECK(green_file_sync_data(file), ==, 0);
    CHECK(green_file_close(file), ==, 0);
    green_file_free(file);
    file = open_file("large", O_RDONLY);
    CHECK(green_file_read(file, bytes, LARGE), ==, LARGE);
    pattern_check(bytes, LARGE, 0);
    green_file_free(file);
    free(bytes);
    remove_directory();
}

TEST(offsets, "reads and writes at offsets do not change the position, and a read at the end is 0") {
    char bytes[100];
    green_file *file = file_of_pattern("file", 1000);
    CHECK(green_file_set_position(file, 10), ==, 0);
    CHECK(green_file_read_at(file, bytes, 100, 500), ==, 100);
    pattern_check(bytes, 100, 500);
    CHECK(green_file_read_at(file, bytes, 100, 950), ==, 50);
    pattern_check(bytes, 50, 950);
    CHECK(green_file_read_at(file, bytes, 100, 1000), ==, 0);
    CHECK(green_file_read_at(file, bytes, 100, 1 << 30), ==, 0);
    CHECK(green_file_write_at(file, "here", 4, 2000), ==, 4);
    CHECK(green_file_size(file), ==, 2004);
    CHECK(green_file_read_at(file, bytes, 100, 1998), ==, 6);
    CHECK(memcmp(bytes, "\0\0here", 6), ==, 0);
    CHECK(green_file_position(file), ==, 10);
    CHECK(green_file_read(file, bytes, 5), ==, 5);
    pattern_check(bytes, 5, 10);
    CHECK(green_file_write(file, "over", 4), ==, 4);
    CHECK(green_file_read_at(file, bytes, 6, 14), ==, 6);
    CHECK(memcmp(bytes + 1, "over", 4), ==, 0);
    CHECK(green_file_position(file), ==, 19);
    CHECK(green_file_read(file, bytes, 0), ==, 0);
    CHECK(green_file_read_at(file, bytes, 10, -1), ==, -EINVAL);
    CHECK(green_file_write_at(file, bytes, 10, -1), ==, -EINVAL);
    CHECK(green_file_set_position(file, -1), ==, -EINVAL);
    CHECK(green_file_position(file), ==, 19);
    green_file_free(file);
    remove_directory();
}

TEST(append, "a file opened with O_APPEND is written at its end") {
    char bytes[16];
    green_file *file = open_file("log", O_RDWR | O_CREAT | O_APPEND), *other = open_file("log", O_WRONLY | O_APPEND);
    CHECK(green_file_write(file, "one ", 4), ==, 4);
    CHECK(green_file_write(other, "two ", 4), ==, 4);
    CHECK(green_file_write(file, "three", 5), ==, 5);
    CHECK(green_file_read_at(file, bytes, sizeof bytes, 0), ==, 13);
    CHECK(memcmp(bytes, "one two three", 13), ==, 0);
    green_file_free(file);
    green_file_free(other);
    remove_directory();
}

/* The whole status, compared with fstat(2). */
static void expect_true_status(green_file *file) {
    struct stat status, told;
    CHECK(fstat(green_file_fd(file), &status), ==, 0);
    CHECK(green_file_status(file, &told), ==, 0);
    CHECK(told.st_dev, ==, status.st_dev);
    CHECK(told.st_ino, ==, status.st_ino);
    CHECK(told.st_mode, ==, status.st_mode);
    CHECK(told.st_nlink, ==, status.st_nlink);
    CHECK(told.st_uid, ==, status.st_uid);
    CHECK(told.st_gid, ==, status.st_gid);
    CHECK(told.st_rdev, ==, status.st_rdev);
    CHECK(told.st_size, ==, status.st_size);
    CHECK(told.st_blksize, ==, status.st_blksize);
    CHECK(told.st_blocks, ==, status.st_blocks);
    CHECK(memcmp(&told.st_atim, &status.st_atim, sizeof status.st_atim), ==, 0);
    CHECK(memcmp(&told.st_mtim, &status.st_mtim, sizeof status.st_mtim), ==, 0);
    CHECK(memcmp(&told.st_ctim, &status.st_ctim, sizeof status.st_ctim), ==, 0);
}

TEST(size, "the status and the size of a file can be read, and the file truncated and extended") {
    struct stat status, same;
    char byte;
    green_file *file = file_of_pattern("file", 1000);
    CHECK(green_file_status(file, &status), ==, 0);
    CHECK(S_ISREG(status.st_mode));
    CHECK(status.st_size, ==, 1000);
    CHECK(status.st_mode & 0777, ==, 0600);
    CHECK(green_path_status(path_of("file"), &same, GREEN_FOREVER), ==, 0);
    CHECK(same.st_ino, ==, status.st_ino);
    expect_true_status(file);
    CHECK(green_file_truncate(file, 10), ==, 0);
    CHECK(green_file_size(file), ==, 10);
    CHECK(green_file_truncate(file, 5000), ==, 0);
    CHECK(green_file_read_at(file, &byte, 1, 4999), ==, 1);
    CHECK(byte, ==, 0);
    CHECK(green_file_truncate(file, -1), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "cannot truncate '");
    green_file_free(file);
    remove_directory();
}

static bool is_listed(const green_listing *listing, const char *name) {
    for (size_t i = 0; i < green_listing_count(listing); i++)
        if (strcmp(green_listing_name(listing, i), name) == 0)
            return true;
    return false;
}

TEST(names, "files and directories are made, renamed, listed and removed") {
    enum { FILES = 200 };
    green_listing *listing;
    struct stat status;
    char name[32];
    CHECK(green_directory_create(path_of("room"), 0700, GREEN_FOREVER), ==, 0);
    CHECK(green_directory_create(path_of("room"), 0700, GREEN_FOREVER), ==, -EEXIST);
    CHECK_CONTAINS(green_explain(-EEXIST), "cannot make the directory '");
    CHECK(green_directory_list(&listing, path_of("room"), GREEN_FOREVER), ==, 0);
    CHECK(green_listing_count(listing), ==, 0);
    green_listing_free(listing);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "room/%d", i);
        green_file_free(open_file(name, O_WRONLY | O_CREAT | O_EXCL));
    }
    CHECK(green_path_rename(path_of("room/7"), path_of("room/seven"), GREEN_FOREVER), ==, 0);
    CHECK(green_path_rename(path_of("room/7"), path_of("room/8"), GREEN_FOREVER), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "room/8'");
    CHECK(green_directory_list(&listing, path_of("room"), GREEN_FOREVER), ==, 0);
    CHECK(green_listing_count(listing), ==, FILES);
    CHECK(is_listed(listing, "seven") && is_listed(listing, "199") && !is_listed(listing, "7"));
    CHECK(green_directory_remove(path_of("room"), GREEN_FOREVER), ==, -ENOTEMPTY);
    for (size_t i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "room/%s", green_listing_name(listing, i));
        CHECK(green_path_unlink(path_of(name), GREEN_FOREVER), ==, 0);
    }
    green_listing_free(listing);
    green_listing_free(NULL);
    CHECK(green_directory_remove(path_of("room"), GREEN_FOREVER), ==, 0);
    CHECK(green_path_status(path_of("room"), &status, GREEN_FOREVER), ==, -ENOENT);
    CHECK(green_directory_list(&listing, path_of("room"), GREEN_FOREVER), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "cannot list '");
    remove_directory();
}

TEST(errors, "each error names the file") {
    green_file *file = NULL;
    char bytes[16] = {0};
    CHECK(green_file_open(&file, path_of("none"), O_RDONLY, 0, GREEN_FOREVER), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "cannot open '");
    CHECK_CONTAINS(green_explain(-ENOENT), "/none'");
    CHECK(file == NULL);
    CHECK(green_file_open(&file, path_of("."), O_RDWR, 0, GREEN_FOREVER), ==, -EISDIR);
    file = open_file(".", O_RDONLY | O_DIRECTORY);
    CHECK(green_file_read(file, bytes, sizeof bytes), ==, -EISDIR);
    CHECK_CONTAINS(green_explain(-EISDIR), "cannot read '");
    green_file_free(file);
    green_file_free(open_file("file", O_WRONLY | O_CREAT));
    CHECK(green_file_open(&file, path_of("file"), O_WRONLY | O_CREAT | O_EXCL, 0600, GREEN_FOREVER), ==, -EEXIST);
    CHECK(green_file_open(&file, path_of("file/below"), O_RDONLY, 0, GREEN_FOREVER), ==, -ENOTDIR);
    file = open_file("file", O_RDONLY);
    CHECK(green_file_write(file, bytes, sizeof bytes), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "cannot write '");
    green_file_free(file);
    file = open_file("file", O_WRONLY);
    CHECK(green_file_read(file, bytes, sizeof bytes), ==, -EBADF);
    green_file_free(file);
    CHECK(green_file_adopt(&file, 9999), ==, -EBADF);
    CHECK(green_path_unlink(path_of("none"), GREEN_FOREVER), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "cannot remove '");
    remove_directory();
}

TEST(full, "a full disk and a size limit are errors that contain the number of written bytes") {
    enum { LIMIT = 300000, SIZE = 1 << 20 };
    char *bytes = calloc(1, SIZE);
    green_file *file;
    CHECK(green_file_open(&file, "/dev/full", O_RDWR, 0, GREEN_FOREVER), ==, 0);
    CHECK(green_file_write(file, bytes, 100), ==, -ENOSPC);
    CHECK_CONTAINS(green_explain(-ENOSPC), "cannot write '/dev/full'");
    CHECK(green_file_read(file, bytes, 100), ==, 100);
    green_file_free(file);
    needs_kernel();
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    file = open_file("limited", O_RDWR | O_CREAT);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){LIMIT, before.rlim_max});
    CHECK(green_file_write(file, bytes, SIZE), ==, -EFBIG);
    CHECK_CONTAINS(green_explain(-EFBIG), "after 300000 of 1048576 bytes");
    CHECK(green_file_position(file), ==, LIMIT);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(green_file_size(file), ==, LIMIT);
    green_file_free(file);
    free(bytes);
    remove_directory();
}

/* The number of OS threads of this process with the name. */
static int threads_named(const char *name) {
    char path[300], line[64];
    int count = 0;
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));) {
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file && fgets(line, sizeof line, file))
            count += strncmp(line, name, strlen(name)) == 0;
        if (file)
            fclose(file);
    }
    closedir(directory);
    return count;
}

/* Closing a file uses an OS thread, so all stay open. */
TEST(many_opens, "any number of sequential opens stays on io_uring") {
    enum { COUNT = 300 };
    static green_file *files[COUNT];
    green_hub_options options = {.engine = "uring"};
    if (green__feature_is_disabled(GREEN_FEATURE_IOWQ_MAX_WORKERS))
        skip("GREEN_DISABLE names the feature");
    if (green_hub_open(&options) < 0)
        skip("there is no io_uring");
    for (int i = 0; i < COUNT; i++)
        files[i] = open_file("opened", O_RDWR | O_CREAT);
    CHECK(threads_named("green-file"), ==, 0);
    for (int i = 0; i < COUNT; i++)
        green_file_free(files[i]);
    remove_directory();
}

static bool takes_nothing;

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);

/* Replaces the real function, and behaves like some file systems. */
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    return takes_nothing ? 0 : __real_pwrite(fd, bytes, size, offset);
}

static void write_nothing(void) {
    green_file *file = file_of_pattern("nothing", 100);
    CHECK(green_file_write(file, "", 0), ==, 0);
    CHECK(green_file_write_at(file, "", 0, 1000), ==, 0);
    CHECK(green_file_position(file), ==, 0);
    CHECK(green_file_size(file), ==, 100);
    green_file_free(file);
    CHECK(unlink(path_of("nothing")), ==, 0);
}

TEST(write_nothing, "a write of 0 bytes returns 0 and changes nothing") {
    on_each_engine(write_nothing);
    remove_directory();
}

TEST(takes_nothing, "a file whose writes return 0 is -EIO, not an endless write") {
    CHECK(setenv("GREEN_ENGINE", "epoll", 1), ==, 0); /* the ring does not call pwrite(2) */
    green_file *file = file_of_pattern("full", 100);
    takes_nothing = true;
    CHECK(green_file_write(file, "abc", 3), ==, -EIO);
    takes_nothing = false;
    CHECK(green_file_position(file), ==, 0);
    CHECK(green_file_size(file), ==, 100);
    green_file_free(file);
    remove_directory();
}

TEST(direct, "a file is read and written with O_DIRECT, if the file system supports it") {
    enum { BLOCKS = 600 * 1024, BLOCK = 4096 };
    char *bytes = aligned_alloc(BLOCK, BLOCKS);
    green_file *file;
    int error = green_file_open(&file, path_of("file"), O_RDWR | O_CREAT | O_DIRECT, 0600, GREEN_FOREVER);
    if (error == -EINVAL) {
        remove_directory();
        skip("no O_DIRECT here");
    }
    CHECK(error, ==, 0);
    pattern_fill(bytes, BLOCKS, 0);
    CHECK(green_file_write(file, bytes, BLOCKS), ==, BLOCKS);
    memset(bytes, 0, BLOCKS);
    CHECK(green_file_read_at(file, bytes, BLOCKS, 0), ==, BLOCKS);
    pattern_check(bytes, BLOCKS, 0);
    green_file_free(file);
    free(bytes);
    remove_directory();
}

TEST(cloexec, "exec closes descriptors, with and without O_CLOEXEC") {
    green_file *file = open_file("file", O_WRONLY | O_CREAT);
    CHECK(fcntl(green_file_fd(file), F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
    CHECK(green_file_close(file), ==, 0);
    CHECK(green_file_fd(file), ==, -EBADF);
    green_file_free(file);
    remove_directory();
}

TEST(adopted, "an adopted descriptor starts at its position, which does not move") {
    char bytes[10];
    green_file_free(file_of_pattern("file", 1000));
    int fd = open(path_of("file"), O_RDONLY | O_CLOEXEC | O_NONBLOCK), other = dup(fd);
    CHECK(lseek(fd, 100, SEEK_SET), ==, 100);
    green_file *file;
    CHECK(green_file_adopt(&file, fd), ==, 0);
    CHECK(green_file_read(file, bytes, sizeof bytes), ==, sizeof bytes);
    pattern_check(bytes, sizeof bytes, 100);
    CHECK(lseek(other, 0, SEEK_CUR), ==, 100);
    close(other);
    green_file_free(file);
    file = open_file("file", O_RDONLY | O_NONBLOCK);
    CHECK(fcntl(green_file_fd(file), F_GETFL) & O_NONBLOCK, ==, 0);
    green_file_free(file);
    remove_directory();
}

/* Several threads -------------------------------------------------------------- */

struct slice {
    green_file *file;
    size_t start, size;
};

static int read_slice(void *argument) {
    const struct slice *slice = argument;
    char *bytes = malloc(slice->size);
    CHECK(green_file_read_at(slice->file, bytes, slice->size, (int64_t)slice->start), ==, slice->size);
    pattern_check(bytes, slice->size, slice->start);
    free(bytes);
    return 0;
}

static int write_slice(void *argument) {
    const struct slice *slice = argument;
    char *bytes = malloc(slice->size);
    pattern_fill(bytes, slice->size, slice->start);
    CHECK(green_file_write_at(slice->file, bytes, slice->size, (int64_t)slice->start), ==, slice->size);
    free(bytes);
    return 0;
}

TEST(many, "many threads write and read one file at the same time, each at its own offset") {
    enum { SLICES = 60, SIZE = 40000 };
    struct slice slices[SLICES];
    green_thread *threads[SLICES];
    green_file *file = open_file("file", O_RDWR | O_CREAT);
    for (int i = 0; i < SLICES; i++)
        slices[i] = (struct slice){file, (size_t)i * SIZE, SIZE};
    for (int i = 0; i < SLICES; i++)
        threads[i] = start(write_slice, &slices[i]);
    for (int i = 0; i < SLICES; i++)
        CHECK(finish(threads[i]), ==, 0);
    for (int i = 0; i < SLICES; i++)
        threads[i] = start(read_slice, &slices[i]);
    for (int i = 0; i < SLICES; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_file_size(file), ==, SLICES * SIZE);
    green_file_free(file);
    remove_directory();
}

static int count_rounds(void *rounds) {
    int error;
    while ((error = green_yield()) == 0)
        ++*(int *)rounds;
    return error;
}

TEST(others_run, "other threads run many times during a large read") {
    enum { SIZE = 8 * 1024 * 1024 };
    int rounds = 0;
    char *bytes = malloc(SIZE);
    green_file *file = file_of_pattern("file", SIZE);
    green_thread *counter = start(count_rounds, &rounds);
    let_run();
    int before = rounds;
    CHECK(green_file_read(file, bytes, SIZE), ==, SIZE);
    CHECK(rounds - before, >=, SIZE / (256 * 1024));
    CHECK(kill_and_finish(counter), ==, -ECANCELED);
    pattern_check(bytes, SIZE, 0);
    green_file_free(file);
    free(bytes);
    remove_directory();
}

static void *use_foreign(void *file) {
    char byte;
    CHECK(green_file_read(file, &byte, 1), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "cannot read the file: it ");
    CHECK(green_file_sync(file), ==, -EXDEV);
    return NULL;
}

TEST(foreign, "a file of another OS thread is -EXDEV") {
    pthread_t other;
    green_file *file = open_file("file", O_RDWR | O_CREAT);
    CHECK(pthread_create(&other, NULL, use_foreign, file), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    green_file_free(file);
    remove_directory();
}

TEST(forked, "in a forked child a file of the parent is -EXDEV, and the parent can still use it") {
    char byte;
    int status;
    green_file *file = file_of_pattern("file", 1000);
    pid_t child = fork();
    CHECK(child, >=, 0);
    if (child == 0) {
        CHECK(green_file_read(file, &byte, 1), ==, -EXDEV);
        green_file_free(file);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    CHECK(green_file_read(file, &byte, 1), ==, 1);
    pattern_check(&byte, 1, 0);
    green_file_free(file);
    remove_directory();
}
