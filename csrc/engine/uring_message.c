/* Messages that wake a ring, see wake.c. */
#include "../base/libc.h"
#include "uring.h"

#include "../base/feature.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REGISTER_SEND_MSG_RING = 31 }; /* Linux 6.13 */

/* Uses no ring and no thread-local data but errno, so a signal handler may call it. */
static int send_message(int ring_fd, uint64_t user_data) {
    struct io_uring_sqe message;
    memset(&message, 0, sizeof message);
    io_uring_prep_msg_ring(&message, ring_fd, 0, user_data, 0);
    return green__libc.syscall(SYS_io_uring_register, -1, REGISTER_SEND_MSG_RING, &message, 1) < 0 ? -errno : 0;
}

int green__uring_send_wake(int ring_fd) {
    return send_message(ring_fd, GREEN_USER_DATA_MESSAGE);
}

void green__uring_probe_messages(green_uring *uring) {
    bool is_disabled = green__feature_is_disabled(GREEN_FEATURE_MSG_RING);
    if (!is_disabled && send_message(uring->ring.ring_fd, GREEN_USER_DATA_PROBE) == 0)
        uring->base.ring_fd = uring->ring.ring_fd;
}
