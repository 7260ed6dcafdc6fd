#ifndef GREEN_NET_RESOLVE_H
#define GREEN_NET_RESOLVE_H

#include "../core/hub.h"

#include <green/address.h>

/* green_resolve() with a limit of nanoseconds. */
int green__resolve(green_address *addresses, size_t count, const char *text, int64_t timeout);

#endif
