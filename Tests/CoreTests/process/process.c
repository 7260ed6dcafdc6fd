/* Child processes: their arguments and descriptors, their output, and their exit status. */
#include "files.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

/* Shell scripts as programs. */
struct program {
    green_process *process;
    green_file *input, *output, *error;
};

static struct program start_script(const char *script, green_process_options options) {
    struct program program = {0};
    const char *arguments[] = {"sh", "-c", script, NULL};
    options.input.pipe = &program.input;
    options.output.pipe = &program.output;
    options.error.pipe = &program.error;
    CHECK(green_process_spawn(&program.process, "sh", arguments, &options), ==, 0);
    CHECK(green_process_id(program.process), >, 1);
    return program;
}

static const green_process_options all_pipes = {
    .input.kind = GREEN_STDIO_PIPE,
    .output.kind = GREEN_STDIO_PIPE,
    .error.kind = GREEN_STDIO_PIPE,
};

static void release(struct program *program) {
    green_process_free(program->process);
    green_file_free(program->input);
    green_file_free(program->output);
    green_file_free(program->error);
}

static green_process_end end_of(green_process *process) {
    green_process_end end;
    CHECK(green_process_wait(process, &end, GREEN_FOREVER), ==, 0);
    return end;
}

static green_process_end run_script(const char *script, green_process_options options) {
    struct program program = start_script(script, options);
    green_process_end end = end_of(program.process);
    release(&program);
    return end;
}

static const char *all_of(green_file *file) {
    static char text[65536];
    size_t length = 0;
    for (ssize_t count; (count = green_file_read(file, text + length, sizeof text - 1 - length)) != 0;) {
        CHECK(count, >, 0);
        length += (size_t)count;
    }
    text[length] = 0;
    return text;
}

/* Whether no child is left, dead or alive. */
static bool is_childless(void) {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

/* Exit status ------------------------------------------------------------------ */

TEST(codes, "a wait returns the exit code any number of times") {
    CHECK(run_script("exit 0", (green_process_options){0}).code, ==, 0);
    CHECK(run_script("exit 255", (green_process_options){0}).code, ==, 255);
    struct program program = start_script("exit 7", (green_process_options){0});
    for (int i = 0; i < 3; i++) {
        green_process_end end = end_of(program.process);
        CHECK(end.code, ==, 7);
        CHECK(end.signal, ==, 0);
    }
    CHECK(green_process_wait(program.process, NULL, 0), ==, 0);
    CHECK(green_process_signal(program.process, SIGTERM), ==, -ESRCH);
    CHECK_CONTAINS(green_explain(-ESRCH), "cannot send signal 15 to process ");
    release(&program);
    CHECK(is_childless());
}

TEST(signals, "a wait returns the signal that terminated the process") {
    static const int numbers[] = {SIGTERM, SIGKILL, SIGINT, SIGPIPE, SIGUSR1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct program program = start_script("exec sleep 1000", (green_process_options){0});
        CHECK(green_process_signal(program.process, numbers[i]), ==, 0);
        green_process_end end = end_of(program.process);
        CHECK(end.code, ==, -1);
        CHECK(end.signal, ==, numbers[i]);
        release(&program);
    }
    struct program program = start_script("exit 0", all_pipes);
    CHECK(green_process_signal(program.process, 1000), ==, -EINVAL);
    end_of(program.process);
    release(&program);
    CHECK(is_childless());
}

TEST(fresh_signals, "a program starts with no signal blocked or ignored") {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGINT, SIG_IGN);
    CHECK(run_script("kill -TERM $$; exit 3", (green_process_options){0}).signal, ==, SIGTERM);
    CHECK(run_script("kill -INT $$; exit 3", (green_process_options){0}).signal, ==, SIGINT);
}

TEST(not_found, "a program that does not exist is an error that says so") {
    green_process *process = NULL;
    green_file *output = NULL;
    green_process_options options = {.output = {.kind = GREEN_STDIO_PIPE, .pipe = &output}};
    needs_kernel(); /* the child does not share memory with its parent, so it cannot report the error */
    CHECK(green_process_spawn(&process, "no-such-program", NULL, &options), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "cannot start 'no-such-program', which was looked up in PATH");
    CHECK(process == NULL && output == NULL);
    CHECK(green_process_spawn(&process, "/none/at/all", NULL, &options), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "cannot start '/none/at/all': ");
    options.directory = "/no/such/place";
    CHECK(green_process_spawn(&process, "true", NULL, &options), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "in the directory '/no/such/place'");
    options.directory = NULL;
    green_file_free(open_file("data", O_WRONLY | O_CREAT));
    CHECK(green_process_spawn(&process, path_of("data"), NULL, &options), ==, -EACCES);
    options.input = (green_stdio){.kind = GREEN_STDIO_DESCRIPTOR, .fd = 9999};
    CHECK(green_process_spawn(&process, "true", NULL, &options), ==, -EBADF);
    options.input = (green_stdio){.kind = GREEN_STDIO_PIPE};
    CHECK(green_process_spawn(&process, "true", NULL, &options), ==, -EINVAL);
    CHECK(output == NULL);
    remove_directory();
    CHECK(is_childless());
}

/* Environment -------------------------------------------------------------------- */

enum { SIZE = 1 << 20 };

static int write_all(void *file) {
    char *bytes = malloc(SIZE);
    pattern_fill(bytes, SIZE, 0);
    CHECK(green_file_write(file, bytes, SIZE), ==, SIZE);
    free(bytes);
    return green_file_close(file);
}

TEST(round_trip, "a mebibyte through cat comes back unchanged") {
    struct program program = start_script("exec cat", all_pipes);
    green_thread *writer = start(write_all, program.input);
    static char bytes[70000];
    size_t place = 0;
    for (ssize_t count; (count = green_file_read(program.output, bytes, sizeof bytes)) != 0; place += (size_t)count) {
        CHECK(count, >, 0);
        pattern_check(bytes, (size_t)count, place);
    }
    CHECK(place, ==, SIZE);
    CHECK(finish(writer), ==, 0);
    CHECK_TEXT(all_of(program.error), "");
    CHECK(end_of(program.process).code, ==, 0);
    release(&program);
    CHECK(is_childless());
}

TEST(options, "a program gets its arguments, its environment, its directory and its descriptors") {
    static const char *environment[] = {"COLOUR=red", "EMPTY=", NULL};
    green_process_options options = all_pipes;
    options.environment = environment;
    options.directory = "/usr";
    struct program program = start_script("echo $COLOUR/$EMPTY/$HOME; pwd; echo wrong >&2", options);
    CHECK_TEXT(all_of(program.output), "red//\n/usr\n");
    CHECK_TEXT(all_of(program.error), "wrong\n");
    CHECK(end_of(program.process).code, ==, 0);
    release(&program);

    options = (green_process_options){
        .input.kind = GREEN_STDIO_NULL,
        .output.kind = GREEN_STDIO_PIPE,
        .error.kind = GREEN_STDIO_OUTPUT,
    };
    program = start_script("echo one; echo two >&2; cat", options);
    CHECK_TEXT(all_of(program.output), "one\ntwo\n");
    CHECK(end_of(program.process).code, ==, 0);
    release(&program);

    green_file *output;
    green_process *process;
    const char *arguments[] = {"printf", "%s|", "a b", "", "c\n", NULL};
    options = (green_process_options){.output = {.kind = GREEN_STDIO_PIPE, .pipe = &output}};
    CHECK(green_process_spawn(&process, "printf", arguments, &options), ==, 0);
    CHECK_TEXT(all_of(output), "a b||c\n|");
    CHECK(end_of(process).code, ==, 0);
    green_file_free(output);
    green_process_free(process);
}

/* Descriptors of this process that are open, above the standard ones, and stay so in a program. */
static size_t inherited(void) {
    size_t count = 0;
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return count;
}

TEST(no_others, "a program inherits no descriptor of Green") {
    struct program program = {0};
    struct pipe_ends ends = pipe_of(0);
    green_process_options options = all_pipes;
    const char *arguments[] = {"ls", "/proc/self/fd", NULL};
    options.input.pipe = &program.input;
    options.output.pipe = &program.output;
    options.error.pipe = &program.error;
    CHECK(green_process_spawn(&program.process, "ls", arguments, &options), ==, 0);
    size_t lines = 0;
    for (const char *text = all_of(program.output); (text = strchr(text, '\n')); text++)
        lines++;
    CHECK(lines, ==, 3 + 1 + inherited()); /* one is of the directory that ls reads */
    CHECK(end_of(program.process).code, ==, 0);
    release(&program);
    green_file_free(ends.near);
    green_file_free(ends.far);
}

TEST(descriptors, "a program gets the given descriptors, even if two of them swap numbers") {
    struct pipe_ends ends = pipe_of(0), others = pipe_of(0);
    int fds[2] = {green_file_fd(ends.far), green_file_fd(others.far)};
    int saved[2] = {fcntl(1, F_DUPFD_CLOEXEC, 10), fcntl(2, F_DUPFD_CLOEXEC, 10)};
    /* Output and error of this process, which the program gets exchanged. */
    dup2(fds[0], 1);
    dup2(fds[1], 2);
    struct program program =
        start_script("echo out; echo err >&2", (green_process_options){
                                                   .output = {.kind = GREEN_STDIO_DESCRIPTOR, .fd = 2},
                                                   .error = {.kind = GREEN_STDIO_DESCRIPTOR, .fd = 1},
                                               });
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(saved[0]);
    close(saved[1]);
    CHECK(end_of(program.process).code, ==, 0);
    release(&program);
    CHECK(green_file_close(ends.far), ==, 0);
    CHECK(green_file_close(others.far), ==, 0);
    CHECK_TEXT(all_of(others.near), "out\n");
    CHECK_TEXT(all_of(ends.near), "err\n");
    green_file_free(ends.near);
    green_file_free(ends.far);
    green_file_free(others.near);
    green_file_free(others.far);
}

/* Waiting and interrupts --------------------------------------------------------- */

static int wait_for(void *process) {
    return green_process_wait(process, NULL, GREEN_FOREVER);
}

TEST(waiters, "several threads wait for one process; a timeout and a kill end a wait, not the process") {
    struct program program = start_script("read line; exit 5", all_pipes);
    green_timeout *limit;
    green_thread *first = start(wait_for, program.process), *second = start(wait_for, program.process);
    let_run();
    CHECK(green_process_wait(program.process, NULL, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), " has not ended within 1 ms (ETIMEDOUT)");
    CHECK(green_timeout_start(&limit, GREEN_MILLISECOND), ==, 0);
    CHECK(green_process_wait(program.process, NULL, GREEN_FOREVER), ==, -ETIME);
    green_timeout_free(limit);
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    CHECK(!green_thread_is_finished(second));
    CHECK(green_file_write(program.input, "go\n", 3), ==, 3);
    CHECK(finish(second), ==, 0);
    CHECK(end_of(program.process).code, ==, 5);
    release(&program);
    CHECK(is_childless());
}

static int spawn_one(void *unused) {
    (void)unused;
    green_process *process;
    green_file *input;
    green_process_options options = {.input = {.kind = GREEN_STDIO_PIPE, .pipe = &input}};
    int error = green_process_spawn(&process, "cat", NULL, &options);
    if (error < 0)
        return error;
    green_file_free(input);
    green_process_end end = {0};
    error = green_process_wait(process, &end, GREEN_FOREVER);
    CHECK(end.code, ==, 0);
    green_process_free(process);
    return error;
}

TEST(killed_spawn, "a killed spawn leaks no process and no descriptor") {
    for (int i = 0; i < SCALED(100); i++) {
        green_thread *thread = start(spawn_one, NULL);
        if (i % 2 == 0)
            for (int yields = i % 7; yields > 0; yields--)
                CHECK(green_yield(), ==, 0);
        else
            CHECK(green_sleep(random_below(2000) * GREEN_MICROSECOND), ==, 0);
        green_thread_kill(thread);
        int result = finish(thread);
        CHECK(result == 0 || result == -ECANCELED);
    }
    UNTIL(is_childless());
}

TEST(crowd, "a hundred programs run at the same time and leak nothing") {
    enum { PROGRAMS = 100 };
    green_thread *threads[PROGRAMS];
    for (int i = 0; i < PROGRAMS; i++)
        threads[i] = start(spawn_one, NULL);
    for (int i = 0; i < PROGRAMS; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(is_childless());
}

TEST(released, "a process without a handle continues to run, and leaves no zombie") {
    size_t threads = os_threads();
    struct program programs[5];
    green_file *inputs[5];
    for (int i = 0; i < 5; i++) {
        programs[i] = start_script("read line", (green_process_options){.input.kind = GREEN_STDIO_PIPE});
        inputs[i] = programs[i].input;
        green_process_free(programs[i].process);
    }
    CHECK(!is_childless());
    for (int i = 0; i < 5; i++) {
        CHECK(green_file_write(inputs[i], "go\n", 3), ==, 3); /* a reader is left */
        green_file_free(inputs[i]);
    }
    UNTIL(is_childless());
    UNTIL(os_threads() <= threads + 4); /* the OS threads that start programs stay for a while */
    struct program program = start_script("exit 0", (green_process_options){0});
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    green_process_free(program.process);
    UNTIL(is_childless());
    green_process_free(NULL);
}

TEST(released_meanwhile, "a wait ends when the handle is freed") {
    struct program program = start_script("read line", all_pipes);
    green_thread *waiter = start(wait_for, program.process);
    let_run();
    release(&program);
    CHECK(finish(waiter), ==, -EBADF);
    UNTIL(is_childless());
}

TEST(stolen, "an exit status that was collected elsewhere is -ECHILD") {
    struct program program = start_script("exit 1", (green_process_options){0});
    CHECK(waitpid(-1, NULL, 0), ==, green_process_id(program.process));
    CHECK(green_process_wait(program.process, NULL, GREEN_FOREVER), ==, -ECHILD);
    CHECK_CONTAINS(green_explain(-ECHILD), "its exit status was collected elsewhere");
    release(&program);
}

static void *use_foreign(void *process) {
    CHECK(green_process_wait(process, NULL, GREEN_FOREVER), ==, -EXDEV);
    CHECK(green_process_signal(process, SIGTERM), ==, -EXDEV);
    return NULL;
}

TEST(foreign, "a process of another OS thread is -EXDEV") {
    pthread_t other;
    struct program program = start_script("exit 0", (green_process_options){0});
    CHECK(pthread_create(&other, NULL, use_foreign, program.process), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    CHECK(end_of(program.process).code, ==, 0);
    release(&program);
}
