/* Child processes: other programs, with pipes that are read and written green.
 *
 *     green_file *output;
 *     green_process *process;
 *     const char *arguments[] = {"ls", "-l", NULL};
 *     green_process_options options = {.output = {.kind = GREEN_STDIO_PIPE, .pipe = &output}};
 *     int error = green_process_spawn(&process, "ls", arguments, &options);
 *     if (error < 0)
 *         return error;
 *     while ((count = green_file_read(output, bytes, sizeof bytes)) > 0)
 *         use(bytes, count);
 *     green_process_end end;
 *     error = green_process_wait(process, &end, GREEN_FOREVER);
 *     green_file_free(output);
 *     green_process_free(process);
 *
 * The end is waited for by a pidfd (Linux 5.4): no signal handler, no polling. It
 * can only be told while nobody else collects it: a program that ignores SIGCHLD,
 * or waits for any child by waitpid(-1), takes it away, which is -ECHILD here.
 *
 * A process belongs to its OS thread. */
#ifndef GREEN_PROCESS_H
#define GREEN_PROCESS_H

#include <green/base.h>
#include <green/file.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_process green_process;

/* What the program finds at a standard descriptor. */
typedef enum green_stdio_kind {
    GREEN_STDIO_INHERITED,  /* what this process has there */
    GREEN_STDIO_NULL,       /* /dev/null */
    GREEN_STDIO_PIPE,       /* a pipe; *pipe is set to this process's end, which the caller owns */
    GREEN_STDIO_DESCRIPTOR, /* fd, which stays the caller's */
    GREEN_STDIO_OUTPUT,     /* for error: whatever output is */
} green_stdio_kind;

typedef struct green_stdio {
    green_stdio_kind kind;
    int fd;
    green_file *GREEN_NULLABLE *GREEN_NULLABLE pipe;
} green_stdio;

/* Zero in any field means its default. */
typedef struct green_process_options {
    green_stdio input, output, error;
    /* "NAME=value" each, ended by NULL; NULL: this process's environment. */
    const char *GREEN_NULLABLE const *GREEN_NULLABLE environment;
    /* Where the program begins to run; NULL: where this process is. */
    const char *GREEN_NULLABLE directory;
} green_process_options;

/* Starts a program, which is looked up in this process's PATH unless its name has a
 * '/' (then it begins at `directory`, if it is relative), and stores its handle,
 * which the caller owns. arguments end by NULL, the first one being the name that
 * the program sees; NULL is that name alone. No signal is blocked or ignored in it,
 * and of descriptors it has the three, and those that somebody has opened without
 * O_CLOEXEC.
 *
 * -ENOENT: there is no such program, or no such directory; -EACCES, -ENOEXEC,
 * -E2BIG, -EMFILE, -EAGAIN, -ENOMEM. Blocks, on a native thread. When it is
 * interrupted, the program is not started, or killed at once. */
GREEN_API GREEN_CHECK int green_process_spawn(green_process **process, const char *program,
                                              const char *GREEN_NULLABLE const *GREEN_NULLABLE arguments,
                                              const green_process_options *GREEN_NULLABLE options);

/* How a process has ended. */
typedef struct green_process_end {
    int code;   /* of exit(3); -1: a signal ended it */
    int signal; /* that one, or 0 */
} green_process_end;

/* Waits for the end, and tells how it was, any number of times and to any number
 * of threads. -ETIMEDOUT, after which one can wait again; -ECHILD; -EBADF: the
 * handle was freed meanwhile. Blocks. */
GREEN_API GREEN_CHECK int green_process_wait(green_process *process, green_process_end *GREEN_NULLABLE end,
                                             int64_t timeout);

/* Sends a signal, to this process and never to another that has got its number.
 * -ESRCH: a wait has told that it has ended; until then a signal to one that has is
 * 0 and does nothing. -EINVAL, -EPERM. Does not block. */
GREEN_API int green_process_signal(green_process *process, int number);

/* Its number, for messages. */
GREEN_API pid_t green_process_id(const green_process *process);

/* Frees the handle. A process that still runs continues to run; a native thread reaps
 * it when it ends, so it leaves no zombie. Does not block. */
GREEN_API void green_process_free(green_process *GREEN_NULLABLE process);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
