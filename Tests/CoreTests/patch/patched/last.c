/* A library that calls one function that can be patched, without a PLT and without any
 * support code of the compiler. The slot of this function is its last relocation. */
#include <poll.h>

int last_poll(struct pollfd *polled, nfds_t count, int timeout) {
    return poll(polled, count, timeout);
}
