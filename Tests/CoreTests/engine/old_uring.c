/* A kernel whose io_uring lacks a feature that Green needs. The test removes the feature
 * from what the kernel reports. */
#include "helpers.h"

#include <liburing.h>

static unsigned missing_feature;
static int missing_operation = -1;

int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params) {
    int result = __real_io_uring_queue_init_params(entries, ring, params);
    if (result == 0)
        ring->features &= ~missing_feature;
    return result;
}

int __real_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe, unsigned count);
int __wrap_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe, unsigned count);
int __wrap_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe, unsigned count) {
    int result = __real_io_uring_register_probe(ring, probe, count);
    if (result >= 0 && missing_operation >= 0)
        probe->ops[missing_operation].flags &= (unsigned short)~IO_URING_OP_SUPPORTED;
    return result;
}

static const green_hub_options uring_only = {.engine = "uring"};

/* Also checks that no descriptor of the ring is left. */
static void expect_refused(void) {
    size_t descriptors = open_descriptors();
    for (int i = 0; i < 3; i++) {
        CHECK(green_hub_open(&uring_only), ==, -ENOSYS);
        CHECK_CONTAINS(green_explain(-ENOSYS), "this kernel's io_uring is too old: Green needs Linux 6.0");
        CHECK(open_descriptors(), ==, descriptors);
    }
}

static void expect_epoll(void) {
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    CHECK(green_hub_open(NULL), ==, 0);
    CHECK_TEXT(green_hub_engine(), "epoll");
    CHECK_CONTAINS(green_hub_fallback(), "this kernel's io_uring is too old: Green needs Linux 6.0");
    struct pair pair = connected(TCP4);
    send_text(pair.near, "over epoll");
    expect_text(pair.far, "over epoll");
    release_pair(&pair);
    CHECK(green_hub_close(), ==, 0);
}

TEST(feature, "without an io_uring feature that Green needs, the hub runs on epoll and says why") {
    static const unsigned needed[] = {IORING_FEAT_EXT_ARG, IORING_FEAT_NODROP}; /* Linux 5.11, 5.5 */
    needs_uring();
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        missing_feature = needed[i];
        expect_refused();
        expect_epoll();
    }
}

TEST(operation, "without an io_uring operation that Green needs, the hub runs on epoll and says why") {
    static const int needed[] = {IORING_OP_MKDIRAT, IORING_OP_RENAMEAT, IORING_OP_SEND_ZC}; /* Linux 5.15, 5.11, 6.0 */
    needs_uring();
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        missing_operation = needed[i];
        expect_refused();
        expect_epoll();
    }
}
