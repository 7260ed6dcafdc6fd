/* A library that calls once what can be patched, without a PLT and without anything
 * of the compiler's: that slot is the last one of its relocations. */
#include <poll.h>

int last_poll(struct pollfd *polled, nfds_t count, int timeout) {
    return poll(polled, count, timeout);
}
