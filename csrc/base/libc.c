#include "libc.h"

#define GREEN_LIBC_CALL(name) .name = name,
green_libc_calls green__libc = {GREEN_LIBC_CALLS(GREEN_LIBC_CALL)};
