/* The kernel's side of a ring: consumes entries, keeps requests, and delivers completions.
 * It replaces the calls of liburing that enter the kernel. */
#include "../../../csrc/base/error.h"
#include "harness.h"
#include "request.h"

enum { REQUESTS_MAX = 512, OVERFLOW_MAX = 4096, ENTERED_MAX = 1000 * 1000, DELAY_MAX = 2 * 1000 * 1000 };

static struct {
    struct faults faults;
    unsigned completions_max; /* 0: as requested */
    unsigned unknown_flags;   /* setup flags that it refuses */
    struct io_uring *ring;    /* NULL: none is open */
    struct request requests[REQUESTS_MAX];
    struct answer answers[REQUESTS_MAX];
    struct io_uring_cqe overflow[OVERFLOW_MAX];
    size_t request_count, answer_count, overflow_count;
    unsigned entered; /* in this run */
} kernel;

/* Each kernel knows only some flags. */
static unsigned some_flags(void) {
    static const unsigned flags[] = {
        IORING_SETUP_COOP_TASKRUN, IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER,
        IORING_SETUP_SUBMIT_ALL,   IORING_SETUP_TASKRUN_FLAG,
    };
    unsigned some = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        some |= chance(150) ? flags[i] : 0;
    return some;
}

void kernel_begin(const struct faults *faults, unsigned completions) {
    kernel.unknown_flags = some_flags();
    kernel.faults = *faults;
    kernel.completions_max = completions;
    kernel.entered = 0;
}

void kernel_end(void) {
    CHECK(kernel.ring == NULL);
    CHECK(kernel.request_count, ==, 0);
    CHECK(kernel.overflow_count, ==, 0);
}

void kernel_dump(void) {
    for (size_t i = 0; i < kernel.request_count; i++) {
        const struct request *request = &kernel.requests[i];
        fprintf(stderr, "  request %#llx: operation %d of %d, due %ld%s\n", request->entry.user_data,
                request->entry.opcode, request->entry.fd, (long)(request->due - kernel_now()),
                request->doomed ? ", doomed" : "");
    }
    for (size_t i = 0; i < kernel.answer_count; i++)
        fprintf(stderr, "  answer to %#llx: %d, due %ld\n", kernel.answers[i].completion.user_data,
                kernel.answers[i].completion.res, (long)(kernel.answers[i].due - kernel_now()));
    fprintf(stderr, "  %zu completions have overflowed\n", kernel.overflow_count);
}

/* The user data of a cancel is that of its target with the first bit. The polls of the inner
 * epoll and of the eventfd that wakes the engine have the second. */
enum { CANCEL = 1, NO_OPERATION = 2 };

static bool has_no_operation(uint64_t user_data) {
    return user_data & (CANCEL | NO_OPERATION);
}

/* User data is the address of an operation with a generation in the upper bits. NULL for a
 * request without an operation. */
static const void *operation_of(uint64_t user_data) {
    return has_no_operation(user_data) ? NULL : (const void *)(uintptr_t)(user_data & 0xffffffffffff);
}

size_t kernel_holds(const void *low, const void *high) {
    size_t count = 0;
    for (size_t i = 0; i < kernel.request_count; i++) {
        const void *operation = operation_of(kernel.requests[i].entry.user_data);
        count += operation >= low && operation < high;
    }
    for (size_t i = 0; i < kernel.answer_count; i++) {
        const void *operation = operation_of(kernel.answers[i].completion.user_data);
        count += operation >= low && operation < high;
    }
    return count;
}

/* Opening and closing -------------------------------------------------------- */

/* One allocation each, as the kernel maps them. */
struct memory {
    unsigned sq_head, sq_tail, sq_mask, sq_entries, sq_flags, sq_dropped;
    unsigned cq_head, cq_tail, cq_mask, cq_entries, cq_flags, cq_overflow;
};

static void make_queues(struct io_uring *ring, struct memory *memory, unsigned entries, unsigned completions) {
    *memory = (struct memory){
        .sq_mask = entries - 1, .sq_entries = entries, .cq_mask = completions - 1, .cq_entries = completions};
    ring->sq = (struct io_uring_sq){
        .khead = &memory->sq_head,
        .ktail = &memory->sq_tail,
        .kring_mask = &memory->sq_mask,
        .kring_entries = &memory->sq_entries,
        .kflags = &memory->sq_flags,
        .kdropped = &memory->sq_dropped,
        .array = calloc(entries, sizeof(unsigned)),
        .sqes = calloc(entries, sizeof(struct io_uring_sqe)),
        .ring_ptr = memory,
        .ring_mask = entries - 1,
        .ring_entries = entries,
    };
    ring->cq = (struct io_uring_cq){
        .khead = &memory->cq_head,
        .ktail = &memory->cq_tail,
        .kring_mask = &memory->cq_mask,
        .kring_entries = &memory->cq_entries,
        .kflags = &memory->cq_flags,
        .koverflow = &memory->cq_overflow,
        .cqes = calloc(completions, sizeof(struct io_uring_cqe)),
        .ring_mask = completions - 1,
        .ring_entries = completions,
    };
    for (unsigned i = 0; i < entries; i++)
        ring->sq.array[i] = i;
}

int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params) {
    if (params->flags & kernel.unknown_flags)
        return -EINVAL;
    unsigned completions = kernel.completions_max ? kernel.completions_max : params->cq_entries;
    *ring = (struct io_uring){
        .flags = params->flags,
        .ring_fd = INT_MAX, /* never used */
        .enter_ring_fd = INT_MAX,
        .features = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP,
    };
    make_queues(ring, malloc(sizeof(struct memory)), entries, completions);
    return 0;
}

void __wrap_io_uring_queue_exit(struct io_uring *ring);
void __wrap_io_uring_queue_exit(struct io_uring *ring) {
    buffers_end();
    /* The completion of a cancelled request may arrive before that of its cancel. The poll
     * of the inner epoll may still be pending. */
    for (size_t i = 0; i < kernel.request_count; i++)
        CHECK(has_no_operation(kernel.requests[i].entry.user_data));
    for (size_t i = 0; i < kernel.answer_count; i++)
        CHECK(has_no_operation(kernel.answers[i].completion.user_data));
    free(ring->sq.array);
    free(ring->sq.sqes);
    free(ring->cq.cqes);
    free(ring->sq.ring_ptr);
    kernel.request_count = kernel.answer_count = kernel.overflow_count = 0;
    kernel.ring = NULL;
}

int __wrap_io_uring_ring_dontfork(struct io_uring *ring);
int __wrap_io_uring_ring_dontfork(struct io_uring *ring) {
    (void)ring;
    return 0;
}

int __wrap_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe, unsigned count);
int __wrap_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe, unsigned count) {
    (void)ring;
    CHECK(count, >=, IORING_OP_LAST);
    probe->last_op = IORING_OP_LAST - 1;
    probe->ops_len = IORING_OP_LAST;
    for (int i = 0; i < IORING_OP_LAST; i++)
        probe->ops[i] = (struct io_uring_probe_op){.op = (uint8_t)i, .flags = IO_URING_OP_SUPPORTED};
    return 0;
}

int __wrap_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *registration, unsigned flags);
int __wrap_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *registration, unsigned flags) {
    (void)flags;
    kernel.ring = ring;
    buffers_begin((struct io_uring_buf_ring *)(uintptr_t)registration->ring_addr, registration->ring_entries);
    return 0;
}

int __wrap_io_uring_register_ring_fd(struct io_uring *ring);
int __wrap_io_uring_register_ring_fd(struct io_uring *ring) {
    (void)ring;
    return -EINVAL;
}

/* Delivering ----------------------------------------------------------------- */

static bool deliver(const struct io_uring_cqe *completion) {
    struct io_uring_cq *cq = &kernel.ring->cq;
    unsigned tail = *cq->ktail;
    if (tail - __atomic_load_n(cq->khead, __ATOMIC_ACQUIRE) == cq->ring_entries)
        return false;
    cq->cqes[tail & cq->ring_mask] = *completion;
    __atomic_store_n(cq->ktail, tail + 1, __ATOMIC_RELEASE);
    return true;
}

/* If one completion overflows, so do all that follow. */
static void deliver_or_keep(const struct io_uring_cqe *completion) {
    if (kernel.overflow_count == 0 && deliver(completion))
        return;
    CHECK(kernel.overflow_count, <, OVERFLOW_MAX);
    kernel.overflow[kernel.overflow_count++] = *completion;
}

static void deliver_overflow(void) {
    size_t delivered = 0;
    while (delivered < kernel.overflow_count && deliver(&kernel.overflow[delivered]))
        delivered++;
    kernel.overflow_count -= delivered;
    memmove(kernel.overflow, kernel.overflow + delivered, kernel.overflow_count * sizeof *kernel.overflow);
}

static int64_t some_time(void) {
    return chance(kernel.faults.late) ? kernel_now() + below(DELAY_MAX) : 0;
}

static void answer(uint64_t user_data, int32_t result, uint32_t flags) {
    CHECK(kernel.answer_count, <, REQUESTS_MAX);
    kernel.answers[kernel.answer_count++] = (struct answer){
        .completion = {.user_data = user_data, .res = result, .flags = flags},
        .due = some_time(),
    };
}

/* Whether one of the first count answers is that of the request. */
static bool has_answer(uint64_t user_data, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (kernel.answers[i].completion.user_data == user_data)
            return true;
    return false;
}

/* Delivers one of the due answers at random. Those of one request stay in order. */
static bool deliver_one(void) {
    size_t due[REQUESTS_MAX], count = 0;
    for (size_t i = 0; i < kernel.answer_count; i++)
        if (kernel.answers[i].due <= kernel_now() && !has_answer(kernel.answers[i].completion.user_data, i))
            due[count++] = i;
    if (count == 0)
        return false;
    struct answer *chosen = &kernel.answers[due[below((uint32_t)count)]];
    deliver_or_keep(&chosen->completion);
    kernel.answer_count--;
    memmove(chosen, chosen + 1, (size_t)(&kernel.answers[kernel.answer_count] - chosen) * sizeof *chosen);
    return true;
}

/* Requests ------------------------------------------------------------------- */

static void drop(struct request *request) {
    *request = kernel.requests[--kernel.request_count];
}

/* The answer of the target may be pending already, and that of the cancel may come first. */
static void cancel(uint64_t user_data, uint64_t own_user_data) {
    for (size_t i = 0; i < kernel.request_count; i++) {
        struct request *target = &kernel.requests[i];
        if (target->entry.user_data != user_data)
            continue;
        if (chance(kernel.faults.running)) {
            target->doomed = true;
            target->due = some_time();
            answer(own_user_data, -EALREADY, 0);
            return;
        }
        answer(own_user_data, 0, 0);
        answer(user_data, target->done > 0 ? (int32_t)target->done : -ECANCELED, 0);
        drop(target);
        return;
    }
    answer(own_user_data, -ENOENT, 0);
}

static bool is_multishot(const struct request *request) {
    const struct io_uring_sqe *entry = &request->entry;
    return entry->opcode == IORING_OP_POLL_ADD && entry->len & IORING_POLL_ADD_MULTI;
}

/* Executes one request. Returns false if it has to wait. */
static bool execute(struct request *request) {
    struct io_uring_sqe entry = request->entry;
    uint32_t flags = 0;
    if (entry.opcode == IORING_OP_ASYNC_CANCEL) {
        drop(request); /* the cancel itself may move the entry of another request here */
        cancel(entry.addr, entry.user_data);
        return true;
    }
    int32_t result = request_attempt(request, &flags);
    if (result == NOT_YET)
        return false;
    if (is_multishot(request) && result >= 0 && !request->doomed) {
        short reported = request->reported;
        flags |= IORING_CQE_F_MORE;
        request_begin(request, &kernel.faults);
        request->reported = reported;
    } else {
        drop(request);
    }
    answer(entry.user_data, result, flags);
    return true;
}

/* Begins at a random request, so that none is always first. */
static bool execute_some(void) {
    bool any = false;
    size_t first = kernel.request_count ? below((uint32_t)kernel.request_count) : 0;
    for (size_t i = 0; i < kernel.request_count; i++) {
        struct request *request = &kernel.requests[(first + i) % kernel.request_count];
        if (request->due <= kernel_now())
            any |= execute(request);
    }
    return any;
}

/* Executes and delivers all that is due. */
static void proceed(void) {
    while (execute_some() | deliver_one())
        ;
}

static int64_t end_of_timeout(const struct io_uring_sqe *entry) {
    const struct __kernel_timespec *time = (const struct __kernel_timespec *)(uintptr_t)entry->addr;
    return kernel_now() + time->tv_sec * GREEN_SECOND + time->tv_nsec;
}

static int take_entries(unsigned count) {
    struct io_uring_sq *sq = &kernel.ring->sq;
    unsigned head = *sq->khead;
    CHECK(count, ==, __atomic_load_n(sq->ktail, __ATOMIC_ACQUIRE) - head);
    CHECK(count, <=, sq->ring_entries);
    unsigned taken = count > 0 && chance(kernel.faults.busy) ? below(count) : count;
    for (unsigned i = 0; i < taken; i++) {
        CHECK(kernel.request_count, <, REQUESTS_MAX);
        struct request *request = &kernel.requests[kernel.request_count++];
        request->entry = sq->sqes[sq->array[(head + i) & sq->ring_mask]];
        request->due = request->entry.opcode == IORING_OP_TIMEOUT ? end_of_timeout(&request->entry) : some_time();
        request_begin(request, &kernel.faults);
    }
    __atomic_store_n(sq->khead, head + taken, __ATOMIC_RELEASE);
    return (int)taken;
}

/* Waiting -------------------------------------------------------------------- */

static bool has_completion(void) {
    return *kernel.ring->cq.ktail != __atomic_load_n(kernel.ring->cq.khead, __ATOMIC_ACQUIRE);
}

/* When the next request or answer is due; INT64_MAX: never. */
static int64_t next_due(void) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < kernel.request_count; i++)
        if (kernel.requests[i].due > kernel_now() && kernel.requests[i].due < next)
            next = kernel.requests[i].due;
    for (size_t i = 0; i < kernel.answer_count; i++)
        if (kernel.answers[i].due > kernel_now() && kernel.answers[i].due < next)
            next = kernel.answers[i].due;
    return next;
}

/* Lets time pass until there is a completion or the timeout expires. */
static int wait_for_completion(const struct io_uring_getevents_arg *argument) {
    const struct __kernel_timespec *limit = (const struct __kernel_timespec *)(uintptr_t)argument->ts;
    int64_t deadline = limit ? kernel_now() + limit->tv_sec * GREEN_SECOND + limit->tv_nsec : INT64_MAX;
    for (;;) {
        proceed();
        if (has_completion())
            return 0;
        int64_t next = next_due();
        if (next > deadline)
            next = deadline;
        if (next == INT64_MAX)
            check_failed(__FILE__, __LINE__, "something is under way while the hub waits without a limit");
        if (next > kernel_now())
            kernel_pass(next - kernel_now());
        if (next == deadline)
            return -ETIME;
    }
}

static bool delivers_when_entered(void) {
    return kernel.ring->flags & IORING_SETUP_TASKRUN_FLAG;
}

/* Without TASKRUN_FLAG, completions may be delivered at any time. */
void kernel_interrupt(void) {
    if (kernel.ring && !delivers_when_entered())
        proceed();
}

/* Completions may be pending from now on. */
static void set_flags(void) {
    unsigned flags = 0;
    if (delivers_when_entered() && (kernel.answer_count > 0 || (kernel.request_count > 0 && chance(500))))
        flags |= IORING_SQ_TASKRUN;
    if (kernel.overflow_count > 0)
        flags |= IORING_SQ_CQ_OVERFLOW;
    __atomic_store_n(kernel.ring->sq.kflags, flags, __ATOMIC_RELAXED);
}

static int enter(unsigned count, unsigned wanted, const struct io_uring_getevents_arg *argument) {
    static const int refusals[] = {-EINTR, -EAGAIN, -EBUSY};
    CHECK(kernel.entered++, <, ENTERED_MAX); /* otherwise it would never end */
    if (chance(kernel.faults.busy))
        return refusals[below(3)];
    int taken = take_entries(count);
    kernel_pass(below(2000));
    deliver_overflow();
    if (wanted > 0 && (unsigned)taken == count) {
        int error = wait_for_completion(argument);
        return taken > 0 ? taken : error;
    }
    proceed();
    return taken;
}

int __wrap_io_uring_enter2(unsigned fd, unsigned count, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size);
int __wrap_io_uring_enter2(unsigned fd, unsigned count, unsigned wanted, unsigned flags, sigset_t *argument,
                           size_t size) {
    (void)fd;
    CHECK(size, ==, sizeof(struct io_uring_getevents_arg));
    CHECK(flags & IORING_ENTER_GETEVENTS);
    int result = enter(count, wanted, (const struct io_uring_getevents_arg *)argument);
    set_flags();
    return result;
}
