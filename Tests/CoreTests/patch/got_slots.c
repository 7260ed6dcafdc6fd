/* The slots that a patch rewrites, reports and restores. */
#include "patches.h"

#include "seccomp.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static const char *const libraries[] = {PATCHED_NOW, PATCHED_LAZY, PATCHED_NO_PLT};

TEST(each_kind, "slots of each kind are rewritten, and restored when the patch is undone") {
    for (int i = 0; i < 3; i++) {
        const struct fixture *fixture = load_fixture(libraries[i]);
        CHECK(!is_green(fixture->poll));
        green_patch *patch = import(libraries[i]);
        CHECK(is_green(fixture->poll));
        CHECK(green_unpatch(patch), ==, 0);
        CHECK(!is_green(fixture->poll));
        patch = import(libraries[i]);
        CHECK(is_green(fixture->poll));
        CHECK(green_unpatch(patch), ==, 0);
    }
}

TEST(unresolved, "a slot that has not been called through is found, and resolves its call when the patch is undone") {
    const struct fixture *fixture = load_fixture(PATCHED_LAZY);
    green_patch *patch = import(PATCHED_LAZY);
    CHECK(is_green(fixture->poll));
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!is_green(fixture->poll));
    CHECK(fixture->usleep(1), ==, 0);
}

TEST(as_data, "the address of a call that a library stores as data is rewritten, too") {
    const struct fixture *fixture = load_fixture(PATCHED_NOW);
    CHECK(*fixture->poll_address == poll);
    green_patch *patch = import(PATCHED_NOW);
    CHECK(*fixture->poll_address != poll);
    CHECK((*fixture->poll_address)(NULL, 0, 1), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(*fixture->poll_address == poll);
}

static void *exported(const char *path, const char *name) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    void *symbol = dlsym(library, name);
    CHECK(symbol != NULL);
    return symbol;
}

TEST(addend, "an address inside a call is not mistaken for the address of the call") {
    char *const *within_poll = exported(PATCHED_ADDEND, "within_poll");
    char *before = *within_poll;
    green_patch *patch = NULL;
    /* The linker of aarch64 adds a slot for the call itself, which nothing uses. */
    int error = green_import_patched(&patch, PATCHED_ADDEND, NULL);
    CHECK(error == 0 || error == -ENODATA);
    CHECK(*within_poll == before);
    CHECK(error < 0 || green_unpatch(patch) == 0);
}

TEST(last, "the last relocation of a library is found") {
    poll_function *last_poll = (poll_function *)exported(PATCHED_LAST, "last_poll");
    green_patch *patch = import(PATCHED_LAST);
    CHECK(slots_of(patch, "core-patched-last", "poll"), ==, 1);
    CHECK(is_green(last_poll));
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!is_green(last_poll));
}

TEST(own_name, "a library's own function with the name of a call is not patched") {
    if (SANITIZED)
        skip("sanitizers forbid RTLD_DEEPBIND, which has it called before the C library's");
    CHECK(dlopen(PATCHED_NOW, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) != NULL);
    const struct fixture *fixture = load_fixture(PATCHED_NOW);
    CHECK(fixture->own(1), ==, 1001);
    green_patch *patch = import(PATCHED_NOW);
    CHECK(fixture->own(1), ==, 1001);
    CHECK(slots_of(patch, "core-patched-now", "epoll_pwait"), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

/* The protection of the pages of a library, as text. */
static void read_protection(const char *library, char *text, size_t size) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    size_t length = 0;
    text[0] = 0;
    while (fgets(line, sizeof line, maps))
        if (strstr(line, library))
            length += (size_t)snprintf(text + length, size - length, "%.60s\n", line);
    fclose(maps);
}

TEST(protection, "pages have the same protection afterwards") {
    char before[4096], patched[4096], after[4096];
    load_fixture(PATCHED_NOW);
    read_protection("core-patched-now", before, sizeof before);
    CHECK_CONTAINS(before, " r--p ");
    green_patch *patch = import(PATCHED_NOW);
    read_protection("core-patched-now", patched, sizeof patched);
    CHECK_TEXT(patched, before);
    CHECK(green_unpatch(patch), ==, 0);
    read_protection("core-patched-now", after, sizeof after);
    CHECK_TEXT(after, before);
}

TEST(report, "the report has object, call and count") {
    green_patch *patch = import(PATCHED_NOW);
    CHECK(slots_of(patch, "core-patched-now", "recv"), ==, 1);
    CHECK(slots_of(patch, "core-patched-now", "poll"), ==, 2); /* a call, and an address as data */
    CHECK(slots_of(patch, "core-patched-now", "__recv_chk"), ==, 1);
    CHECK(slots_of(patch, "core-patched-now", "dlopen"), ==, 0);
    CHECK(slots_of(patch, "core-patched-inner", "recv"), ==, 1);
    CHECK(slots_of(patch, "core-patched-inner", "poll"), ==, 0);
    green_patch_line line;
    size_t lines = 0;
    while (green_patch_report(patch, lines, &line))
        lines++;
    CHECK(lines, >, 30);
    CHECK(!green_patch_report(patch, lines + 5, &line));
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(families, "only the requested families are patched") {
    green_patch *patch;
    CHECK(green_import_patched(&patch, PATCHED_NOW, &(green_import_options){.families = GREEN_PATCH_TIME}), ==, 0);
    CHECK(slots_of(patch, "core-patched-now", "usleep"), ==, 1);
    CHECK(slots_of(patch, "core-patched-now", "poll"), ==, 0);
    CHECK(slots_of(patch, "core-patched-now", "recv"), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(scope, "private dependencies of a library are patched with it, libraries that the program needs are not") {
    green_patch *patch = import(PATCHED_NOW);
    CHECK(green_is_patched("libcore-patched-now.so"));
    CHECK(green_is_patched(PATCHED_NOW));
    CHECK(green_is_patched("libcore-patched-inner.so"));
    CHECK(!green_is_patched("libcore-patched-common.so"));
    CHECK(!green_is_patched("libcore-patched-idle.so"));
    CHECK(!green_is_patched("libc.so.6"));
    CHECK(!green_is_patched(NULL));
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!green_is_patched("libcore-patched-now.so"));
    CHECK(!green_is_patched("libcore-patched-inner.so"));
}

TEST(needed_by_others, "the requested library is patched even if other objects need it") {
    CHECK(!is_green(common_poll)); /* the program needs it */
    green_patch *patch = import(PATCHED_COMMON);
    CHECK(is_green(common_poll));
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!is_green(common_poll));
}

TEST(also, "further objects are patched on request") {
    green_patch *patch;
    const char *also[] = {"libcore-patched-common.so"};
    green_import_options options = {.also = also, .also_count = 1};
    CHECK(green_import_patched(&patch, PATCHED_LAZY, &options), ==, 0);
    CHECK(green_is_patched("libcore-patched-common.so"));
    CHECK(slots_of(patch, "core-patched-common", "poll"), ==, 1);
    CHECK(green_unpatch(patch), ==, 0);
    also[0] = "libnothing.so";
    CHECK(green_import_patched(&patch, PATCHED_LAZY, &options), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "'libnothing.so': no loaded object has this name");
    also[0] = "libc.so.6";
    CHECK(green_import_patched(&patch, PATCHED_LAZY, &options), ==, -EINVAL);
    CHECK(!green_is_patched(PATCHED_LAZY));
}

TEST(owners, "patching twice has no further effect until the second patch is undone") {
    const struct fixture *fixture = load_fixture(PATCHED_NOW);
    green_patch *first = import(PATCHED_NOW), *second = import(PATCHED_NOW);
    CHECK(slots_of(second, "core-patched-now", "poll"), ==, 2);
    CHECK(is_green(fixture->poll));
    CHECK(green_unpatch(first), ==, 0);
    CHECK(is_green(fixture->poll));
    CHECK(green_unpatch(second), ==, 0);
    CHECK(!is_green(fixture->poll));
    CHECK(green_unpatch(NULL), ==, 0);
}

TEST(mistakes, "each reason not to patch is an error with an explanation") {
    green_patch *patch;
    CHECK(green_import_patched(&patch, "libthereisnone.so.7", NULL), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "libthereisnone.so.7");
    CHECK(patch == NULL);
    CHECK(green_import_patched(&patch, PATCHED_IDLE, NULL), ==, -ENODATA);
    CHECK_CONTAINS(green_explain(-ENODATA), "no slot");
    CHECK(green_import_patched(&patch, "libc.so.6", NULL), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "part of the C library");
    CHECK(green_import_patched(&patch, PATCHED_NOW, &(green_import_options){.families = 1 << 20}), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "0x100000 is not a family");
    CHECK(green_monkey_patch(&patch, 1 << 30), ==, -EINVAL);
    CHECK(green_import_patched(&patch, PATCHED_NOW, &(green_import_options){.families = GREEN_PATCH_OS}), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static void patch_where_pages_cannot_be_written(void) {
    green_patch *patch;
    const struct fixture *fixture = load_fixture(PATCHED_NOW);
    refuse_call(SYS_mprotect, EACCES);
    CHECK(green_import_patched(&patch, PATCHED_NOW, NULL), ==, -EACCES);
    CHECK_CONTAINS(green_explain(-EACCES), "cannot make the page");
    CHECK(!green_is_patched(PATCHED_NOW));
    CHECK(*fixture->poll_address == poll);
}

TEST(refused, "if the system refuses to make a page writable, patching fails and changes nothing") {
    needs_kernel();
    struct child child;
    run_child(&child, patch_where_pages_cannot_be_written);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

/* Several OS threads --------------------------------------------------------------- */

enum { PATCHES = 50 };

static void *patch_often(void *path) {
    for (int i = 0; i < PATCHES; i++) {
        green_patch *patch = import(path);
        CHECK(green_is_patched(path));
        CHECK(green_unpatch(patch), ==, 0);
    }
    return NULL;
}

TEST(os_threads, "several OS threads may patch and undo at the same time, while another one makes patched calls") {
    static const char *const paths[] = {PATCHED_NOW, PATCHED_NOW, PATCHED_LAZY, PATCHED_NO_PLT};
    const struct fixture *fixture = load_fixture(PATCHED_NOW);
    pthread_t threads[4];
    patch_often((void *)paths[0]); /* ThreadSanitizer does not know the barrier of the first patch */
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, patch_often, (void *)paths[i]), ==, 0);
    for (int i = 0; i < 200; i++)
        CHECK(fixture->poll(NULL, 0, 0), ==, 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
    CHECK(!green_is_patched(PATCHED_NOW));
    CHECK(*fixture->poll_address == poll);
}

struct inside {
    const struct fixture *fixture;
    int ends[2];
};

static int receive_inside(void *argument) {
    const struct inside *inside = argument;
    char byte;
    return (int)inside->fixture->recv(inside->ends[0], &byte, 1, 0);
}

TEST(while_inside, "a patch may be made and undone while green threads are in patched calls") {
    enum { THREADS = 20 };
    struct inside inside[THREADS];
    green_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        inside[i].fixture = load_fixture(PATCHED_NOW);
        socket_pair(inside[i].ends);
        green_patch *patch = import(PATCHED_NOW);
        threads[i] = start(receive_inside, &inside[i]);
        let_run();
        CHECK(!green_thread_is_finished(threads[i]));
        CHECK(green_unpatch(patch), ==, 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(write(inside[i].ends[1], "x", 1), ==, 1);
        CHECK(finish(threads[i]), ==, 1);
        close(inside[i].ends[0]);
        close(inside[i].ends[1]);
    }
}
