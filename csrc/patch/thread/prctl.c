/* prctl(), for the name of the calling thread. */
#include "../may_park.h"

#include "../../core/thread.h"

#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>

enum { NAME_SIZE = 16 }; /* with the terminator, as the kernel's */

static int set_name(green_thread *thread, const char *given) {
    char name[NAME_SIZE] = "";
    memcpy(name, given, strnlen(given, sizeof name - 1));
    green__thread_set_name(thread, name);
    return 0;
}

static int get_name(const green_thread *thread, char *name) {
    memset(name, 0, NAME_SIZE);
    memcpy(name, green_thread_name(thread), strnlen(green_thread_name(thread), NAME_SIZE - 1));
    return 0;
}

/* Like the C library's, it reads five arguments, whether the caller has passed them or not. */
int green__green_prctl(int operation, ...) {
    unsigned long arguments[4];
    va_list list;
    va_start(list, operation);
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    green_thread *thread = green__patch_current_thread();
    if (thread && operation == PR_SET_NAME)
        return set_name(thread, (const char *)arguments[0]);
    if (thread && operation == PR_GET_NAME && *green_thread_name(thread)) /* without one, that of the OS thread */
        return get_name(thread, (char *)arguments[0]);
    return green__real.prctl(operation, arguments[0], arguments[1], arguments[2], arguments[3]);
}
