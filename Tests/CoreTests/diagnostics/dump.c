/* green_dump() and the report of a deadlock. */
#include "helpers.h"
#include "readers.h"

#include <poll.h>
#include <sys/mman.h>

/* The output of green_dump(), which the next call overwrites. */
static const char *dump(void) {
    static char text[65536];
    int file = memfd_create("dump", MFD_CLOEXEC);
    CHECK(file, >=, 0);
    CHECK(green_dump(file), ==, 0);
    ssize_t size = pread(file, text, sizeof text - 1, 0);
    CHECK(size, >=, 0);
    text[size] = 0;
    close(file);
    return text;
}

/* The line of a thread in the dump, which the next call overwrites. */
static const char *line_of(const char *text, green_thread *thread) {
    static char line[1024];
    char id[32];
    snprintf(id, sizeof id, "%llu", (unsigned long long)green_thread_id(thread));
    for (const char *start = text; *start;) {
        size_t length = strcspn(start, "\n");
        CHECK(length, <, sizeof line);
        memcpy(line, start, length);
        line[length] = 0;
        if (strstr(line, green_thread_name(thread)) && strstr(line, id))
            return line;
        start += length + (start[length] != 0);
    }
    CHECK_CONTAINS(text, green_thread_name(thread));
    CHECK_CONTAINS(text, id);
    check_failed(__FILE__, __LINE__, "no line has both the name and the id");
}

static void check_line(const char *text, green_thread *thread, const char *state, const char *waits_for) {
    CHECK_CONTAINS(line_of(text, thread), state);
    CHECK_CONTAINS(line_of(text, thread), waits_for);
}

static int write_much(void *argument) {
    static char bytes[16 << 20];
    return (int)green_write(argument, bytes, sizeof bytes);
}

static int accept_one(void *argument) {
    green_socket *socket;
    return green_accept(argument, &socket);
}

static int wait_for(void *argument) {
    return green_thread_wait(argument, NULL, GREEN_FOREVER);
}

static int wait_readable(void *argument) {
    return green_wait_fd(*(int *)argument, POLLIN, GREEN_FOREVER);
}

TEST(what_each_waits_for, "the dump has a line for each thread: its id, name and state, and what it waits for") {
    int ends[2], value = 0;
    CHECK(pipe(ends), ==, 0);
    struct pair pair = connected(UNIX_PAIR);
    green_listener *listener = listen_any(TCP4);
    green_thread *sleeper = start_named("dozing", nap, NULL);
    green_thread *threads[] = {
        sleeper,
        start_named("patient", wait_for, sleeper),
        start_named("curious", read_byte, pair.near),
        start_named("chatty", write_much, pair.near),
        start_named("hospitable", accept_one, listener),
        start_named("watching", wait_readable, &ends[0]),
    };
    static const char *const waits_for[] = {"sleeping", "waiting for", "reading", "writing", "accepting", "descriptor"};
    let_run();
    green_thread *new = start_named("fresh", give, &value);
    green_thread_set_name(green_current(), "principal");
    const char *text = dump();
    for (int i = 0; i < 6; i++)
        check_line(text, threads[i], "parked", waits_for[i]);
    check_line(text, new, "ready", "");
    check_line(text, green_current(), "running", "");
    CHECK(finish(new), ==, 0);
    CHECK(strstr(dump(), "fresh") == NULL); /* finished threads are not listed */
    for (int i = 5; i >= 0; i--)
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    close(ends[0]);
    close(ends[1]);
    release_pair(&pair);
    green_listener_release(listener);
}

TEST(many_lines, "the dump of a thousand threads has a thousand lines") {
    static green_thread *threads[1000];
    for (int i = 0; i < 1000; i++)
        threads[i] = start_named("sleeper", nap, NULL);
    let_run();
    FILE *file = tmpfile();
    CHECK(green_dump(fileno(file)), ==, 0);
    rewind(file);
    char line[1024];
    int lines = 0;
    while (fgets(line, sizeof line, file))
        lines += strstr(line, "sleeper") != NULL;
    fclose(file);
    CHECK(lines, ==, 1000);
    for (int i = 0; i < 1000; i++)
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
}

/* Static linking --------------------------------------------------------------- */

static void yield_with_invalid_monitor(void) {
    CHECK(setenv("GREEN_MONITOR", "soon", 1), ==, 0);
    CHECK(green_yield(), ==, 0);
}

/* This program calls no function of green/monitor.h. It is linked with the static library,
 * from which a linker takes only the objects that others refer to. */
TEST(unreferenced, "GREEN_MONITOR works in a program that calls nothing of the monitor") {
    static struct child child;
    run_child(&child, yield_with_invalid_monitor);
    CHECK_CONTAINS(child.output, "ignoring GREEN_MONITOR=soon");
    CHECK(child.status, ==, 0);
}

/* Deadlock ----------------------------------------------------------------- */

TEST(deadlock, "if nothing can ever wake main, its wait is -EDEADLK, and a dump shows what each thread waits for") {
    green_thread *thread = start_named("embraced", wait_for, green_current());
    capture_begin();
    int error = green_thread_wait(thread, NULL, GREEN_FOREVER);
    const char *report = capture_end();
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(report, "embraced");
    CHECK_CONTAINS(report, "wait");
    CHECK_CONTAINS(green_explain(error), "waiting for thread ");
    CHECK_CONTAINS(green_explain(error), "nothing can end a wait");
    capture_begin(); /* the other thread may have failed, too, and its error is reported */
    int result = kill_and_finish(thread);
    capture_end();
    CHECK(result == -ECANCELED || result == -EDEADLK);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0); /* the hub continues */
}

static int wait_for_next(void *argument) {
    return green_thread_wait(*(green_thread **)argument, NULL, GREEN_FOREVER);
}

TEST(circle, "a cycle of threads that wait for each other is a deadlock, too") {
    green_thread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start_named("circle", wait_for_next, &threads[(i + 1) % 4]);
    capture_begin();
    int error = green_thread_wait(threads[0], NULL, GREEN_FOREVER);
    CHECK_CONTAINS(capture_end(), "circle");
    CHECK(error, ==, -EDEADLK);
    capture_begin();
    CHECK(kill_and_finish(threads[1]), <, 0);
    CHECK(finish(threads[0]), <=, 0); /* each continues when the next has finished */
    CHECK(finish(threads[3]), <=, 0);
    CHECK(finish(threads[2]), <=, 0);
    capture_end();
}

TEST(no_deadlock, "a thread that waits for I/O or a deadline is not in a deadlock") {
    struct pair pair = connected(UNIX_PAIR);
    green_thread *reader = start(read_byte, pair.near);
    capture_begin();
    CHECK(green_thread_wait(reader, NULL, 20 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    int64_t time = 20 * GREEN_MILLISECOND;
    green_thread *sleeper = start(nap, &time);
    CHECK(finish(sleeper), ==, 0);
    CHECK_TEXT(capture_end(), "");
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    release_pair(&pair);
}
