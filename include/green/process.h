/* Child processes, with pipes that block only the calling green thread.
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
 * Green waits for the end of a process by a pidfd (Linux 5.4): without a signal handler and
 * without polling. It cannot get the exit status if something else in the program
 * collects it: SIGCHLD is ignored, or waitpid(-1) waits for any child. Then
 * green_process_wait() fails with -ECHILD.
 *
 * A process belongs to its OS thread: calls on another one fail with -EXDEV, except
 * green_process_free(). */
#ifndef GREEN_PROCESS_H
#define GREEN_PROCESS_H

#include <green/base.h>
#include <green/file.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_process green_process;

/* A standard descriptor of the program. */
typedef enum green_stdio_kind {
    GREEN_STDIO_INHERITED,  /* the one of this process */
    GREEN_STDIO_NULL,       /* /dev/null */
    GREEN_STDIO_PIPE,       /* a pipe; *pipe is set to this process's end, which the caller owns */
    GREEN_STDIO_DESCRIPTOR, /* fd, which the caller still owns */
    GREEN_STDIO_OUTPUT,     /* only for error: the same as output */
} green_stdio_kind;

typedef struct green_stdio {
    green_stdio_kind kind;
    int fd;
    green_file *GREEN_NULLABLE *GREEN_NULLABLE pipe;
} green_stdio;

/* Zero in any field means its default. */
typedef struct green_process_options {
    green_stdio input, output, error;
    /* Strings "NAME=value", terminated by NULL. Default: this process's environment. */
    const char *GREEN_NULLABLE const *GREEN_NULLABLE environment;
    /* The program's working directory. Default: this process's. */
    const char *GREEN_NULLABLE directory;
} green_process_options;

/* Starts a program and stores its handle, which the caller owns. If the name contains no
 * '/', it is looked up in this process's PATH; a relative path starts at `directory`.
 * arguments is terminated by NULL and begins with argv[0]; an arguments of NULL means the
 * program's name alone. The program starts with no signal blocked or ignored. It inherits
 * the three standard descriptors, and descriptors without O_CLOEXEC.
 *
 * Blocks; an OS thread of Green starts the program. If the call is interrupted, the program
 * does not start, or is killed at once.
 *
 * Errors:
 *   -ENOENT  the program, or the directory, does not exist
 *   -EACCES, -ENOEXEC, -E2BIG, -EMFILE, -EAGAIN, -ENOMEM */
GREEN_API GREEN_CHECK int green_process_spawn(green_process **process, const char *program,
                                              const char *GREEN_NULLABLE const *GREEN_NULLABLE arguments,
                                              const green_process_options *GREEN_NULLABLE options);

/* The exit status of a process. */
typedef struct green_process_end {
    int code;   /* the code of exit(3); -1: a signal terminated the process */
    int signal; /* the signal that terminated it, or 0 */
} green_process_end;

/* Waits for the process to end and stores its exit status. May be called by any number of
 * threads, and again after the end. Blocks.
 *
 * Errors:
 *   -ETIMEDOUT          the process still runs; the call may be repeated
 *   -ECANCELED, -ETIME  the thread was killed, or a green_timeout expired
 *   -ECHILD             something else has collected the exit status
 *   -EBADF              the handle was freed meanwhile */
GREEN_API GREEN_CHECK int green_process_wait(green_process *process, green_process_end *GREEN_NULLABLE end,
                                             int64_t timeout);

/* Sends a signal. The signal never reaches another process that has been given the same
 * PID. Does not block.
 *
 * Errors:
 *   -ESRCH   a wait has returned the exit status. Before that, a signal to a process that
 *            has ended returns 0 and has no effect.
 *   -EINVAL  the signal does not exist
 *   -EPERM */
GREEN_API int green_process_signal(green_process *process, int number);

/* The PID, for messages. */
GREEN_API pid_t green_process_id(const green_process *process);

/* Frees the handle. A process that still runs continues to run; an OS thread of Green
 * collects its exit status, so it leaves no zombie. Does not block. On another OS thread than
 * that of the handle, this takes effect soon after the call, on its hub. */
GREEN_API void green_process_free(green_process *GREEN_NULLABLE process);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
