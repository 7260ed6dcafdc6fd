/* Kills, closes and forks while a patched file call is in progress. */
#include "patched_files.h"

#include <pthread.h>
#include <sys/wait.h>

static int kill_thread(void *argument) {
    CHECK(green_thread_kill(((struct task *)argument)->thread), ==, 0);
    return 0;
}

static int transfer_and_wait(void *argument) {
    run_task(argument);
    CHECK(lib->poll(NULL, 0, -1), ==, -1);
    CHECK(errno, ==, ECANCELED);
    return 0;
}

TEST(killed, "an interrupt does not end a file call, but the next call that waits") {
    task_call *const calls[] = {by_pread, by_preadv, by_read, by_pwrite, by_write};
    begin_with_files();
    int fd = new_file("file", 0, 6000);
    cached = 0;
    for (size_t i = 0; i < 5; i++) {
        struct task task = {.fd = fd, .bytes = others, .size = 5000, .call = calls[i]};
        CHECK(lseek(fd, 0, SEEK_SET), ==, 0);
        task.thread = start(transfer_and_wait, &task);
        CHECK(finish(start(kill_thread, &task)), ==, 0);
        CHECK(finish(task.thread), ==, 0);
        CHECK(task.result, ==, 5000);
        CHECK(task.error, ==, 0);
        pattern_check(others, 5000, 0);
    }
    finish_files(fd);
}

static ssize_t by_close(struct task *task) {
    ssize_t result = lib->close(task->fd);
    mark('c');
    return result;
}

static ssize_t by_dup2(struct task *task) {
    ssize_t result = lib->dup2(task->size ? (int)task->size : 0, task->fd);
    mark('c');
    return result;
}

static ssize_t by_slow_sync(struct task *task) {
    ssize_t result = lib->fsync(task->fd);
    mark('s');
    return result;
}

TEST(closed, "close and dup2 wait for calls on the descriptor, and calls begun meanwhile are EBADF") {
    task_call *const ways[] = {by_close, by_dup2};
    begin_with_files();
    int other = new_file("other", 0, 10);
    for (size_t i = 0; i < 2; i++) {
        int fd = new_file("file", 0, 6000);
        struct task first = {.fd = fd, .call = by_slow_sync}, second = first;
        struct task closer = {.fd = fd, .size = (size_t)other, .call = ways[i]};
        struct task late = {.fd = fd, .bytes = others, .size = 10, .call = by_pread};
        cached = 0;
        atomic_store(&shut, true);
        begin_task(&first);
        begin_task(&second);
        begin_task(&closer);
        CHECK(is_waiting(&closer));
        CHECK(fcntl(fd, F_GETFD), >=, 0);
        begin_task(&late);
        end_task(&late, -1, EBADF);
        atomic_store(&shut, false);
        end_task(&first, 0, 0);
        end_task(&second, 0, 0);
        end_task(&closer, i == 0 ? 0 : fd, 0);
        CHECK_TEXT(marks(), i == 0 ? "ssc" : "sscssc");
        if (i == 1)
            close(fd);
    }
    finish_files(other);
}

TEST(closed_at_once, "a close at the moment of a transfer leaves the transfer complete") {
    task_call *const calls[] = {by_pread, by_preadv, by_read, by_pwrite, by_write};
    begin_with_files();
    int other = new_file("other", 0, 10);
    for (size_t i = 0; i < 5; i++) {
        int fd = new_file("file", 0, 6000);
        struct task task = {.fd = fd, .bytes = others, .size = 5000, .call = calls[i]};
        struct task closer = {.fd = fd, .call = by_close};
        cached = 0;
        CHECK(lseek(fd, 0, SEEK_SET), ==, 0);
        task.thread = start(run_task, &task);
        closer.thread = start(run_task, &closer);
        end_task(&closer, 0, 0);
        CHECK(!is_waiting(&task));
        end_task(&task, 5000, 0);
        CHECK(fcntl(fd, F_GETFD), ==, -1);
    }
    finish_files(other);
}

TEST(unpatched, "undoing a patch waits for calls in progress, for which an unpatched close would not wait") {
    begin_with_files();
    int fd = new_file("file", 0, 6000);
    struct task task = {.fd = fd, .call = by_fsync};
    atomic_store(&shut, true);
    begin_task(&task);
    CHECK(is_waiting(&task));
    green_thread *opener = start(open_gate, NULL);
    end();
    CHECK(!atomic_load(&shut));
    end_task(&task, 0, 0);
    CHECK(finish(opener), ==, 0);
    begin_with_files();
    finish_files(fd);
}

TEST(position, "each read at the shared position of a descriptor gets contiguous bytes") {
    enum { PART = 2000 };
    static char parts[3][PART];
    struct task tasks[3];
    begin_with_files();
    int fd = new_file("file", 0, 3 * PART);
    cached = 100;
    for (int i = 0; i < 3; i++) {
        tasks[i] = (struct task){.fd = fd, .bytes = parts[i], .size = PART, .call = by_read};
        tasks[i].thread = start(run_task, &tasks[i]);
    }
    bool found[3] = {false};
    for (int i = 0; i < 3; i++) {
        end_task(&tasks[i], PART, 0);
        for (int part = 0; part < 3; part++) {
            char expected[PART];
            pattern_fill(expected, PART, (uint64_t)part * PART);
            found[part] |= memcmp(parts[i], expected, PART) == 0;
        }
    }
    CHECK(found[0] && found[1] && found[2]);
    finish_files(fd);
}

static void close_in_link(green_thread *thread, void *fd) {
    (void)thread;
    atomic_store(&shut, false);
    CHECK(lib->close(*(int *)fd), ==, 0);
}

TEST(link, "a close in a link, which cannot park, still waits for calls in progress") {
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer does not see what the kernel puts in order");
    begin_with_files();
    int fd = new_file("file", 0, 6000);
    task_call *const calls[] = {by_fsync, by_pwrite, by_write, by_pread};
    for (size_t i = 0; i < 4; i++) {
        struct task task = {.fd = fd, .bytes = others, .size = 100, .call = calls[i]};
        green_link *link;
        cached = 0;
        atomic_store(&shut, true);
        task.thread = start(run_task, &task);
        green_thread *thread = start(give, &(int){0});
        CHECK(green_thread_link(thread, &link, close_in_link, &fd), ==, 0);
        CHECK(finish(thread), ==, 0);
        CHECK(fcntl(fd, F_GETFD), ==, -1);
        end_task(&task, calls[i] == by_fsync ? 0 : 100, 0);
        fd = new_file("file", 0, 6000);
    }
    finish_files(fd);
}

TEST(twice, "if two threads close a descriptor in use, one is refused") {
    begin_with_files();
    int fd = new_file("file", 0, 6000);
    struct task task = {.fd = fd, .call = by_fsync}, first = {.fd = fd, .call = by_close}, second = first;
    atomic_store(&shut, true);
    begin_task(&task);
    begin_task(&first);
    begin_task(&second);
    CHECK(is_waiting(&first));
    end_task(&second, -1, EBADF);
    atomic_store(&shut, false);
    end_task(&task, 0, 0);
    end_task(&first, 0, 0);
    fd = new_file("file", 0, 6000);
    finish_files(fd);
}

TEST(numbers, "Green takes none of the lowest descriptor numbers while a call is in progress") {
    begin_with_files();
    int fd = new_file("file", 0, 6000), next = dup(fd);
    CHECK(close(next), ==, 0);
    struct task tasks[3];
    atomic_store(&shut, true);
    for (int i = 0; i < 3; i++) {
        tasks[i] = (struct task){.fd = fd, .call = by_fsync};
        begin_task(&tasks[i]);
    }
    CHECK(dup(fd), ==, next);
    CHECK(close(next), ==, 0);
    atomic_store(&shut, false);
    for (int i = 0; i < 3; i++)
        end_task(&tasks[i], 0, 0);
    finish_files(fd);
}

static int synced;

static void sync_for_fork(void) {
    CHECK(lib->fsync(synced), ==, 0);
}

TEST(fork_handler, "a fork handler of a library may sync a file") {
    CHECK(pthread_atfork(sync_for_fork, sync_for_fork, NULL), ==, 0); /* before Green's, so they run inside */
    begin_with_files();
    synced = new_file("file", 0, 6000);
    let_run();
    fork_and_wait();
    finish_files(synced);
}

static bool is_locked(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    CHECK(fcntl(fd, F_OFD_GETLK, &lock), ==, 0);
    return lock.l_type == F_WRLCK;
}

TEST(locks, "record locks survive each call on their file") {
    task_call *const calls[] = {by_pread, by_preadv, by_read, by_pwrite, by_write, by_fsync, by_fdatasync};
    begin_with_files();
    int fd = new_file("file", 0, 6000), looking = open(path_of("file"), O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    CHECK(fcntl(fd, F_SETLK, &lock), ==, 0);
    cached = 0;
    for (size_t i = 0; i < 7; i++) {
        struct task task = {.fd = fd, .bytes = others, .size = 100, .call = calls[i]};
        CHECK(calls[i](&task), >=, 0);
        CHECK(is_locked(looking));
    }
    CHECK(close(looking), ==, 0);
    finish_files(fd);
}

/* Other processes --------------------------------------------------------------------- */

TEST(vforked, "the child of a vfork reads, syncs and closes by itself") {
    if (SANITIZED)
        skip("sanitizers turn vfork into fork");
    begin_with_files();
    int fd = new_file("file", 0, 6000), status;
    struct task task = {.fd = fd, .call = by_fsync};
    cached = 0;
    begin_task(&task);
    pid_t child = vfork();
    if (child == 0)
        _exit(lib->pread(fd, others, 100, 0) == 100 && lib->fsync(fd) == 0 && lib->close(fd) == 0 ? 7 : 1);
    CHECK(lib->waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 7 << 8);
    end_task(&task, 0, 0);
    finish_files(fd);
}

TEST(forked, "a forked child has no calls of its parent in progress") {
    begin_with_files();
    int fd = new_file("file", 0, 6000), status;
    struct task task = {.fd = fd, .call = by_fsync};
    atomic_store(&shut, true);
    begin_task(&task);
    pid_t child = fork();
    if (child == 0)
        _exit(green_yield() == 0 && lib->pread(fd, others, 100, 0) == 100 && lib->close(fd) == 0 ? 7 : 1);
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 7 << 8);
    atomic_store(&shut, false);
    end_task(&task, 0, 0);
    finish_files(fd);
}

/* At random ---------------------------------------------------------------------------- */

enum { WANDERERS = 20, STEPS = 40, PART = 20000 };

static int running;

static void transfer_at_random(int fd, char *part, size_t at) {
    struct task task = {.fd = fd, .bytes = part, .size = 2 + random_below(PART - 1), .offset = (off_t)at};
    size_t start = at + random_below(1000);
    cached = random_below(4) == 0 ? SIZE_MAX : random_below(3 * PART / 2);
    pattern_fill(part, task.size, start);
    CHECK(writers[random_below(4)](&task), ==, task.size);
    memset(part, 0, task.size);
    CHECK(readers[random_below(6)](&task), ==, task.size);
    pattern_check(part, task.size, start);
}

/* Each thread has a part of one file and its own descriptor of it. Kills end only its opens. */
static int transfer_repeatedly(void *argument) {
    size_t at = *(size_t *)argument;
    char *part = malloc(PART + 1);
    int fd = open(path_of("file"), O_RDWR | O_CLOEXEC);
    running++;
    for (int i = 0; i < STEPS; i++) {
        transfer_at_random(fd, part, at);
        if (random_below(4) == 0)
            CHECK(lib->fdatasync(fd), ==, 0);
        if (random_below(4) > 0)
            continue;
        CHECK(lib->close(fd), ==, 0);
        while ((fd = lib->open(path_of("file"), O_RDWR | O_CLOEXEC, 0)) < 0)
            CHECK(errno, ==, ECANCELED);
    }
    running--;
    CHECK(lib->close(fd), ==, 0);
    free(part);
    return 0;
}

TEST(at_random, "random transfers, opens, closes and kills lose nothing") {
    static size_t places[WANDERERS];
    green_thread *threads[WANDERERS];
    begin_with_files();
    int fd = new_file("file", 0, 10);
    for (size_t i = 0; i < WANDERERS; i++) {
        places[i] = i * PART;
        threads[i] = start(transfer_repeatedly, &places[i]);
    }
    let_run();
    while (running > 0) {
        (void)green_thread_kill(threads[random_below(WANDERERS)]);
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
    for (size_t i = 0; i < WANDERERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    finish_files(fd);
}
