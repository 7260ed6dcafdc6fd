/* The preload library of green-run. Its constructor opens a hub for the main OS thread and
 * patches the whole program. It is linked with -z initfirst, so that it runs before the
 * constructors of all other objects. */
#include "exec.h"
#include "refuse.h"
#include "report.h"
#include "settings.h"

#include <green/base.h>
#include <green/hub.h>
#include <green/patch.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static unsigned families_in(const char *name, unsigned otherwise) {
    const char *list = setting(name);
    return list ? green_run_families(name, list) : otherwise;
}

static size_t stack_size(void) {
    const char *text = setting(GREEN_RUN_STACK_SIZE);
    size_t size = text ? green_run_parse_size(text) : 0;
    if (text && size == 0)
        green_run_refuse(GREEN_RUN_REFUSED, "%s=%s is not a size, such as 256K or 8M", GREEN_RUN_STACK_SIZE, text);
    return size;
}

/* For threads whose attributes the program does not set. */
static void set_default_stack_size(size_t size) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return;
    int error = pthread_attr_setstacksize(&attributes, size);
    if (error == 0)
        error = pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        green_run_refuse(GREEN_RUN_REFUSED, "the system refuses a stack size of %zu bytes: %s", size, strerror(error));
}

static int report_signal(void) {
    const char *name = setting(GREEN_RUN_REPORT_SIGNAL);
    int number = green_run_parse_signal(name ? name : GREEN_RUN_REPORT_SIGNAL_DEFAULT);
    if (number == 0)
        green_run_refuse(GREEN_RUN_REFUSED, "%s=%s is not a signal that can be caught, such as USR2",
                         GREEN_RUN_REPORT_SIGNAL, name);
    return number;
}

/* Removes this library from the value of LD_PRELOAD, in place. Returns whether anything is left. */
static bool remove_from_preload(char *value) {
    char *end = value;
    for (char *next, *entry = value; entry; entry = next) {
        size_t length = strcspn(entry, ": ");
        next = entry[length] ? entry + length + 1 : NULL;
        const char *name = entry + length;
        while (name > entry && name[-1] != '/')
            name--;
        if (length == 0 || strncmp(name, GREEN_RUN_LIBRARY, strlen(GREEN_RUN_LIBRARY)) == 0)
            continue;
        if (end > value)
            *end++ = ':';
        memmove(end, entry, length);
        end += length;
    }
    *end = 0;
    return end > value;
}

/* Lets children run natively. Changes the variables in place: the program may use the
 * third parameter of main(). */
static void hide_from_children(char **environment) {
    static const char preload[] = "LD_PRELOAD=", setting[] = "GREEN_RUN_";
    char **kept = environment;
    for (char **variable = environment; *variable; variable++) {
        bool is_preload = strncmp(*variable, preload, strlen(preload)) == 0;
        if (is_preload ? remove_from_preload(*variable + strlen(preload))
                       : strncmp(*variable, setting, strlen(setting)) != 0)
            *kept++ = *variable;
    }
    *kept = NULL;
}

/* Opens the hub of the main OS thread. A reference to the hub says that something else may end
 * a wait, as a signal does. Without it, a wait for a signal alone would be reported as a
 * deadlock. Returns 0 or a negative error number. */
static int open_hub(void) {
    int error = green_hub_open(&(green_hub_options){.name = "main"});
    if (error < 0 && error != -EALREADY)
        return error;
    (void)green_hub_retain(green_hub_current());
    return 0;
}

/* A forked child continues on a hub of its own. Without one, its threads are OS threads. */
static void continue_in_child(void) {
    int error_number = errno;
    (void)open_hub();
    errno = error_number;
}

__attribute__((constructor)) static void begin(int count, char **arguments, char **environment) {
    static green_patch *patch; /* for as long as the process lives */
    (void)count;
    (void)arguments;
    environ = environment; /* the C library sets it later */
    if (dlsym(RTLD_DEFAULT, "green_hub_open"))
        green_run_refuse(GREEN_RUN_REFUSED,
                         "this program uses Green itself; it can patch calls by green_monkey_patch()");
    unsigned families = families_in(GREEN_RUN_CALLS, green_run_default_families());
    families &= ~families_in(GREEN_RUN_WITHOUT, 0);
    size_t size = stack_size();
    if (size)
        set_default_stack_size(size);
    int error = open_hub();
    if (error < 0)
        green_run_refuse(GREEN_RUN_REFUSED, "cannot open a hub: %s", green_explain(error));
    if (!families)
        green_run_refuse(GREEN_RUN_REFUSED, "no calls are left to patch");
    error = green_monkey_patch(&patch, families);
    if (error < 0)
        green_run_refuse(GREEN_RUN_REFUSED, "cannot patch this program: %s", green_explain(error));
    if (setting(GREEN_RUN_REPORT))
        green_run_report_begin(patch, report_signal());
    if (setting(GREEN_RUN_CHILDREN)) {
        if (pthread_atfork(NULL, NULL, continue_in_child) != 0)
            green_run_refuse(GREEN_RUN_REFUSED, "no memory for a fork handler");
    } else {
        green_run_keep_for_exec(environment);
        hide_from_children(environment);
    }
}
