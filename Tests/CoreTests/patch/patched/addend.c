/* A library that stores an address inside a function of the C library, not the address
 * of the function. */
#include <poll.h>

char *const within_poll = (char *)poll + 1;
