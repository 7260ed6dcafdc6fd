#include "wake_floor.h"

#include "figure.h"

#include <liburing.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct side {
    struct side *other;
    struct io_uring ring;
    int eventfd;
};

typedef struct wake_way {
    bool (*open)(struct side *side);
    void (*close)(struct side *side);
    void (*wake)(struct side *side); /* the other side */
    void (*wait)(struct side *side);
} wake_way;

/* By eventfd ---------------------------------------------------------------------- */

static bool open_eventfd(struct side *side) {
    return (side->eventfd = eventfd(0, EFD_CLOEXEC)) >= 0;
}

static void close_eventfd(struct side *side) {
    close(side->eventfd);
}

static void write_eventfd(struct side *side) {
    expect(eventfd_write(side->other->eventfd, 1) == 0, "an eventfd is written");
}

static void read_eventfd(struct side *side) {
    expect(eventfd_read(side->eventfd, &(eventfd_t){0}) == 0, "an eventfd is read");
}

static const wake_way by_eventfd = {open_eventfd, close_eventfd, write_eventfd, read_eventfd};

/* By MSG_RING --------------------------------------------------------------------- */

enum { ENTRIES = 8, MESSAGE = 1 };

static bool open_ring(struct side *side) {
    return io_uring_queue_init(ENTRIES, &side->ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0;
}

static void close_ring(struct side *side) {
    io_uring_queue_exit(&side->ring);
}

/* Submitted by the wait that follows. */
static void send_message(struct side *side) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&side->ring);
    io_uring_prep_msg_ring(entry, side->other->ring.ring_fd, 0, MESSAGE, 0);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static void wait_for_message(struct side *side) {
    struct io_uring_cqe *completion;
    expect(io_uring_submit_and_wait(&side->ring, 1) >= 0, "a ring is entered");
    expect(io_uring_peek_cqe(&side->ring, &completion) == 0, "there is a completion");
    expect(completion->user_data == MESSAGE && completion->res == 0, "it is the message");
    io_uring_cqe_seen(&side->ring, completion);
}

static const wake_way by_msg_ring = {open_ring, close_ring, send_message, wait_for_message};

/* The round trip ------------------------------------------------------------------ */

static struct {
    const wake_way *way;
    struct side sides[2];
    bool opened[2];
    long rounds;
    pthread_barrier_t opening, closing;
} trip;

static bool open_side(int number) {
    trip.sides[number].other = &trip.sides[1 - number];
    trip.opened[number] = trip.way->open(&trip.sides[number]);
    pthread_barrier_wait(&trip.opening);
    return trip.opened[0] && trip.opened[1];
}

/* The last wake-up of a ring is submitted by a wait: the first side sends one more. */
static void *return_wakes(void *unused) {
    struct side *side = &trip.sides[1];
    if (open_side(1)) {
        for (long i = 0; i < trip.rounds; i++) {
            trip.way->wait(side);
            trip.way->wake(side);
        }
        trip.way->wait(side);
    }
    pthread_barrier_wait(&trip.closing);
    return unused;
}

static double run(const wake_way *way, long rounds) {
    double taken = 0;
    trip.way = way;
    trip.rounds = rounds;
    pthread_barrier_init(&trip.opening, NULL, 2);
    pthread_barrier_init(&trip.closing, NULL, 2);
    pthread_t other = start_on_core(1, return_wakes, NULL);
    if (open_side(0)) {
        struct side *side = &trip.sides[0];
        double begin = clock_ns();
        for (long i = 0; i < rounds; i++) {
            way->wake(side);
            way->wait(side);
        }
        taken = clock_ns() - begin;
        way->wake(side);
        if (way == &by_msg_ring)
            expect(io_uring_submit(&side->ring) == 1, "a message is sent");
    }
    pthread_barrier_wait(&trip.closing);
    expect(pthread_join(other, NULL) == 0, "the OS thread ends");
    for (int i = 0; i < 2; i++)
        if (trip.opened[i])
            way->close(&trip.sides[i]);
    pthread_barrier_destroy(&trip.opening);
    pthread_barrier_destroy(&trip.closing);
    return taken;
}

double floor_by_eventfd(long rounds) {
    return run(&by_eventfd, rounds);
}

double floor_by_msg_ring(long rounds) {
    return run(&by_msg_ring, rounds);
}
