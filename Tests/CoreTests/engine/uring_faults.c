/* Errors and short transfers of io_uring. The test replaces the submission entry of an
 * operation by a NOP with the result to inject (Linux 6.11). */
#include "../../../csrc/core/hub.h"
#include "../../../csrc/engine/uring.h"
#include "files.h"
#include "readers.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INJECT_RESULT = 1 };

static green_uring *uring;

/* The next operations with this opcode get this result. */
static struct fault {
    uint8_t opcode;
    int32_t result;
    int times;
} fault;

static void inject(struct io_uring_sqe *entry, int32_t result) {
    uint64_t name = entry->user_data;
    *entry = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .fd = -1, .user_data = name};
    entry->rw_flags = INJECT_RESULT;
    entry->len = (uint32_t)result;
}

/* The longest wait passed to the kernel. */
static int64_t longest_wait;

static void note_wait(const void *argument) {
    const struct io_uring_getevents_arg *given = argument;
    const struct __kernel_timespec *time = (const void *)(uintptr_t)given->ts;
    int64_t wait = time ? time->tv_sec * GREEN_SECOND + time->tv_nsec : 0;
    longest_wait = wait > longest_wait ? wait : longest_wait;
}

int __real_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size);
int __wrap_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size);
int __wrap_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size) {
    if (!uring) /* the ring is being set up */
        return __real_io_uring_enter2(fd, to_submit, wanted, flags, argument, size);
    struct io_uring_sq *sq = &uring->ring.sq;
    for (unsigned i = *sq->khead; fault.times > 0 && i != *sq->ktail; i++) {
        struct io_uring_sqe *entry = &sq->sqes[sq->array[i & *sq->kring_mask]];
        if (entry->opcode == fault.opcode) {
            inject(entry, fault.result);
            fault.times--;
        }
    }
    note_wait(argument);
    return __real_io_uring_enter2(fd, to_submit, wanted, flags, argument, size);
}

static void fail_next(uint8_t opcode, int32_t result, int times) {
    fault = (struct fault){opcode, result, times};
}

/* Whether the kernel's NOP supports results, tried on a separate ring. */
static bool takes_results(void) {
    struct io_uring ring;
    struct io_uring_cqe *completion;
    bool takes = false;
    if (io_uring_queue_init(1, &ring, 0) < 0)
        return false;
    inject(io_uring_get_sqe(&ring), -EL2HLT);
    if (io_uring_submit(&ring) == 1 && io_uring_wait_cqe(&ring, &completion) == 0)
        takes = completion->res == -EL2HLT;
    io_uring_queue_exit(&ring);
    return takes;
}

static void open_hub(unsigned entries) {
    green_hub_options options = {.engine = "uring", .entries = entries};
    int error = green_hub_open(&options);
    if (error < 0)
        skip("there is no io_uring");
    uring = GREEN_CONTAINER(green__hub_here(&error)->engine, green_uring, base);
}

static void on_uring(void) {
    open_hub(0);
    if (!takes_results())
        skip("this kernel's NOP has no result of its own");
}

static void expect_all_met(void) {
    CHECK(fault.times, ==, 0);
}

TEST(interrupted_read, "a receive and a send that a signal interrupts continue") {
    on_uring();
    struct pair pair = connected(TCP4);
    fail_next(IORING_OP_SEND, -EINTR, 2);
    send_text(pair.near, "whole");
    expect_all_met();
    fail_next(IORING_OP_RECV, -EINTR, 3);
    expect_text(pair.far, "whole");
    expect_all_met();
    release_pair(&pair);
}

TEST(interrupted_and_killed, "a receive that is interrupted again and again can be killed, and times out") {
    on_uring();
    struct pair pair = connected(TCP4);
    fail_next(IORING_OP_RECV, -EINTR, 1000000000);
    green_thread *reader = start(read_byte, pair.near);
    let_run();
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    green_socket_set_timeouts(pair.near, 2 * GREEN_MILLISECOND, GREEN_FOREVER);
    CHECK(read_byte(pair.near), ==, -ETIMEDOUT);
    fail_next(0, 0, 0);
    release_pair(&pair);
}

TEST(short_send, "a short send continues with the remaining bytes") {
    on_uring();
    struct pair pair = connected(TCP4);
    fail_next(IORING_OP_SEND, 4, 1); /* the NOP has not sent these bytes */
    CHECK(green_write(pair.near, "lostkept", 8), ==, 8);
    expect_all_met();
    expect_text(pair.far, "kept");
    release_pair(&pair);
}

/* An error of one operation is the error of its call only. */
static void expect_error(int error) {
    struct pair pair = connected(TCP4);
    char bytes[4];
    send_text(pair.far, "kept");
    fail_next(IORING_OP_RECV, error, 1);
    CHECK(green_read(pair.near, bytes, 4), ==, error);
    CHECK_CONTAINS(green_explain(error), "cannot read from socket");
    expect_text(pair.near, "kept");
    fail_next(IORING_OP_SEND, error, 1);
    CHECK(green_write(pair.near, "back", 4), ==, error);
    CHECK_CONTAINS(green_explain(error), "cannot write to socket");
    send_text(pair.near, "back");
    expect_text(pair.far, "back");
    expect_all_met();
    release_pair(&pair);
}

TEST(errors, "a reset, out of memory and no buffers are errors of one call, and lose no bytes") {
    on_uring();
    expect_error(-ECONNRESET);
    expect_error(-ENOMEM);
    expect_error(-ENOBUFS);
    expect_error(-EIO);
}

TEST(no_buffers, "a receive without a free buffer uses its own memory") {
    on_uring();
    struct pair pair = connected(TCP4);
    const void *bytes;
    send_text(pair.far, "in a chunk");
    fail_next(IORING_OP_RECV, -ENOBUFS, 1);
    CHECK(green_receive(pair.near, &bytes), ==, 10);
    CHECK(memcmp(bytes, "in a chunk", 10), ==, 0);
    expect_all_met();
    release_pair(&pair);
}

/* Waits for the next completion, and returns before its thread continues. */
static void await_completion(void) {
    uint64_t before = uring->base.completions;
    for (int i = 0; i < 1000 && uring->base.completions == before; i++)
        CHECK(green_yield(), ==, 0);
    CHECK(uring->base.completions, ==, before + 1);
}

static int receive_any(void *socket) {
    const void *bytes;
    return (int)green_receive(socket, &bytes);
}

TEST(closed_without_buffers, "a socket is closed before its reader learns that no buffer is free") {
    on_uring();
    struct pair pair = connected(TCP4);
    green_thread *reader = start(receive_any, pair.near);
    fail_next(IORING_OP_RECV, -ENOBUFS, 1);
    await_completion();
    expect_all_met();
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    release_pair(&pair);
}

static int connect_there(void *listener) {
    green_socket *socket;
    int error = green_connect(&socket, address_of(listener), NULL);
    if (error == 0)
        green_socket_release(socket);
    return error;
}

TEST(connect, "a connect that fails returns an error with its address, and the next one succeeds") {
    on_uring();
    green_listener *listener = listen_any(TCP4);
    static const int errors[] = {-ECONNREFUSED, -ENETUNREACH, -EADDRNOTAVAIL, -ENOBUFS};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fail_next(IORING_OP_CONNECT, errors[i], 1);
        CHECK(finish(start(connect_there, listener)), ==, errors[i]);
        expect_all_met();
        CHECK(finish(start(connect_there, listener)), ==, 0);
        green_socket_release(accept_from(listener));
    }
    green_listener_release(listener);
}

/* EALREADY: the connect has continued after EINTR. */
TEST(broken_connect, "a connect interrupted by a signal is repeated until it is done") {
    on_uring();
    static const int answers[] = {-EINTR, -EALREADY};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        green_listener *listener = listen_any(TCP4);
        fail_next(IORING_OP_CONNECT, answers[i], 2);
        CHECK(finish(start(connect_there, listener)), ==, 0);
        expect_all_met();
        green_socket_release(accept_from(listener));
        green_listener_release(listener);
    }
}

/* Waiting -------------------------------------------------------------------- */

TEST(receive_again, "a receive that a kernel worker abandoned is submitted again") {
    on_uring();
    struct pair pair = connected(TCP4);
    const void *bytes;
    fail_next(IORING_OP_RECV, -EAGAIN, 1);
    green_thread *reader = start(read_byte, pair.near);
    let_run();
    expect_all_met();
    CHECK(!green_thread_is_finished(reader));
    send_text(pair.far, "x");
    CHECK(finish(reader), ==, 1);
    fail_next(IORING_OP_RECV, -EAGAIN, 3);
    send_text(pair.far, "here");
    CHECK(green_receive(pair.near, &bytes), ==, 4);
    green_consume(pair.near, 4);
    expect_all_met();
    release_pair(&pair);
}

static int wait_for_bytes(void *socket) {
    return green_wait_fd(green_socket_fd(socket), POLLIN, GREEN_FOREVER);
}

/* The first fault ends a poll for one event. Later faults end multishot polls with their
 * first event. */
TEST(other_events, "a poll that ends for an event that was not requested is started again") {
    on_uring();
    struct pair pair = connected(TCP4);
    for (int times = 1; times < 5; times++) {
        fail_next(IORING_OP_POLL_ADD, POLLRDHUP, times);
        green_thread *waiting = start(wait_for_bytes, pair.near), *killed = start(wait_for_bytes, pair.near);
        while (fault.times > 0)
            CHECK(green_yield(), ==, 0);
        let_run();
        CHECK(kill_and_finish(killed), ==, -ECANCELED);
        CHECK(!green_thread_is_finished(waiting));
        send_text(pair.far, "x");
        CHECK(finish(waiting), ==, POLLIN);
        expect_text(pair.near, "x");
    }
    release_pair(&pair);
}

static int write_byte(void *socket) {
    return (int)green_write(socket, "x", 1);
}

static void fill(int fd) {
    static const char bytes[64 * 1024];
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

TEST(mistaken_room, "a send retries with pauses if polls report room that does not exist, and a kill ends it") {
    on_uring();
    struct pair pair = connected(UNIX_PAIR);
    static char bytes[64 * 1024];
    fill(green_socket_fd(pair.near));
    for (int times = 1; times < 6; times++) {
        fail_next(IORING_OP_POLL_ADD, POLLOUT, times);
        green_thread *writer = start(write_byte, pair.near);
        while (fault.times > 0)
            CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        CHECK(!green_thread_is_finished(writer));
        CHECK(kill_and_finish(writer), ==, -ECANCELED);
    }
    fail_next(IORING_OP_POLL_ADD, POLLOUT, 5);
    green_thread *writer = start(write_byte, pair.near);
    let_run();
    while (recv(green_socket_fd(pair.far), bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    CHECK(finish(writer), ==, 1);
    fail_next(0, 0, 0);
    release_pair(&pair);
}

/* Files ---------------------------------------------------------------------- */

TEST(no_truncate, "a worker truncates and opens a file if the ring cannot") {
    open_hub(0);
    uring->has_ftruncate = false;
    uring->opens_max = 0;
    green_file *file = file_of_pattern("file", 1000);
    CHECK(green_file_truncate(file, 10), ==, 0);
    CHECK(green_file_size(file), ==, 10);
    CHECK(green_file_close(file), ==, 0);
    green_file_free(file);
    remove_directory();
}

/* All file operations. */
static void use_file(void) {
    struct stat status;
    green_file *file = NULL;
    CHECK(green_directory_create(path_of("room"), 0700, GREEN_FOREVER), ==, 0);
    CHECK(green_file_open(&file, path_of("room/a"), O_RDWR | O_CREAT, 0600, GREEN_FOREVER), ==, 0);
    CHECK(green_file_write_at(file, "abc", 3, 0), ==, 3);
    CHECK(green_file_sync(file) + green_file_sync_data(file), ==, 0);
    CHECK(green_file_truncate(file, 2), ==, 0);
    CHECK(green_file_size(file), ==, 2);
    CHECK(green_file_read_at(file, &status, 3, 0), ==, 2);
    CHECK(green_file_close(file), ==, 0);
    green_file_free(file);
    CHECK(green_path_rename(path_of("room/a"), path_of("room/b"), GREEN_FOREVER), ==, 0);
    CHECK(green_path_status(path_of("room/b"), &status, GREEN_FOREVER), ==, 0);
    CHECK(green_path_unlink(path_of("room/b"), GREEN_FOREVER), ==, 0);
    CHECK(green_directory_remove(path_of("room"), GREEN_FOREVER), ==, 0);
}

enum { FTRUNCATE = 55 }; /* Linux 6.9 */

static const uint8_t file_calls[] = {IORING_OP_MKDIRAT,  IORING_OP_OPENAT,   IORING_OP_WRITE,
                                     IORING_OP_FSYNC,    FTRUNCATE,          IORING_OP_STATX,
                                     IORING_OP_RENAMEAT, IORING_OP_UNLINKAT, IORING_OP_READ};

/* Whether the ring performs the operation. Otherwise a read may be that of a worker's
 * eventfd. */
static bool takes(uint8_t opcode) {
    switch (opcode) {
    case FTRUNCATE:
        return uring->has_ftruncate;
    case IORING_OP_OPENAT:
        return uring->opens_max > 0;
    case IORING_OP_READ:
        return uring->has_ftruncate && uring->opens_max > 0;
    default:
        return true;
    }
}

/* Newer kernels, among them late versions of Linux 6.1 and 6.12, return EINTR instead of
 * ERESTARTSYS. All kernels do so for reads and writes. */
TEST(broken_file_calls, "a file call that a stop of the process interrupts is repeated") {
    enum { ERESTARTSYS = 512, ENOTSUPP = 524 };
    on_uring();
    for (size_t i = 0; i < sizeof file_calls; i++) {
        bool transfers = file_calls[i] == IORING_OP_READ || file_calls[i] == IORING_OP_WRITE;
        if (!takes(file_calls[i]))
            continue;
        for (int newer = 0; newer < 2; newer++) {
            fail_next(file_calls[i], transfers || newer ? -EINTR : -ERESTARTSYS, 3);
            use_file();
            expect_all_met();
        }
    }
    green_file *file = open_file("file", O_RDWR | O_CREAT);
    fail_next(IORING_OP_FSYNC, -ENOTSUPP, 1); /* another number that no header has */
    CHECK(green_file_sync(file), ==, -ENOTSUPP);
    green_file_free(file);
    remove_directory();
}

static int read_some(void *file) {
    char bytes[16];
    return (int)green_file_read_at(file, bytes, sizeof bytes, 0);
}

/* The kill arrives after the operation has completed and before its thread continues. */
TEST(killed_while_ready, "a kill between an interrupted read and its repetition is not lost") {
    on_uring();
    green_file *file = file_of_pattern("file", 1000);
    fail_next(IORING_OP_READ, -EINTR, 1);
    green_thread *reader = start(read_some, file);
    while (fault.times > 0)
        CHECK(green_yield(), ==, 0);
    while (uring->base.operations > 0)
        uring->base.class->poll(&uring->base, GREEN_FOREVER);
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    green_file_free(file);
    remove_directory();
}

static int sync_it(void *file) {
    return green_file_sync(file);
}

TEST(closed_while_ready, "a call that a worker would make does not begin on a file that was closed") {
    on_uring();
    green_file *file = open_file("file", O_RDWR | O_CREAT);
    fail_next(IORING_OP_FSYNC, -ECANCELED, 1);
    green_thread *syncer = start(sync_it, file);
    while (fault.times > 0)
        CHECK(green_yield(), ==, 0);
    while (uring->base.operations > 0)
        uring->base.class->poll(&uring->base, GREEN_FOREVER);
    CHECK(green_file_close(file), ==, 0);
    CHECK(finish(syncer), ==, -EBADF);
    green_file_free(file);
    remove_directory();
}

static int open_without_waiting(void *path) {
    return open_and_release(path, O_RDONLY | O_NONBLOCK);
}

TEST(own_error_number, "each green thread keeps its errno, whatever the hub does for others") {
    on_uring();
    char *path = strdup(path_of("fifo"));
    CHECK(mkfifo(path, 0600), ==, 0);
    for (int i = 0; i < 20; i++) {
        green_thread *other = start(open_without_waiting, path);
        errno = 0;
        while (!green_thread_is_finished(other)) {
            (void)!green_sleep(1);
            CHECK(errno, ==, 0);
        }
        CHECK(finish(other), ==, 0);
    }
    free(path);
    remove_directory();
}

TEST(no_worker, "if the kernel cannot start a worker and reports -ECANCELED, a worker of Green makes the call") {
    on_uring();
    for (size_t i = 0; i < sizeof file_calls; i++) {
        if (!takes(file_calls[i]))
            continue;
        fail_next(file_calls[i], -ECANCELED, 1);
        use_file();
        expect_all_met();
    }
    remove_directory();
}

/* Cancels -------------------------------------------------------------------- */

TEST(cancel_not_found, "a cancel whose target the kernel does not find is repeated until the operation ends") {
    on_uring();
    struct pair pair = connected(UNIX_PAIR);
    for (int times = 1; times < 4; times++) {
        green_thread *thread = start(read_byte, pair.near);
        let_run();
        fail_next(IORING_OP_ASYNC_CANCEL, -ENOENT, times);
        CHECK(kill_and_finish(thread), ==, -ECANCELED);
        expect_all_met();
    }
    release_pair(&pair);
}

/* Times ---------------------------------------------------------------------- */

static int sleep_on_worker(void *unused) {
    (void)unused;
    return usleep(1000);
}

TEST(longest_wait, "no timeout overflows when the kernel adds it to its clock") {
    int64_t longest = INT64_MAX;
    open_hub(0);
    green_thread *sleeper = start(nap, &longest);
    CHECK(green_offload(NULL, sleep_on_worker, NULL, NULL, NULL, GREEN_FOREVER), ==, 0);
    CHECK(longest_wait, >, 0);
    CHECK(longest_wait, <, INT64_MAX - 2 * green_now());
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
}

/* The smallest ring --------------------------------------------------------- */

enum { PAIRS = 40 };

static int echo_all(void *socket) {
    char bytes[512];
    ssize_t count;
    while ((count = green_read(socket, bytes, sizeof bytes)) > 0)
        if ((count = green_write(socket, bytes, (size_t)count)) < 0)
            break;
    return (int)count;
}

static void exceed_entries(unsigned entries) {
    open_hub(entries);
    struct pair pairs[PAIRS];
    green_thread *echoes[PAIRS], *writers[PAIRS], *readers[PAIRS], *idle[PAIRS];
    struct pair quiet[PAIRS];
    struct transfer out[PAIRS], in[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = connected(UNIX_PAIR);
        quiet[i] = connected(UNIX_PAIR);
        out[i] = in[i] = (struct transfer){pairs[i].near, (uint64_t)SCALED(64 * 1024), 0};
        echoes[i] = start(echo_all, pairs[i].far);
        writers[i] = start(send_pattern, &out[i]);
        readers[i] = start(receive_pattern, &in[i]);
        idle[i] = start(read_byte, quiet[i].near);
    }
    let_run();
    /* More cancels at once than the ring has entries. */
    for (int i = 0; i < PAIRS; i++)
        CHECK(green_thread_kill(idle[i]), ==, 0);
    for (int i = 0; i < PAIRS; i++) {
        CHECK(finish(idle[i]), ==, -ECANCELED);
        CHECK(finish(writers[i]), ==, 0);
        CHECK(finish(readers[i]), ==, 0);
        CHECK(in[i].position, ==, out[i].size);
        CHECK(kill_and_finish(echoes[i]), ==, -ECANCELED);
        release_pair(&pairs[i]);
        release_pair(&quiet[i]);
    }
    CHECK(uring->base.operations, ==, 0);
    CHECK(uring->base.buffers_in_use, ==, 0);
}

TEST(one_entry, "a ring with one entry loses nothing") {
    exceed_entries(1);
}

TEST(two_entries, "a ring with two entries loses nothing") {
    exceed_entries(2);
}
