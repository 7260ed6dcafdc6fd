/* open() and similar calls, on a worker. The caller waits until the open has ended, because
 * it may have created or truncated a file. Only an open of a FIFO can be interrupted,
 * because it may wait for a peer forever. */
#include "../../base/own_fd.h"
#include "../../file/fifo.h"
#include "file.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static green_offload_pool openers = GREEN_OFFLOAD_POOL(openers, "green-open", 16);

struct request {
    int directory; /* where a relative path begins */
    const char *path;
    int flags;
    mode_t mode;
};

/* Has copies of all arguments, because the caller of an interrupted open of a FIFO may be
 * gone before it ends. */
struct opening {
    green_job job;
    struct request request;
    bool owns_directory;
    bool opens_fifo; /* false: only reports a FIFO in is_fifo */
    bool is_fifo;
    int opened; /* a descriptor that the caller has not taken yet; -1: none */
    int error;
    char path[];
};

static int open_now(const struct request *request) {
    return green__real.openat(request->directory, request->path, request->flags, request->mode);
}

static void run(green_job *job) {
    struct opening *opening = GREEN_CONTAINER(job, struct opening, job);
    const struct request *request = &opening->request;
    opening->is_fifo =
        !opening->opens_fifo && green__fifo_open_waits(request->directory, request->path, request->flags);
    if (opening->is_fifo)
        return;
    opening->opened = open_now(&opening->request);
    opening->error = errno;
}

static void release(green_job *job) {
    struct opening *opening = GREEN_CONTAINER(job, struct opening, job);
    if (opening->opened >= 0)
        green__real.close(opening->opened);
    if (opening->owns_directory)
        green__own_fd_close(opening->request.directory);
    free(opening);
}

/* Opens the directory where a relative path begins, because the caller may close it, and the
 * process may change its working directory, before the worker opens the file. Unlike a
 * dup(), closing this descriptor releases no record locks. */
static bool own_directory(struct opening *opening) {
    struct request *request = &opening->request;
    if (request->path[0] == '/')
        return true;
    int fd = green__real.openat(request->directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fd = green__own_fd(fd)) < 0)
        return false;
    request->directory = fd;
    opening->owns_directory = true;
    return true;
}

/* Returns NULL if there is no memory, or no descriptor for the directory. */
static struct opening *opening_make(const struct request *request, bool opens_fifo) {
    size_t size = strlen(request->path) + 1;
    struct opening *opening = malloc(sizeof *opening + size);
    if (!opening)
        return NULL;
    *opening = (struct opening){
        .job = {.run = run, .release = release},
        .request = *request,
        .opens_fifo = opens_fifo,
        .opened = -1,
    };
    opening->request.path = memcpy(opening->path, request->path, size);
    if (own_directory(opening))
        return opening;
    free(opening);
    return NULL;
}

/* Whether the open has failed because no descriptor was left. The job's own descriptors may
 * be the cause, so this waits until the worker has released the job. */
static bool lacked_descriptors(const struct opening *opening) {
    if (opening->opened >= 0 || (opening->error != EMFILE && opening->error != ENFILE))
        return false;
    while (__atomic_load_n(&opening->job.owners, __ATOMIC_ACQUIRE) > 1)
        sched_yield();
    return true;
}

/* Takes the result into *opened and errno. Returns false if the open has to be tried again on
 * this OS thread. */
static bool take_result(struct opening *opening, int *opened) {
    if (lacked_descriptors(opening))
        return false;
    *opened = opening->opened;
    opening->opened = -1;
    errno = opening->error;
    return true;
}

static int open_fifo(green_hub *hub, const struct request *request) {
    struct opening *opening = opening_make(request, true);
    int error = opening ? green__job_run(hub, &green__fifo_workers, &opening->job, GREEN_FOREVER) : -ENOMEM,
        opened = -1;
    bool is_done = error == 0 && take_result(opening, &opened);
    int error_number = errno;
    if (opening)
        green__job_release(&opening->job);
    if (green__is_explained(error))
        return green__wait_fds_end_failed(hub, error, ETIMEDOUT);
    errno = error_number;
    return is_done ? opened : open_now(request);
}

/* Opens on this OS thread if there is no worker, memory or descriptor for the job. */
static int open_parking(green_hub *hub, const struct request *request) {
    struct opening *opening = opening_make(request, false);
    int opened = -1;
    if (!opening)
        return open_now(request);
    bool is_done = green__job_run_uninterruptible(&openers, &opening->job) == 0, is_fifo = is_done && opening->is_fifo;
    is_done = is_done && !is_fifo && take_result(opening, &opened);
    int error_number = errno;
    green__job_release(&opening->job);
    errno = error_number;
    if (is_fifo)
        return open_fifo(hub, request);
    return is_done ? opened : open_now(request);
}

/* The C library declares the path non-null, so the compiler would remove a plain check. */
static bool is_null(const char *volatile path) {
    return !path;
}

/* Files in /proc do not wait for a disk, and some of them depend on the OS thread. */
static bool is_quick(const char *path) {
    return strncmp(path, "/proc/", 6) == 0;
}

static int open_by(const struct request *request) {
    int error_number = errno;
    if (is_null(request->path) || is_quick(request->path))
        return open_now(request);
    green_hub *hub = green__may_park_here();
    if (!hub)
        return open_now(request);
    int opened = open_parking(hub, request);
    if (opened >= 0)
        errno = error_number;
    return opened;
}

/* The calls ---------------------------------------------------------------- */

static bool takes_mode(int flags) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE_AFTER(flags, mode)                                                                                        \
    mode_t mode = 0;                                                                                                   \
    if (takes_mode(flags)) {                                                                                           \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode = va_arg(arguments, mode_t);                                                                              \
        va_end(arguments);                                                                                             \
    }

int green__green_open(const char *path, int flags, ...) {
    MODE_AFTER(flags, mode)
    return open_by(&(struct request){.directory = AT_FDCWD, .path = path, .flags = flags, .mode = mode});
}

int green__green_openat(int directory, const char *path, int flags, ...) {
    MODE_AFTER(flags, mode)
    return open_by(&(struct request){.directory = directory, .path = path, .flags = flags, .mode = mode});
}

int green__green_creat(const char *path, mode_t mode) {
    return green__green_open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* The C library's version aborts the process if a mode is needed. */
int green__green___open_2(const char *path, int flags) {
    return takes_mode(flags) ? green__real.__open_2(path, flags) : green__green_open(path, flags);
}

int green__green___openat_2(int directory, const char *path, int flags) {
    return takes_mode(flags) ? green__real.__openat_2(directory, path, flags)
                             : green__green_openat(directory, path, flags);
}
