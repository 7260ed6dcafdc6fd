/* A library that keeps an address within a call of the C library, not that of the
 * call. */
#include <poll.h>

char *const within_poll = (char *)poll + 1;
