/* If a patched library uses OpenSSL, OpenSSL's error queue belongs to the green thread. */
#include "fault_injection.h"
#include "patches.h"

#include <openssl/err.h>

static ssize_t (*errors_read)(int fd, void *bytes, size_t size);
static green_patch *patch;

static void begin(void) {
    patch = import(PATCHED_ERRORS);
    void *library = dlopen(PATCHED_ERRORS, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    *(void **)&errors_read = dlsym(library, "errors_read");
    CHECK(errors_read != NULL);
}

static void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

/* Errors of all kinds, as many as a queue holds. */
enum { ERRORS = 15 };

static const struct place {
    int library, reason;
    const char *data;
} kinds[] = {
    {ERR_LIB_SSL, 134, "an unsigned certificate"},
    {ERR_LIB_SYS, ECONNRESET, "calling read()"},
    {ERR_LIB_CRYPTO, ERR_R_INTERNAL_ERROR, ""},
    {ERR_LIB_X509, 112, "per cent %s %n"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void put_errors(const char *function) {
    for (int i = 0; i < ERRORS; i++) {
        const struct place *kind = &kinds[i % KINDS];
        ERR_new();
        ERR_set_debug("file.c", 100 + i, function);
        if (*kind->data)
            ERR_set_error(kind->library, kind->reason, "%s", kind->data);
        else
            ERR_set_error(kind->library, kind->reason, NULL);
    }
}

static void check_errors(const char *function) {
    for (int i = 0; i < ERRORS; i++) {
        const struct place *kind = &kinds[i % KINDS];
        const char *file, *where, *data;
        int line, flags;
        unsigned long error = ERR_get_error_all(&file, &line, &where, &data, &flags);
        CHECK(ERR_GET_LIB(error), ==, kind->library);
        CHECK(ERR_GET_REASON(error), ==, kind->reason);
        CHECK_TEXT(file, "file.c");
        CHECK(line, ==, 100 + i);
        CHECK_TEXT(where, function);
        CHECK_TEXT(data, kind->data);
    }
    CHECK(ERR_peek_error(), ==, 0);
}

static int read_without_errors(void *fd) {
    char byte;
    CHECK(errors_read(*(int *)fd, &byte, 1), ==, 1);
    CHECK(ERR_peek_error(), ==, 0);
    return 0;
}

static int fail_and_wait(void *name) {
    CHECK(ERR_peek_error(), ==, 0);
    put_errors(name);
    CHECK(green_yield(), ==, 0);
    CHECK(green_sleep(GREEN_MICROSECOND), ==, 0);
    check_errors(name);
    CHECK(green_yield(), ==, 0);
    CHECK(ERR_peek_error(), ==, 0);
    return 0;
}

static int clear_often(void *unused) {
    (void)unused;
    for (int i = 0; i < 5; i++) {
        ERR_clear_error();
        CHECK(green_yield(), ==, 0);
        CHECK(ERR_peek_error(), ==, 0);
    }
    return 0;
}

TEST(own_queue, "a patched call keeps the error queue of its own thread") {
    int ends[2];
    socket_pair(ends);
    begin();
    green_thread *reading = start(read_without_errors, &ends[0]);
    let_run();
    green_thread *failing[2] = {start(fail_and_wait, "one"), start(fail_and_wait, "two")};
    green_thread *clearing = start(clear_often, NULL);
    put_errors("main");
    CHECK(green_yield(), ==, 0);
    CHECK(write(ends[1], "x", 1), ==, 1);
    CHECK(finish(reading), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(finish(failing[i]), ==, 0);
    CHECK(finish(clearing), ==, 0);
    check_errors("main");
    end();
    close(ends[0]);
    close(ends[1]);
}

static int fail_and_end(void *name) {
    CHECK(ERR_peek_error(), ==, 0);
    put_errors(name);
    return 0;
}

TEST(ended, "a thread that ends leaves no errors to other threads") {
    begin();
    for (int i = 0; i < 3; i++)
        CHECK(finish(start(fail_and_end, "ended")), ==, 0);
    CHECK(ERR_peek_error(), ==, 0);
    end();
}

static int fail_without_memory(void *name) {
    put_errors(name);
    fail_calls(FAIL_MEMORY, 1, UINT_MAX);
    CHECK(green_yield(), ==, 0);
    fail_calls(0, 0, 0);
    CHECK(ERR_GET_REASON(ERR_peek_error()), ==, ERR_R_MALLOC_FAILURE);
    ERR_clear_error();
    return 0;
}

TEST(no_memory, "errors that cannot be saved for lack of memory become one memory error of the same thread") {
    begin();
    green_thread *failing = start(fail_without_memory, "failing"), *other = start(clear_often, NULL);
    CHECK(finish(failing), ==, 0);
    CHECK(finish(other), ==, 0);
    end();
}
