// uring_echo: a TCP echo server written by hand on io_uring, the bar for Green's own echo.
//
// One thread, one ring, one io_uring_enter per iteration. A connection is a small state machine that
// `advance` moves on after each completion: echo what is held, else receive, else close.
// `--recv` and `--send` choose how, so that one program can compare the kernel's receive paths.

#define _GNU_SOURCE
#include "provided_buffers.h"
#include <getopt.h>
#include <poll.h>

enum { SQ_ENTRIES = 2048, CQ_ENTRIES = 16384 };

enum receive_mode { ONESHOT, POLLFIRST, STICKY, SELECT, MULTISHOT, INCREMENTAL };
static const char *const receive_names[] = {"oneshot", "pollfirst", "sticky", "select", "multishot", "incremental"};

// RING parks until the send's completion. DIRECT calls send(2) and uses the ring for the rest only.
// QUIET asks for a completion only if the send could not finish at once: see `send_output`.
enum send_mode { RING, QUIET, DIRECT };
static const char *const send_names[] = {"ring", "quiet", "direct"};

enum operation { ACCEPT, RECEIVE, SEND, CANCEL, STOP };

struct connection {
    struct piece *head, *tail; // empty when the connection receives into its own buffer
    char *output;
    unsigned output_left;
    size_t held;              // bytes of the provided buffers it keeps from others
    uint64_t quiet_iteration; // the iteration whose enter decides the quiet send, 0 if there is none
    int next_starving;
    bool receiving, sending, starving, cancelling;
    bool patient;  // a quiet send fell short: wait for its rest
    bool nonempty; // the last receive left bytes in the socket
    bool ended;    // nothing more to receive
    bool broken;   // nothing more to send either
};

static struct options {
    const char *host;
    int port;
    size_t buffer_bytes;
    enum receive_mode receive;
    enum send_mode send;
    bool plain_fd, no_taskrun_flag;
} options = {.host = "127.0.0.1", .buffer_bytes = 16384};

static struct io_uring ring;
static int listener;
static bool accept_stalled, hurry, stopping;
static uint64_t iteration;
static unsigned long enters, messages;

// Both are indexed by file descriptor: the kernel already hands out the smallest free number.
static struct connection *connections;
static char *own_buffers;

static size_t held_max; // for one connection, lest a slow client starve all others
static int starving_first = -1;

static int *quiet, *settling; // connections with a quiet send, of the next and of this enter
static size_t quiet_count;

static bool owns_buffer(void) {
    return options.receive <= STICKY;
}

static bool is_multishot(void) {
    return options.receive >= MULTISHOT;
}

// A full queue is no error: this iteration merely enters twice.
static void make_room(unsigned count) {
    if (io_uring_sq_space_left(&ring) >= count)
        return;
    enters++;
    int result = io_uring_submit(&ring);
    if (result < 0)
        fail("io_uring_submit", -result);
}

static struct io_uring_sqe *next_sqe(void) {
    make_room(1);
    return io_uring_get_sqe(&ring);
}

static void tag(struct io_uring_sqe *sqe, enum operation operation, int fd) {
    sqe->user_data = (uint64_t)fd << 8 | operation;
}

static void arm_accept(void) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    tag(sqe, ACCEPT, listener);
}

static void arm_receive(int fd, struct connection *c) {
    struct io_uring_sqe *sqe = next_sqe();
    if (owns_buffer()) {
        char *buffer = own_buffers + (size_t)fd * options.buffer_bytes;
        io_uring_prep_recv(sqe, fd, buffer, options.buffer_bytes, 0);
    } else {
        io_uring_prep_recv(sqe, fd, NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = BUFFER_GROUP;
        if (is_multishot())
            sqe->ioprio |= IORING_RECV_MULTISHOT;
    }
    // An echo client waits for its answer, so right after a send the socket is surely empty and
    // the first attempt to receive is wasted; STICKY lets the kernel's own hint decide.
    if (options.receive == POLLFIRST || (options.receive == STICKY && !c->nonempty))
        sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    tag(sqe, RECEIVE, fd);
    c->receiving = true;
}

static void hold_piece(struct connection *c, struct piece *piece) {
    if (c->head)
        c->tail->next = piece;
    else
        c->head = piece;
    c->tail = piece;
    c->held += bytes_kept(piece);
}

static void release_first_piece(struct connection *c) {
    struct piece *piece = c->head;
    c->head = piece->next;
    c->held -= bytes_kept(piece);
    return_piece(piece);
}

// A sent own buffer needs nothing; a sent piece goes back, for the next one to follow.
static void finish_output(struct connection *c) {
    c->output_left = 0;
    c->patient = false;
    if (!owns_buffer())
        release_first_piece(c);
}

static void settle_send(struct connection *c) {
    c->sending = false;
    c->quiet_iteration = 0;
    finish_output(c);
}

static bool has_output(struct connection *c) {
    if (c->broken) {
        c->output_left = 0;
        while (c->head)
            release_first_piece(c);
    } else if (c->output_left == 0 && c->head) {
        c->output = c->head->data;
        c->output_left = c->head->length;
    }
    return c->output_left > 0;
}

// Its buffers stay until no send reads from them: see `has_output`.
static void break_connection(int fd, struct connection *c) {
    c->broken = c->ended = true;
    // close(2) would leave a pending receive pending; shutdown ends it.
    if (c->receiving)
        shutdown(fd, SHUT_RDWR);
}

static void send_output(int fd, struct connection *c) {
    if (options.send == DIRECT) {
        ssize_t sent = send(fd, c->output, c->output_left, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent == (ssize_t)c->output_left)
            return finish_output(c);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return break_connection(fd, c);
        if (sent > 0)
            c->output += sent, c->output_left -= sent;
    }
    make_room(2); // a submission in between would cut the link below
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_send(sqe, fd, c->output, c->output_left, MSG_NOSIGNAL | MSG_WAITALL);
    tag(sqe, SEND, fd);
    c->sending = true;
    if (options.send != QUIET || c->patient)
        return;

    // With DONTWAIT the send ends inside the enter that submits it; with WAITALL a short one counts
    // as failed. So once that enter has returned, no completion means that all bytes are sent, and
    // the enter may sleep until the next receive instead of reporting what was to be expected.
    sqe->msg_flags |= MSG_DONTWAIT;
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    c->quiet_iteration = iteration + 1;
    quiet[quiet_count++] = fd;
    // A one-shot receive has to go along, for the enter to have something to wait for. The link
    // keeps it out of the connection's only buffer until that is sent.
    if (!is_multishot() && !c->ended) {
        sqe->flags |= IOSQE_IO_LINK;
        arm_receive(fd, c);
    }
}

static void cancel_receive(int fd, struct connection *c) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_cancel64(sqe, (uint64_t)fd << 8 | RECEIVE, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    tag(sqe, CANCEL, fd);
    c->cancelling = true;
}

static void advance(int fd, struct connection *c) {
    while (!c->sending && has_output(c))
        send_output(fd, c); // a direct send may end at once

    // A client that sends but does not read would soon hold every buffer of the ring.
    if (c->receiving && c->held > held_max && !c->cancelling)
        cancel_receive(fd, c);
    // A quiet send must not sleep when something waits for its end and nothing else will wake us.
    if (c->quiet_iteration > iteration && (!c->receiving || (c->head && c->head->next)))
        hurry = true;
    if (c->sending || c->receiving || c->starving)
        return;
    if (!c->ended)
        return arm_receive(fd, c);

    close(fd);
    *c = (struct connection){0};
    if (accept_stalled)
        arm_accept();
    accept_stalled = false;
}

static void on_accept(int result, unsigned flags) {
    if (result >= 0)
        advance(result, &connections[result]);
    if (flags & IORING_CQE_F_MORE)
        return;
    // Out of descriptors: trying again before one is closed would only spin.
    if (result == -EMFILE || result == -ENFILE)
        accept_stalled = true;
    else
        arm_accept();
}

static void on_receive(int fd, struct connection *c, int result, unsigned flags) {
    if (!(flags & IORING_CQE_F_MORE))
        c->receiving = c->cancelling = false;
    c->nonempty = flags & IORING_CQE_F_SOCK_NONEMPTY;
    // A one-shot receive was linked behind the quiet send, so that one has ended well.
    if (c->quiet_iteration && !is_multishot())
        settle_send(c);
    if (result > 0 && owns_buffer()) {
        messages++;
        c->output = own_buffers + (size_t)fd * options.buffer_bytes;
        c->output_left = result;
    } else if (result > 0) {
        messages++;
        hold_piece(c, take_piece(result, flags));
    } else if (result == -ENOBUFS) {
        c->starving = true;
        c->next_starving = starving_first;
        starving_first = fd;
    } else if (result == 0) {
        c->ended = true;
    } else if (result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
        break_connection(fd, c);
    }
    advance(fd, c);
}

static void on_send(int fd, struct connection *c, int result) {
    bool fell_short = c->quiet_iteration && result == -EAGAIN;
    // The failure of a quiet send cancels the receive linked to it just as quietly.
    if (c->quiet_iteration && !is_multishot())
        c->receiving = false;
    c->sending = false;
    c->quiet_iteration = 0;
    if (result < 0 && !fell_short) {
        break_connection(fd, c);
    } else if (!c->broken) {
        if (result > 0)
            c->output += result, c->output_left -= result;
        c->patient = c->output_left > 0;
        if (!c->patient)
            finish_output(c);
    }
    advance(fd, c);
}

static void reap(void) {
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
        int fd = cqe->user_data >> 8;
        switch ((enum operation)(cqe->user_data & 0xff)) {
        case ACCEPT:
            on_accept(cqe->res, cqe->flags);
            break;
        case RECEIVE:
            on_receive(fd, &connections[fd], cqe->res, cqe->flags);
            break;
        case SEND:
            on_send(fd, &connections[fd], cqe->res);
            break;
        case CANCEL:
            break; // the receive itself reports how it ended
        case STOP:
            stopping = true;
            break;
        }
        count++;
    }
    io_uring_cq_advance(&ring, count);
}

// Returned buffers revive every connection that met an empty ring: any of them may have the data.
static void feed_starving(void) {
    if (provided.free == 0)
        return;
    int fd = starving_first;
    starving_first = -1;
    while (fd >= 0) {
        struct connection *c = &connections[fd];
        int next = c->next_starving;
        c->starving = false;
        advance(fd, c);
        fd = next;
    }
}

static void run_iteration(void) {
    int *submitted = quiet;
    size_t submitted_count = quiet_count;
    quiet = settling, settling = submitted, quiet_count = 0;

    iteration++;
    enters++;
    if (starving_first >= 0 && submitted_count > 0)
        hurry = true; // they are about to free buffers
    int result = io_uring_submit_and_wait(&ring, !hurry);
    hurry = false;
    if (result < 0 && result != -EINTR)
        fail("io_uring_enter", -result);
    reap();
    for (size_t i = 0; i < submitted_count; i++) {
        struct connection *c = &connections[submitted[i]];
        if (c->quiet_iteration != iteration)
            continue;
        settle_send(c);
        advance(submitted[i], c);
    }
    feed_starving();
}

static void open_ring(void) {
    struct io_uring_params params = {.cq_entries = CQ_ENTRIES};
    params.flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    if (!options.no_taskrun_flag)
        params.flags |= IORING_SETUP_TASKRUN_FLAG;
    int result = io_uring_queue_init_params(SQ_ENTRIES, &ring, &params);
    if (result < 0)
        fail("io_uring_setup (needs Linux 6.1)", -result);
    if (!options.plain_fd && (result = io_uring_register_ring_fd(&ring)) < 0)
        fail("register ring fd", -result);
    if (owns_buffer())
        return;

    provided.incremental = options.receive == INCREMENTAL;
    if (!provided.bytes)
        provided.bytes = provided.incremental ? 65536 : 4096;
    if (!provided.count)
        provided.count = provided.incremental ? 16 : 1024;
    held_max = provided.bytes * provided.count / 8;
    if (held_max > 65536)
        held_max = 65536;
    open_provided_buffers(&ring);
}

static int choose(const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    fail(name, EINVAL);
}

static void parse_options(int argc, char **argv) {
    static const struct option known[] = {{"host", 1, 0, 'h'},
                                          {"port", 1, 0, 'p'},
                                          {"buffer", 1, 0, 'b'},
                                          {"recv", 1, 0, 'r'},
                                          {"send", 1, 0, 's'},
                                          {"ring-buffer", 1, 0, 'B'},
                                          {"ring-buffers", 1, 0, 'N'},
                                          {"plain-fd", 0, 0, 'f'},
                                          {"no-taskrun-flag", 0, 0, 't'},
                                          {"help", 0, 0, 'H'},
                                          {0}};
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (o) {
        case 'h':
            options.host = optarg;
            break;
        case 'p':
            options.port = atoi(optarg);
            break;
        case 'b':
            options.buffer_bytes = strtoul(optarg, NULL, 0);
            break;
        case 'r':
            options.receive = choose(receive_names, INCREMENTAL + 1, optarg);
            break;
        case 's':
            options.send = choose(send_names, DIRECT + 1, optarg);
            break;
        case 'B':
            provided.bytes = strtoul(optarg, NULL, 0);
            break;
        case 'N':
            provided.count = strtoul(optarg, NULL, 0);
            break;
        case 'f':
            options.plain_fd = true;
            break;
        case 't':
            options.no_taskrun_flag = true;
            break;
        default:
            puts("uring_echo [--host 127.0.0.1] [--port 0] [--buffer 16384]\n"
                 "  [--recv oneshot|pollfirst|sticky|select|multishot|incremental]\n"
                 "  [--send ring|quiet|direct]     how to answer\n"
                 "  [--ring-buffer BYTES] [--ring-buffers N]   provided buffers, N a power of 2\n"
                 "  [--plain-fd] [--no-taskrun-flag]           leave out one optimisation");
            exit(o == 'H' ? 0 : 2);
        }
    if (optind < argc)
        fail(argv[optind], EINVAL);
    if (options.buffer_bytes == 0)
        fail("--buffer", EINVAL);
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    size_t descriptors = raise_descriptor_limit();
    connections = reserve(descriptors * sizeof *connections);
    quiet = reserve(descriptors * sizeof *quiet);
    settling = reserve(descriptors * sizeof *settling);
    if (owns_buffer())
        own_buffers = reserve(descriptors * options.buffer_bytes);

    open_ring();
    int stop = open_stop_signal();
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_poll_add(sqe, stop, POLLIN);
    tag(sqe, STOP, stop);
    listener = open_listener(options.host, options.port, 0);
    arm_accept();
    while (!stopping)
        run_iteration();
    print_totals(enters, messages);
}
