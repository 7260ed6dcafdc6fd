/* Replacements of the exec functions: a program that the process executes in its own place runs on
 * green threads, too. So do wrappers work, such as env, nice, a shell script that ends with exec,
 * and the shims of version managers. Children that the process has forked run natively. */
#include "exec.h"

#include "settings.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT_MAX = 16 };
static char *kept[KEPT_MAX]; /* "NAME=value" */
static size_t kept_count;
static pid_t process;

static const char preload[] = "LD_PRELOAD=", settings[] = "GREEN_RUN_";

static bool begins_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void green_run_keep_for_exec(char *const *environment) {
    process = getpid();
    for (; *environment && kept_count < KEPT_MAX; environment++)
        if (begins_with(*environment, preload) || begins_with(*environment, settings))
            if ((kept[kept_count] = strdup(*environment)))
                kept_count++;
}

/* Joins the value of the program and the kept one, which is first. */
static char *join_preload(const char *own, const char *given) {
    char *joined = malloc(strlen(own) + strlen(given) + 2);
    if (!joined)
        return NULL;
    strcpy(joined, own);
    if (!strstr(own, given + strlen(preload)))
        strcat(strcat(joined, ":"), given + strlen(preload));
    return joined;
}

static size_t count_of(char *const *environment) {
    size_t count = 0;
    while (environment && environment[count])
        count++;
    return count;
}

/* The environment with the kept variables; as it is for a child, which may share the memory of its
 * parent, or without memory. It is freed by nothing: exec replaces it, and rarely fails. */
static char **with_kept(char *const *environment) {
    size_t count = count_of(environment), length = 0;
    if (kept_count == 0 || getpid() != process)
        return (char **)environment;
    char **longer = calloc(count + kept_count + 1, sizeof *longer);
    if (!longer)
        return (char **)environment;
    const char *given = NULL;
    for (size_t i = 0; i < count; i++)
        if (begins_with(environment[i], preload))
            given = environment[i];
        else if (!begins_with(environment[i], settings))
            longer[length++] = environment[i];
    for (size_t i = 0; i < kept_count; i++) {
        char *joined = given && begins_with(kept[i], preload) ? join_preload(kept[i], given) : NULL;
        longer[length++] = joined ? joined : kept[i];
    }
    return longer;
}

/* The functions ------------------------------------------------------------------ */

#pragma GCC visibility push(default)

/* That of the C library, or of a library that is preloaded after this one. */
#define CALL_NEXT(name, ...)                                                                                           \
    __extension__({                                                                                                    \
        __typeof__(name) *next;                                                                                        \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                                     \
        next(__VA_ARGS__);                                                                                             \
    })

int execve(const char *path, char *const arguments[], char *const environment[]) {
    return CALL_NEXT(execve, path, arguments, with_kept(environment));
}

int execv(const char *path, char *const arguments[]) {
    return CALL_NEXT(execve, path, arguments, with_kept(environ));
}

int execvpe(const char *file, char *const arguments[], char *const environment[]) {
    return CALL_NEXT(execvpe, file, arguments, with_kept(environment));
}

int execvp(const char *file, char *const arguments[]) {
    return CALL_NEXT(execvpe, file, arguments, with_kept(environ));
}

int fexecve(int fd, char *const arguments[], char *const environment[]) {
    return CALL_NEXT(fexecve, fd, arguments, with_kept(environment));
}

/* The arguments of a variadic function, on the stack of the caller. */
static size_t count_arguments(va_list list) {
    size_t count = 1;
    while (va_arg(list, char *))
        count++;
    return count;
}

#define TAKE_ARGUMENTS(first)                                                                                          \
    va_list list;                                                                                                      \
    va_start(list, first);                                                                                             \
    size_t count = count_arguments(list);                                                                              \
    va_end(list);                                                                                                      \
    char *arguments[count + 1];                                                                                        \
    arguments[0] = (char *)(first);                                                                                    \
    va_start(list, first);                                                                                             \
    for (size_t i = 1; i <= count; i++)                                                                                \
    arguments[i] = va_arg(list, char *)

int execl(const char *path, const char *first, ...) {
    TAKE_ARGUMENTS(first);
    va_end(list);
    return execv(path, arguments);
}

int execlp(const char *file, const char *first, ...) {
    TAKE_ARGUMENTS(first);
    va_end(list);
    return execvp(file, arguments);
}

int execle(const char *path, const char *first, ...) {
    TAKE_ARGUMENTS(first);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, arguments, environment);
}

#pragma GCC visibility pop
