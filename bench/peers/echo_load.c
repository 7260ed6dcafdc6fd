// echo_load: measures an echo server with a closed loop: every connection sends a message, waits for
// all of it to come back, checks it and sends the next.
//
// It runs on io_uring the cheapest way known (multishot receives, sends that complete silently), so
// that a server on the other core is what limits the rate. Even so, on loopback both ends of a
// connection do the same work in the kernel: trust server_cpu_ns_per_message (--pid) over the rate.
//
// Clients may differ: --heavy makes some connections, selected at random, send more or ask for more
// work than the others. The latencies are then those of the others.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <liburing.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_GROUP = 0, HEAD_BYTES = 64, FULL_CHECK_EVERY = 256, STALL_SECONDS = 10 };
enum { HEAVY_FACTOR = 10, HEAVY_OF = 8 };
enum operation { RECEIVE, SEND, PAUSE };

struct connection {
    int fd;
    char *message;
    unsigned long count; // messages sent; the current one begins with it
    unsigned sent, received;
    uint64_t sent_at;
    bool heavy;
};

static const char *host = "127.0.0.1", *path;
static int port;
static unsigned connection_count = 1, size = 64;
static double seconds = 3, warmup = 0.5, hold;
static long message_limit = -1;
static pid_t server;
static uint32_t work;
static bool heavy_work, heavy_rate;
static unsigned seed = 1;
static struct __kernel_timespec pause_time;

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static char *buffers;
static unsigned buffer_bytes, buffer_count;
static struct connection *connections;

static uint32_t *latencies;
static size_t latency_count, latency_capacity;
static size_t message_count;
static bool measuring;

_Noreturn static void fail(const char *what, int error) {
    fprintf(stderr, "echo_load: %s: %s\n", what, strerror(error));
    exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) < 0)
        fail("clock_gettime", errno);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static uint64_t server_cpu_ns(void) {
    clockid_t clock;
    if (!server)
        return 0;
    int error = clock_getcpuclockid(server, &clock);
    if (error)
        fail("--pid", error);
    return clock_ns(clock);
}

static long server_rss_kib(void) {
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", server);
    FILE *status = fopen(path, "r");
    if (!status)
        return kib;
    while (fgets(line, sizeof line, status))
        sscanf(line, "VmRSS: %ld", &kib);
    fclose(status);
    return kib;
}

static struct io_uring_sqe *next_sqe(void) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (sqe)
        return sqe;
    int result = io_uring_submit(&ring);
    if (result < 0)
        fail("io_uring_submit", -result);
    return io_uring_get_sqe(&ring);
}

static void tag(struct io_uring_sqe *sqe, enum operation operation, unsigned index) {
    sqe->user_data = (uint64_t)index << 8 | operation;
}

static void arm_receive(unsigned index) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_recv_multishot(sqe, connections[index].fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    tag(sqe, RECEIVE, index);
}

// A message that leaves at once needs no completion, its echo is one; the others wait.
static void send_rest(unsigned index, bool wait) {
    struct connection *c = &connections[index];
    struct io_uring_sqe *sqe = next_sqe();
    int flags = MSG_NOSIGNAL | MSG_WAITALL | (wait ? 0 : MSG_DONTWAIT);
    io_uring_prep_send(sqe, c->fd, c->message + c->sent, size - c->sent, flags);
    if (!wait)
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    tag(sqe, SEND, index);
}

static void start_message(unsigned index, uint64_t now) {
    struct connection *c = &connections[index];
    c->count++;
    memcpy(c->message, &c->count, sizeof c->count < size ? sizeof c->count : size);
    c->sent = c->received = 0;
    c->sent_at = now;
    send_rest(index, false);
}

// The time of its message is that of its departure.
static void start_pause(unsigned index) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_timeout(sqe, &pause_time, 0, 0);
    tag(sqe, PAUSE, index);
}

static void record(uint64_t latency) {
    if (latency_count == latency_capacity) {
        latency_capacity = latency_capacity ? latency_capacity * 2 : 1 << 20;
        latencies = realloc(latencies, latency_capacity * sizeof *latencies);
        if (!latencies)
            fail("realloc", ENOMEM);
    }
    latencies[latency_count++] = latency < UINT32_MAX ? latency : UINT32_MAX;
}

// Always the length and the head with its counter; all the bytes of some messages only, because a
// full comparison of large ones would make the load the bottleneck.
static void check(struct connection *c, const char *data, unsigned length) {
    unsigned from = c->received, to = from + length;
    if (to > size)
        fail("more bytes came back than were sent", EPROTO);
    if (c->count % FULL_CHECK_EVERY != 1 && to > HEAD_BYTES)
        to = HEAD_BYTES;
    if (from < to && memcmp(c->message + from, data, to - from) != 0)
        fail("the echo differs from the message", EPROTO);
    c->received += length;
}

static void on_receive(unsigned index, int result, unsigned flags) {
    struct connection *c = &connections[index];
    if (result == 0)
        fail("the server closed a connection", ECONNRESET);
    if (result < 0 && result != -ENOBUFS)
        fail("receive", -result);
    if (result > 0) {
        unsigned short id = flags >> IORING_CQE_BUFFER_SHIFT;
        char *data = buffers + (size_t)id * buffer_bytes;
        check(c, data, result);
        io_uring_buf_ring_add(buffer_ring, data, buffer_bytes, id, io_uring_buf_ring_mask(buffer_count), 0);
        io_uring_buf_ring_advance(buffer_ring, 1);
    }
    if (!(flags & IORING_CQE_F_MORE))
        arm_receive(index);
    if (c->received < size)
        return;
    uint64_t now = clock_ns(CLOCK_MONOTONIC);
    if (measuring) {
        message_count++;
        if (!c->heavy)
            record(now - c->sent_at);
    }
    if (heavy_rate && !c->heavy)
        start_pause(index);
    else
        start_message(index, now);
}

static void on_send(unsigned index, int result) {
    if (result < 0 && result != -EAGAIN)
        fail("send", -result);
    if (result > 0)
        connections[index].sent += result;
    if (connections[index].sent < size)
        send_rest(index, true);
}

static void run_iteration(void) {
    struct io_uring_cqe *cqe;
    struct __kernel_timespec stall = {.tv_sec = STALL_SECONDS};
    unsigned head, count = 0;
    int result = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &stall, NULL);
    if (result == -ETIME)
        fail("the server stopped answering", ETIMEDOUT);
    if (result < 0 && result != -EINTR)
        fail("io_uring_enter", -result);
    io_uring_for_each_cqe(&ring, head, cqe) {
        unsigned index = cqe->user_data >> 8;
        enum operation operation = cqe->user_data & 0xff;
        if (operation == SEND)
            on_send(index, cqe->res);
        else if (operation == PAUSE)
            start_message(index, clock_ns(CLOCK_MONOTONIC));
        else
            on_receive(index, cqe->res, cqe->flags);
        count++;
    }
    io_uring_cq_advance(&ring, count);
}

static void open_ring(void) {
    struct io_uring_params params = {.cq_entries = 16384};
    params.flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    int result = io_uring_queue_init_params(2048, &ring, &params);
    if (result < 0)
        fail("io_uring_setup (needs Linux 6.1)", -result);
    io_uring_register_ring_fd(&ring);

    // A few small buffers stay in the cache; each is free again before the next enter.
    for (buffer_bytes = 512; buffer_bytes < size && buffer_bytes < 16384;)
        buffer_bytes *= 2;
    buffer_count = 256;
    size_t ring_bytes = buffer_count * sizeof(struct io_uring_buf);
    buffer_ring = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffers = malloc((size_t)buffer_count * buffer_bytes);
    if (buffer_ring == MAP_FAILED || !buffers)
        fail("malloc", ENOMEM);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)buffer_ring, .ring_entries = buffer_count, .bgid = BUFFER_GROUP};
    result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result < 0)
        fail("register buffer ring", -result);
    for (unsigned id = 0; id < buffer_count; id++)
        io_uring_buf_ring_add(buffer_ring, buffers + (size_t)id * buffer_bytes, buffer_bytes, id,
                              io_uring_buf_ring_mask(buffer_count), id);
    io_uring_buf_ring_advance(buffer_ring, buffer_count);
}

static void set_work(struct connection *c) {
    uint32_t amount = c->heavy && heavy_work ? work * HEAVY_FACTOR : work;
    if (size >= HEAD_BYTES)
        memcpy(c->message + sizeof c->count, &amount, sizeof amount);
}

// Selects one of eight connections at random, but always the same number of them.
static void select_heavy(void) {
    unsigned left = heavy_work || heavy_rate ? (connection_count + HEAVY_OF - 1) / HEAVY_OF : 0;
    srandom(seed);
    while (left > 0) {
        struct connection *c = &connections[random() % connection_count];
        left -= !c->heavy;
        c->heavy = true;
    }
    for (unsigned i = 0; i < connection_count; i++)
        set_work(&connections[i]);
}

static int connect_one(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct linger reset = {.l_onoff = 1};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        fail(host, EINVAL);
    if (fd < 0)
        fail("socket", errno);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect", errno);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Closing with a reset leaves no TIME_WAIT, so the next run finds its ports free.
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}

// A unix socket costs the load generator less than TCP, where the sender does part of the receiver's work.
static int connect_to_path(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket", errno);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail(path, errno);
    return fd;
}

static void connect_all(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    connections = calloc(connection_count, sizeof *connections);
    char *messages = malloc((size_t)connection_count * size);
    if (!connections || !messages)
        fail("malloc", ENOMEM);
    for (size_t i = 0; message_limit != 0 && i < (size_t)connection_count * size; i++)
        messages[i] = i * 167 + i / 256;
    for (unsigned i = 0; i < connection_count; i++) {
        connections[i].fd = path ? connect_to_path() : connect_one();
        connections[i].message = messages + (size_t)i * size;
    }
    select_heavy();
}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t percentile(double fraction) {
    if (latency_count == 0)
        return 0;
    return latencies[(size_t)ceil(fraction * latency_count) - 1];
}

static void report(double elapsed, uint64_t cpu_ns) {
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    printf("{\"connections\":%u,\"size\":%u,\"messages\":%zu,\"seconds\":%.3f,", connection_count, size, message_count,
           elapsed);
    printf("\"messages_per_second\":%.0f,", message_count / elapsed);
    if (server && message_count)
        printf("\"server_cpu_ns_per_message\":%.1f,", (double)cpu_ns / message_count);
    else
        printf("\"server_cpu_ns_per_message\":null,");
    if (server)
        printf("\"server_rss_kib\":%ld,", server_rss_kib());
    printf("\"p50_ns\":%u,\"p99_ns\":%u,\"p999_ns\":%u,\"max_ns\":%u,\"errors\":0}\n", percentile(0.5),
           percentile(0.99), percentile(0.999), percentile(1));
    fflush(stdout);
}

static void parse_options(int argc, char **argv) {
    static const struct option known[] = {
        {"host", 1, 0, 'h'},  {"port", 1, 0, 'p'},    {"path", 1, 0, 'x'},     {"connections", 1, 0, 'c'},
        {"size", 1, 0, 's'},  {"seconds", 1, 0, 't'}, {"messages", 1, 0, 'm'}, {"warmup", 1, 0, 'w'},
        {"pid", 1, 0, 'P'},   {"hold", 1, 0, 'l'},    {"work", 1, 0, 'W'},     {"heavy", 1, 0, 'y'},
        {"pause", 1, 0, 'u'}, {"seed", 1, 0, 'S'},    {"help", 0, 0, 'H'},     {0}};
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (o) {
        case 'h':
            host = optarg;
            break;
        case 'p':
            port = atoi(optarg);
            break;
        case 'x':
            path = optarg;
            break;
        case 'c':
            connection_count = strtoul(optarg, NULL, 0);
            break;
        case 's':
            size = strtoul(optarg, NULL, 0);
            break;
        case 't':
            seconds = atof(optarg);
            break;
        case 'm':
            message_limit = atol(optarg);
            break;
        case 'w':
            warmup = atof(optarg);
            break;
        case 'P':
            server = atoi(optarg);
            break;
        case 'l':
            hold = atof(optarg);
            break;
        case 'W':
            work = strtoul(optarg, NULL, 0);
            break;
        case 'y':
            heavy_work = strcmp(optarg, "work") == 0;
            heavy_rate = strcmp(optarg, "rate") == 0;
            if (!heavy_work && !heavy_rate)
                fail("--heavy", EINVAL);
            break;
        case 'u':
            pause_time.tv_nsec = atol(optarg) * 1000;
            break;
        case 'S':
            seed = strtoul(optarg, NULL, 0);
            break;
        default:
            puts("echo_load --port N [--host 127.0.0.1] or --path SOCKET [--connections 1] [--size 64]\n"
                 "  [--seconds 3 | --messages N]   how long to measure; 0 messages: only connect\n"
                 "  [--warmup 0.5]                 seconds before that\n"
                 "  [--pid P]                      also report the CPU time and memory of P\n"
                 "  [--hold 0]                     seconds to stay connected after the report\n"
                 "  [--work 0]                     microseconds of work that each message asks for\n"
                 "  [--heavy work|rate]            one of eight connections asks for ten times the work,\n"
                 "                                 or: the others pause before each message\n"
                 "  [--pause 0] [--seed 1]         microseconds of a pause; selects the connections");
            exit(o == 'H' ? 0 : 2);
        }
    if (optind < argc)
        fail(argv[optind], EINVAL);
    if (port == 0 && !path)
        fail("--port", EINVAL);
    if (connection_count == 0 || size == 0)
        fail("--connections and --size", EINVAL);
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    open_ring();
    connect_all();
    uint64_t begin = clock_ns(CLOCK_MONOTONIC), cpu_begin = 0, now = begin;
    if (message_limit == 0) {
        sleep(1); // for the server to accept what the kernel has connected already
        report(1, 0);
    } else {
        for (unsigned i = 0; i < connection_count; i++)
            arm_receive(i), start_message(i, begin);
        for (; now < begin + warmup * 1e9; now = clock_ns(CLOCK_MONOTONIC))
            run_iteration();
        measuring = true;
        cpu_begin = server_cpu_ns();
        begin = now = clock_ns(CLOCK_MONOTONIC);
        while (message_limit > 0 ? message_count < (size_t)message_limit : now < begin + seconds * 1e9) {
            run_iteration();
            now = clock_ns(CLOCK_MONOTONIC);
        }
        report((now - begin) / 1e9, server_cpu_ns() - cpu_begin);
    }
    usleep(hold * 1e6);
}
