#include "fixture.h"

int common_poll(struct pollfd *polled, nfds_t count, int timeout) {
    return poll(polled, count, timeout);
}
