/* A program patched by green_monkey_patch(): its own calls become green, those of Green do
 * not, whether Green is linked into the program or is a shared library. */
#include "files.h"
#include "patches.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Including the opt-in families. */
enum { EVERY_FAMILY = GREEN_PATCH_ALL | GREEN_PATCH_FILE | GREEN_PATCH_LOCK };

static green_patch *everything(unsigned families) {
    green_patch *patch;
    CHECK(green_monkey_patch(&patch, families), ==, 0);
    return patch;
}

/* Called by the program itself. */
static int own_poll(struct pollfd *polled, nfds_t count, int timeout) {
    return poll(polled, count, timeout);
}

TEST(program, "the program's own calls become green until the patch is undone") {
    CHECK(!is_green(own_poll));
    CHECK(!green_is_patched(NULL));
    green_patch *patch = everything(0);
    CHECK(green_is_patched(NULL));
    CHECK(is_green(own_poll));
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!green_is_patched(NULL));
    CHECK(!is_green(own_poll));
}

static int poll_killed(void *error) {
    CHECK(own_poll(NULL, 0, -1), ==, -1);
    *(int *)error = errno;
    return 0;
}

TEST(own_errno, "the errno that a patch chooses for interrupts also counts for the program's own calls") {
    green_patch *patch = everything(0);
    int error = 0;
    for (int chosen = 0; chosen <= EINTR; chosen += EINTR) {
        CHECK(green_patch_set_interrupt_errno(patch, chosen), ==, 0);
        green_thread *thread = start(poll_killed, &error);
        let_run();
        CHECK(kill_and_finish(thread), ==, 0);
        CHECK(error, ==, chosen ? chosen : ECANCELED);
    }
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(exceptions, "all objects are patched except the C library and Green") {
    load_fixture(PATCHED_NOW);
    green_patch *patch = everything(0);
    CHECK(!green_is_patched("libc.so.6"));
    CHECK(!green_is_patched(GREENCORE_SONAME));
    CHECK(green_is_patched("libcore-patched-now.so"));
    CHECK(green_is_patched("libcore-patched-inner.so"));
    CHECK(green_is_patched("libcore-patched-common.so"));
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(families, "families that were not requested are not patched") {
    green_patch *patch = everything(GREEN_PATCH_TIME);
    CHECK(!is_green(own_poll));
    CHECK(slots_of(patch, "test-patch-whole_program", "poll"), ==, 0);
    CHECK(slots_of(patch, "test-patch-whole_program", "usleep"), >, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static int sync_file(void *fd) {
    int result = fsync(*(int *)fd);
    mark('s');
    return result;
}

static int mark_other(void *unused) {
    (void)unused;
    mark('o');
    return 0;
}

TEST(files, "if files are patched, calls of the program on files are green, and Green's own still work") {
    green_patch *patch = everything(GREEN_PATCH_ALL | GREEN_PATCH_FILE);
    char bytes[8] = "";
    green_file *file = open_file("file", O_RDWR | O_CREAT);
    CHECK(green_file_write(file, "abc", 3), ==, 3);
    CHECK(green_file_sync(file), ==, 0);
    int fd = open(path_of("file"), O_RDWR | O_CLOEXEC);
    CHECK(pwrite(fd, "d", 1, 3), ==, 1);
    CHECK(pread(fd, bytes, sizeof bytes, 0), ==, 4);
    CHECK_TEXT(bytes, "abcd");
    green_thread *syncing = start(sync_file, &fd), *other = start(mark_other, NULL);
    CHECK(finish(syncing), ==, 0);
    CHECK(finish(other), ==, 0);
    CHECK_TEXT(marks(), "os");
    CHECK(green_file_close(file), ==, 0);
    green_file_free(file);
    CHECK(close(fd), ==, 0);
    remove_directory();
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(twice, "patching everything twice has no further effect until the second patch is undone") {
    green_patch *first = everything(0), *second = everything(GREEN_PATCH_SELECT);
    CHECK(green_unpatch(first), ==, 0);
    CHECK(is_green(own_poll));
    CHECK(green_unpatch(second), ==, 0);
    CHECK(!is_green(own_poll));
}

static pthread_mutex_t own_mutex = PTHREAD_MUTEX_INITIALIZER;

static int hold_and_sleep(void *unused) {
    (void)unused;
    for (int i = 0; i < 10; i++) {
        CHECK(pthread_mutex_lock(&own_mutex), ==, 0);
        usleep(10);
        CHECK(pthread_mutex_unlock(&own_mutex), ==, 0);
    }
    return 0;
}

TEST(own_locks, "the program may hold its own locks during calls that wait") {
    green_patch *patch = everything(EVERY_FAMILY);
    green_thread *threads[10];
    for (int i = 0; i < 10; i++)
        threads[i] = start(hold_and_sleep, NULL);
    for (int i = 0; i < 10; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(slots_of(patch, "libcrypto", "pthread_rwlock_wrlock"), ==, 0); /* Green never parks inside OpenSSL */
    CHECK(green_unpatch(patch), ==, 0);
}

/* Objects that are loaded later ------------------------------------------------------ */

TEST(later, "a library loaded later is patched with its dependencies and appears in the report") {
    green_patch *patch = everything(0);
    CHECK(!green_is_patched(PATCHED_NOW));
    CHECK(slots_of(patch, "core-patched-now", "poll"), ==, 0);
    const struct fixture *fixture = load_fixture(PATCHED_NOW);
    CHECK(green_is_patched(PATCHED_NOW));
    CHECK(green_is_patched("libcore-patched-inner.so"));
    CHECK(slots_of(patch, "core-patched-now", "poll"), ==, 2);
    CHECK(is_green(fixture->poll));
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!green_is_patched(PATCHED_NOW));
    CHECK(!is_green(fixture->poll));
}

TEST(unloaded, "a library that has been unloaded is patched again when it is loaded again") {
    int (*volatile real)(struct pollfd *, nfds_t, int) = poll; /* read now, before the slot is patched */
    green_patch *patch = everything(0);
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(PATCHED_NO_PLT, RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        const struct fixture *fixture = dlsym(library, "fixture_calls");
        CHECK(*fixture->poll_address != real);
        CHECK(is_green(fixture->poll));
        CHECK(dlclose(library), ==, 0);
    }
    CHECK(green_unpatch(patch), ==, 0);
    void *library = dlopen(PATCHED_NO_PLT, RTLD_NOW | RTLD_LOCAL);
    CHECK(!green_is_patched(PATCHED_NO_PLT));
    CHECK(dlclose(library), ==, 0);
}

static size_t lines_of(green_patch *patch, const char *object) {
    green_patch_line line;
    size_t count = 0;
    for (size_t i = 0; green_patch_report(patch, i, &line); i++)
        count += strstr(line.object, object) != NULL;
    return count;
}

TEST(reloaded, "libraries that are loaded and unloaded a thousand times at one address leave no slots behind") {
    static const char *const paths[] = {PATCHED_NO_PLT, PATCHED_LAZY}, *const names[] = {"no_plt", "lazy"};
    green_patch *patch = everything(0);
    for (int i = 0; i < SCALED(1000); i++) {
        void *library = dlopen(paths[i % 2], RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        const struct fixture *fixture = dlsym(library, "fixture_calls");
        if (i % 100 < 2) {
            CHECK(is_green(fixture->poll));
            CHECK(lines_of(patch, names[i % 2]), >, 0);
            CHECK(lines_of(patch, names[1 - i % 2]), ==, 0);
        }
        CHECK(dlclose(library), ==, 0);
    }
    green_patch *again = everything(0); /* forgets the last one */
    CHECK(lines_of(patch, "core-patched-"), ==, lines_of(again, "core-patched-"));
    CHECK(lines_of(again, "no_plt") + lines_of(again, "lazy"), ==, 0);
    CHECK(green_unpatch(again), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

struct unloader {
    void *library;
    atomic_int begun, may_unload;
};

static void *unload(void *argument) {
    struct unloader *unloader = argument;
    unloader->begun = 1;
    while (!unloader->may_unload)
        sched_yield();
    CHECK(dlclose(unloader->library), ==, 0);
    return NULL;
}

TEST(unload_at_undo, "another OS thread may unload a library while the patch is undone") {
    for (int i = 0; i < SCALED(300); i++) {
        struct unloader unloader = {.library = dlopen(PATCHED_NO_PLT, RTLD_NOW | RTLD_LOCAL)};
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, unload, &unloader), ==, 0);
        green_patch *patch = everything(0);
        CHECK(green_is_patched(PATCHED_NO_PLT));
        while (!unloader.begun)
            sched_yield();
        unloader.may_unload = 1;
        CHECK(green_unpatch(patch), ==, 0);
        CHECK(pthread_join(thread, NULL), ==, 0);
    }
}

TEST(run_path, "a library loaded by its name is searched in the run path of the program") {
    void *library = dlopen("libcore-patched-idle.so", RTLD_NOW);
    if (!library)
        skip("the program has no run path");
    CHECK(dlclose(library), ==, 0);
    green_patch *patch = everything(0);
    library = dlopen("libcore-patched-idle.so", RTLD_NOW);
    CHECK(library != NULL);
    CHECK(dlclose(library), ==, 0);
    CHECK(dlopen("libthereisnone.so.7", RTLD_NOW) == NULL);
    CHECK(dlopen(NULL, RTLD_NOW) != NULL);
    CHECK(green_unpatch(patch), ==, 0);
}

/* Green itself ----------------------------------------------------------------------- */

static int exchange_bytes(void *argument) {
    struct pair *pair = argument;
    for (int i = 0; i < 100; i++) {
        send_text(pair->near, "ping");
        expect_text(pair->far, "ping");
        usleep(100);
    }
    return 0;
}

static int look_up(void *unused) {
    (void)unused;
    green_address addresses[4];
    struct addrinfo *found;
    CHECK(getaddrinfo("localhost", "80", NULL, &found), ==, 0);
    freeaddrinfo(found);
    return green_resolve(addresses, 4, "localhost:80") > 0 ? 0 : -ENOENT;
}

static void use_all_of_green(void) {
    struct pair pairs[TRANSPORTS];
    green_thread *threads[TRANSPORTS + 1];
    int count = 0;
    for (enum transport transport = 0; transport < TRANSPORTS; transport++) {
        pairs[count] = connected(transport);
        if (pairs[count].near)
            count++;
    }
    for (int i = 0; i < count; i++)
        threads[i] = start(exchange_bytes, &pairs[i]);
    threads[count] = start(look_up, NULL);
    for (int i = 0; i <= count; i++)
        CHECK(finish(threads[i]), ==, 0);
    for (int i = 0; i < count; i++)
        release_pair(&pairs[i]);
}

TEST(green_itself, "Green works in a patched program") {
    green_patch *patch = everything(EVERY_FAMILY);
    use_all_of_green();
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    CHECK_CONTAINS(capture_end(), "1 green threads");
    CHECK(green_unpatch(patch), ==, 0);
    use_all_of_green();
}

static void *drain_later(void *fd) {
    static char bytes[1 << 16];
    usleep(20000);
    while (read(*(int *)fd, bytes, sizeof bytes) > 0)
        ;
    return NULL;
}

TEST(full_report, "a dump to a full pipe blocks the OS thread, and no green thread runs in the middle of it") {
    static char bytes[1 << 16];
    green_patch *patch = everything(0);
    int ends[2];
    pthread_t reader;
    green_statistics before, after;
    socket_pair(ends);
    CHECK(green_sleep(1), ==, 0);
    while (send(ends[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    while (send(ends[0], bytes, 1, MSG_DONTWAIT) > 0)
        ;
    CHECK(green_hub_statistics(&before), ==, 0);
    CHECK(pthread_create(&reader, NULL, drain_later, &ends[1]), ==, 0);
    CHECK(green_dump(ends[0]), ==, 0);
    CHECK(green_hub_statistics(&after), ==, 0);
    CHECK(after.loop_iterations, ==, before.loop_iterations);
    CHECK(close(ends[0]), ==, 0);
    CHECK(pthread_join(reader, NULL), ==, 0);
    CHECK(close(ends[1]), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static void *run_hub(void *unused) {
    (void)unused;
    use_all_of_green();
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(several_hubs, "several OS threads run their hubs in a patched program") {
    pthread_t threads[3];
    green_patch *patch = everything(EVERY_FAMILY);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, run_hub, NULL), ==, 0);
    use_all_of_green();
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static int receive(void *fd) {
    char byte;
    return (int)recv(*(int *)fd, &byte, 1, 0);
}

TEST(vforked, "a child that shares the program's memory may wait, and ends no call of its parent") {
    if (SANITIZED)
        skip("sanitizers turn vfork into fork");
    green_patch *patch = everything(0);
    int ends[2], status;
    socket_pair(ends);
    green_thread *waiting = start(receive, &ends[0]);
    let_run();
    pid_t child = vfork();
    if (child == 0) {
        close(ends[0]);
        usleep(20000);
        _exit(poll(NULL, 0, 5));
    }
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(waiting));
    CHECK(send(ends[1], "x", 1, 0), ==, 1);
    CHECK(finish(waiting), ==, 1);
    close(ends[0]);
    close(ends[1]);
    CHECK(green_unpatch(patch), ==, 0);
}

static void patch_in_child(void) {
    CHECK(is_green(own_poll));
    use_all_of_green();
}

TEST(forked, "a forked child is patched like its parent") {
    green_patch *patch = everything(0);
    struct child child;
    run_child(&child, patch_in_child);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

/* Descriptors of Green ---------------------------------------------------------- */

enum { FDS = 2048 };

static int await_byte(void *fd) {
    char byte;
    return read(*(int *)fd, &byte, 1) == 1 ? 0 : -errno;
}

/* Descriptors that are open although the program has closed all. */
static int count_open(void) {
    int count = 0;
    for (int fd = 3; fd < FDS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void close_each(void) {
    for (int fd = 3; fd < FDS; fd++)
        if (close(fd) < 0)
            CHECK(errno, ==, EBADF);
}

static void close_all_ranges(void) {
    CHECK(close_range(3, 2, 0), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(close_range(3, ~0u, 1 << 20), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(close_range(3, ~0u, 0), ==, 0);
}

static void close_from_three(void) {
    closefrom(3);
}

static void replace_each(void) {
    int own = count_open();
    for (int fd = 3; fd < FDS; fd++)
        own -= fcntl(fd, F_GETFD) >= 0 && dup2(1, fd) < 0 && errno == EBADF;
    CHECK(own, ==, 0);
    for (int fd = 3; fd < FDS; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && dup2(fd, 3) < 0)
            CHECK(errno, ==, EBADF);
    close_each();
}

static void close_everything(void (*close_all)(void)) {
    int ends[2], other[2];
    green_patch *patch = everything(EVERY_FAMILY);
    CHECK(green_yield(), ==, 0);
    close_range(3, ~0u, 0);
    int own = count_open();
    CHECK(own, >, 0);
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    CHECK(ends[0], ==, 3);
    green_thread *ended = start(await_byte, &ends[0]);
    let_run();
    close_all();
    CHECK(finish(ended), ==, -EBADF); /* as by close() */
    CHECK(count_open(), ==, own);
    CHECK(pipe2(other, O_CLOEXEC), ==, 0);
    CHECK(other[0], ==, 3);
    green_thread *reader = start(await_byte, &other[0]);
    let_run();
    CHECK(write(other[1], "x", 1), ==, 1);
    CHECK(finish(reader), ==, 0);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static void close_by_each_call(void) {
    close_everything(close_each);
    close_everything(close_all_ranges);
    close_everything(close_from_three);
}

TEST(own_descriptors, "a program that closes all descriptors does not close those of Green") {
    static struct child child;
    run_child(&child, close_by_each_call);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

static void replace_all(void) {
    green_patch *patch = everything(EVERY_FAMILY);
    CHECK(green_yield(), ==, 0);
    close_each();
    replace_each();
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(replaced_descriptors, "dup2() cannot replace or copy the descriptors of Green") {
    static struct child child;
    run_child(&child, replace_all);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}
