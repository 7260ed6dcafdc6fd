#include "arguments.h"

#include <stddef.h>

static int count;
static char **arguments;

/* glibc passes the arguments of main() to every constructor. */
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
    count = argc;
    arguments = argv;
}

int green_example_argument_count(void) {
    return count;
}

const char *green_example_argument(int index) {
    return index >= 0 && index < count ? arguments[index] : NULL;
}
