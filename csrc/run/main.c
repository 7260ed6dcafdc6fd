/* green-run: runs an unmodified program on green threads. It sets the environment of the
 * preload library and executes the program in its place, so that the process id, argv and
 * /proc/self/exe are those of the program. */
#include "check.h"
#include "refuse.h"
#include "settings.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "usage: green-run [OPTION…] PROGRAM [ARGUMENT…]\n"
                            "\n"
                            "Runs PROGRAM on green threads: its threads are green threads of one OS thread, and\n"
                            "its blocking calls let the others run. PROGRAM is not changed.\n"
                            "\n"
                            "  --calls LIST       families of calls to patch, separated by commas:\n"
                            "                     %s\n"
                            "  --without LIST     families of calls not to patch\n"
                            "  --stack-size SIZE  of each thread for which PROGRAM gives none, such as 256K or 8M\n"
                            "  --engine NAME      uring or epoll\n"
                            "  --children         run child processes and what they execute on green threads, too\n"
                            "  --report           write to standard error at the end, and on SIGUSR2, what was\n"
                            "                     patched and what held the OS thread longest\n"
                            "  --report-signal NAME\n"
                            "                     the same, on another signal, such as HUP\n"
                            "  --monitor MS       report each thread that runs longer than MS milliseconds\n"
                            "                     without a call that lets others run\n"
                            "  --help             write this text\n"
                            "\n"
                            "Exit status: that of PROGRAM; 125 if green-run refuses, 126 if PROGRAM cannot be\n"
                            "executed, 127 if it is not found.\n";

static void set(const char *name, const char *value) {
    if (setenv(name, value, 1) < 0)
        green_run_refuse(GREEN_RUN_REFUSED, "cannot set %s: %s", name, strerror(errno));
}

static void set_families(const char *name, const char *option, const char *list) {
    (void)green_run_families(option, list); /* refuses a wrong list */
    set(name, list);
}

static void set_stack_size(const char *size) {
    if (green_run_parse_size(size) == 0)
        green_run_refuse(GREEN_RUN_REFUSED, "--stack-size: '%s' is not a size, such as 256K or 8M", size);
    set(GREEN_RUN_STACK_SIZE, size);
}

static void set_engine(const char *name) {
    if (strcmp(name, "uring") != 0 && strcmp(name, "epoll") != 0)
        green_run_refuse(GREEN_RUN_REFUSED, "--engine: '%s' is not an engine; there are uring and epoll", name);
    set("GREEN_ENGINE", name);
}

static void set_monitor(const char *text) {
    char *end;
    double milliseconds = strtod(text, &end);
    if (*end || !(milliseconds >= 1 && milliseconds < 1e9))
        green_run_refuse(GREEN_RUN_REFUSED, "--monitor: '%s' is not a number of milliseconds of at least 1", text);
    set("GREEN_MONITOR", text);
}

static void set_report_signal(const char *name) {
    if (green_run_parse_signal(name) == 0)
        green_run_refuse(GREEN_RUN_REFUSED, "--report-signal: '%s' is not a signal that can be caught, such as USR2",
                         name);
    set(GREEN_RUN_REPORT, "1");
    set(GREEN_RUN_REPORT_SIGNAL, name);
}

enum option_code { CALLS = 1, WITHOUT, STACK_SIZE, ENGINE, CHILDREN, REPORT, REPORT_SIGNAL, MONITOR, HELP };

static const struct option options[] = {
    {"calls", required_argument, NULL, CALLS},
    {"without", required_argument, NULL, WITHOUT},
    {"stack-size", required_argument, NULL, STACK_SIZE},
    {"engine", required_argument, NULL, ENGINE},
    {"children", no_argument, NULL, CHILDREN},
    {"report", no_argument, NULL, REPORT},
    {"report-signal", required_argument, NULL, REPORT_SIGNAL},
    {"monitor", required_argument, NULL, MONITOR},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void take(int option) {
    switch (option) {
    case CALLS:
        set_families(GREEN_RUN_CALLS, "--calls", optarg);
        break;
    case WITHOUT:
        set_families(GREEN_RUN_WITHOUT, "--without", optarg);
        break;
    case STACK_SIZE:
        set_stack_size(optarg);
        break;
    case ENGINE:
        set_engine(optarg);
        break;
    case CHILDREN:
        set(GREEN_RUN_CHILDREN, "1");
        break;
    case REPORT:
        set(GREEN_RUN_REPORT, "1");
        break;
    case REPORT_SIGNAL:
        set_report_signal(optarg);
        break;
    case MONITOR:
        set_monitor(optarg);
        break;
    case HELP:
        printf(usage, green_run_family_names());
        exit(EXIT_SUCCESS);
    default:
        green_run_refuse(GREEN_RUN_REFUSED, "try green-run --help");
    }
}

/* In the directory of the program, as in a build, or where both are installed. */
static void find_library(char *path, size_t size) {
    static const char *const places[] = {GREEN_RUN_LIBRARY, GREEN_RUN_LIBRARY_DIRECTORY "/" GREEN_RUN_LIBRARY};
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0)
        green_run_refuse(GREEN_RUN_REFUSED, "cannot read /proc/self/exe, which is where %s is searched: %s",
                         GREEN_RUN_LIBRARY, strerror(errno));
    program[length] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *directory = places[i][0] == '/' ? "" : program;
        if ((size_t)snprintf(path, size, "%s%s%s", directory, *directory ? "/" : "", places[i]) < size &&
            access(path, R_OK) == 0)
            return;
    }
    green_run_refuse(GREEN_RUN_REFUSED, "%s is neither in %s nor in %s: is Green installed completely?",
                     GREEN_RUN_LIBRARY, program, path);
}

static void preload_library(void) {
    char library[PATH_MAX], list[2 * PATH_MAX];
    find_library(library, sizeof library);
    if (strpbrk(library, ": "))
        green_run_refuse(GREEN_RUN_REFUSED, "the path %s has a space or a colon, which LD_PRELOAD cannot express",
                         library);
    const char *others = getenv("LD_PRELOAD");
    bool any = others && *others;
    if ((size_t)snprintf(list, sizeof list, "%s%s%s", library, any ? ":" : "", any ? others : "") >= sizeof list)
        green_run_refuse(GREEN_RUN_REFUSED, "LD_PRELOAD is too long");
    set("LD_PRELOAD", list);
}

/* The program ---------------------------------------------------------------- */

/* Whether a path in PATH is an executable file. *denied becomes true if only permission is missing. */
static bool is_program(const char *path, bool *denied) {
    struct stat status;
    if (stat(path, &status) < 0 || S_ISDIR(status.st_mode))
        return false;
    if (access(path, X_OK) == 0)
        return true;
    *denied = true;
    return false;
}

/* As execvp(3) searches. */
static void find_program(const char *name, char *path, size_t size) {
    const char *directories = getenv("PATH");
    bool denied = false;
    struct stat status;
    if (strchr(name, '/')) {
        if (stat(name, &status) == 0 && S_ISDIR(status.st_mode))
            green_run_refuse(GREEN_RUN_NOT_EXECUTABLE, "'%s' is a directory", name);
        if (access(name, X_OK) < 0)
            green_run_refuse(errno == ENOENT ? GREEN_RUN_NOT_FOUND : GREEN_RUN_NOT_EXECUTABLE,
                             "cannot execute '%s': %s", name, strerror(errno));
        snprintf(path, size, "%s", name);
        return;
    }
    for (const char *at = directories ? directories : "/bin:/usr/bin";;) {
        size_t length = strcspn(at, ":");
        bool fits = (size_t)snprintf(path, size, "%.*s%s%s", (int)length, at, length ? "/" : "./", name) < size;
        if (fits && is_program(path, &denied))
            return;
        if (!at[length])
            break;
        at += length + 1;
    }
    if (denied)
        green_run_refuse(GREEN_RUN_NOT_EXECUTABLE, "cannot execute '%s': %s", name, strerror(EACCES));
    green_run_refuse(GREEN_RUN_NOT_FOUND, "'%s' is not in PATH", name);
}

enum { SCRIPTS_MAX = 4 }; /* scripts whose interpreter is a script; the kernel has the same limit */

/* Checks what the kernel will execute for a path in the end. */
static void check(const char *program) {
    const char *path = program;
    green_run_script script = {.interpreter = ""};
    char reason[512];
    for (int depth = 0; depth < SCRIPTS_MAX && green_run_read_script(path, &script); depth++)
        path = script.interpreter;
    if (!green_run_check(path, reason, sizeof reason))
        green_run_refuse(GREEN_RUN_REFUSED, "'%s' %s", path, reason);
}

int main(int count, char **arguments) {
    int option;
    char path[PATH_MAX];
    while ((option = getopt_long(count, arguments, "+", options, NULL)) != -1)
        take(option);
    if (optind == count)
        green_run_refuse(GREEN_RUN_REFUSED, "no program is given; try green-run --help");
    arguments += optind;
    find_program(arguments[0], path, sizeof path);
    check(path);
    preload_library();
    execv(path, arguments);
    green_run_refuse(GREEN_RUN_NOT_EXECUTABLE, "cannot execute '%s': %s", path, strerror(errno));
}
