#include "refuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void green_run_refuse(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "green-run: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    _exit(status); /* in the preload library, the program has not begun */
}
