/* Lack of memory, descriptors and OS threads at every point of files and child processes. */
#include "fault_injection.h"
#include "files.h"

enum { SIZE = 300000 };

static char bytes[SIZE];

static int run_file(void) {
    green_file *file = NULL;
    green_listing *listing = NULL;
    int error;
    TRY(green_file_open(&file, path_of("file"), O_RDWR | O_CREAT, 0600, PATIENTLY(GREEN_SECOND)));
    pattern_fill(bytes, SIZE, 0);
    TRY(green_file_write(file, bytes, SIZE));
    memset(bytes, 0, SIZE);
    TRY(green_file_read_at(file, bytes, SIZE, 0));
    CHECK(error, ==, SIZE);
    pattern_check(bytes, SIZE, 0);
    TRY(green_file_size(file));
    CHECK(error, ==, SIZE);
    TRY(green_file_close(file));
    TRY(green_directory_list(&listing, path_of("."), GREEN_FOREVER));
done:
    green_listing_free(listing);
    green_file_free(file);
    return error < 0 ? error : 0;
}

static int run_names(void) {
    green_listing *listing = NULL;
    struct stat status;
    int error;
    TRY(green_path_status(path_of("."), &status, GREEN_FOREVER));
    TRY(green_directory_list(&listing, "/proc/self/task", GREEN_FOREVER));
    CHECK(green_listing_count(listing), >=, 1);
done:
    green_listing_free(listing);
    return error;
}

static int run_program(void) {
    green_process *process = NULL;
    green_file *input = NULL, *output = NULL;
    const char *arguments[] = {"cat", NULL}, *environment[] = {"A=b", NULL};
    green_process_options options = {
        .input = {.kind = GREEN_STDIO_PIPE, .pipe = &input},
        .output = {.kind = GREEN_STDIO_PIPE, .pipe = &output},
        .error = {.kind = GREEN_STDIO_OUTPUT},
        .environment = environment,
        .directory = "/",
    };
    green_process_end end;
    char byte;
    int error;
    TRY(green_process_spawn(&process, "cat", arguments, &options));
    TRY(green_file_write(input, "x", 1));
    TRY(green_file_read(output, &byte, 1));
    CHECK(byte, ==, 'x');
    TRY(green_file_close(input));
    TRY(green_file_read(output, &byte, 1));
    CHECK(error, ==, 0);
    TRY(green_process_wait(process, &end, GREEN_FOREVER));
    CHECK(end.code, ==, 0);
done:
    green_file_free(input);
    green_file_free(output);
    green_process_free(process);
    return error;
}

/* A pool with an OS thread does not need another one. A close that cannot start one closes
 * in place. */
static const struct scenario scenarios[] = {
    {.name = "file", .run = run_file, .tolerates = "pthread_create malloc calloc epoll_ctl"},
    {.name = "names", .run = run_names, .tolerates = "pthread_create"},
    {.name = "program", .run = run_program, .tolerates = "pthread_create"},
};

BIG_TEST(memory, "calls on files and processes without memory are errors, and leak nothing") {
    (void)path_of("file");
    fail_on_each_engine(scenarios, 3, FAIL_MEMORY);
    remove_directory();
}

TEST(no_os_thread, "calls on files and processes are errors if no OS thread starts, and the next ones work") {
    (void)path_of("file");
    CHECK(green_yield(), ==, 0);
    fail_calls(FAIL_CALLS, 1, UINT_MAX);
    CHECK(run_names(), ==, -EAGAIN);
    CHECK(run_program(), ==, -EAGAIN);
    CHECK_CONTAINS(green_explain(-EAGAIN), "cannot start an OS thread");
    fail_calls(0, 0, 0);
    CHECK(run_names(), ==, 0);
    CHECK(run_program(), ==, 0);
    remove_directory();
}
