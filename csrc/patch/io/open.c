/* open and its like, on a native thread. It is waited for to its end, as it may
 * have made or emptied a file by then; only that of a FIFO, which may wait for
 * somebody at the other end for ever, can be interrupted. */
#include "../../file/fifo.h"
#include "../../offload/eventfd.h"
#include "file.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static green_offload_pool openers = GREEN_OFFLOAD_POOL(openers, "green-open", 16);

struct request {
    int directory; /* AT_FDCWD, or of a relative path's beginning */
    const char *path;
    int flags;
    mode_t mode;
};

/* With copies of all that it uses, since the caller of a FIFO's may be gone before
 * it is done. */
struct opening {
    green_job job;
    struct request request;
    bool holds;      /* the directory is its own */
    bool takes_fifo; /* else it only tells of one */
    bool is_fifo;
    int opened; /* a descriptor that nobody has taken yet; -1: none */
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
        !opening->takes_fifo && green__fifo_open_waits(request->directory, request->path, request->flags);
    if (opening->is_fifo)
        return;
    opening->opened = open_now(&opening->request);
    opening->error = errno;
}

static void release(green_job *job) {
    struct opening *opening = GREEN_CONTAINER(job, struct opening, job);
    if (opening->opened >= 0)
        green__real.close(opening->opened);
    if (opening->holds)
        green__real.close(opening->request.directory);
    free(opening);
}

/* Where a relative path begins, as of now: the directory may be closed, and the
 * process's changed, before it is opened. Unlike that of a dup(), closing this
 * descriptor ends no locks. */
static bool hold_directory(struct opening *opening) {
    struct request *request = &opening->request;
    if (request->path[0] == '/')
        return true;
    int fd = green__real.openat(request->directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fd = green__move_fd_high(fd)) < 0)
        return false;
    request->directory = fd;
    opening->holds = true;
    return true;
}

/* NULL: there is no memory, or no directory of one's own. */
static struct opening *opening_make(const struct request *request, bool takes_fifo) {
    size_t size = strlen(request->path) + 1;
    struct opening *opening = malloc(sizeof *opening + size);
    if (!opening)
        return NULL;
    *opening = (struct opening){
        .job = {.run = run, .release = release},
        .request = *request,
        .takes_fifo = takes_fifo,
        .opened = -1,
    };
    opening->request.path = memcpy(opening->path, request->path, size);
    if (hold_directory(opening))
        return opening;
    free(opening);
    return NULL;
}

/* Whether it has failed for want of descriptors, some of which may be the job's: the
 * native thread is about to let go of these. */
static bool lacked_descriptors(const struct opening *opening) {
    if (opening->opened >= 0 || (opening->error != EMFILE && opening->error != ENFILE))
        return false;
    while (__atomic_load_n(&opening->job.owners, __ATOMIC_ACQUIRE) > 1)
        sched_yield();
    return true;
}

/* The result in *opened, with errno. False: nothing has been done, or nothing came
 * of it that would not come of another try. */
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
        return green__wait_fds_failed(hub, error, ETIMEDOUT);
    errno = error_number;
    return is_done ? opened : open_now(request);
}

/* Where none of what that takes can be had, it waits in place. */
static int open_parking(green_hub *hub, const struct request *request) {
    struct opening *opening = opening_make(request, false);
    int opened = -1;
    if (!opening)
        return open_now(request);
    bool is_done = green__job_run_uninterruptible(hub, &openers, &opening->job) == 0,
         is_fifo = is_done && opening->is_fifo;
    is_done = is_done && !is_fifo && take_result(opening, &opened);
    int error_number = errno;
    green__job_release(&opening->job);
    errno = error_number;
    if (is_fifo)
        return open_fifo(hub, request);
    return is_done ? opened : open_now(request);
}

/* The compiler takes the C library's word that it is no path of anybody's. */
static bool is_nothing(const char *volatile path) {
    return !path;
}

/* What is in /proc waits for no disk, and some of it is the OS thread's own. */
static bool is_quick(const char *path) {
    return strncmp(path, "/proc/", 6) == 0;
}

static int open_by(const struct request *request) {
    int error_number = errno;
    if (is_nothing(request->path) || is_quick(request->path))
        return open_now(request);
    green_hub *hub = green__may_park_here();
    if (!hub)
        return open_now(request);
    int opened = open_parking(hub, request);
    if (opened >= 0)
        errno = error_number;
    return opened;
}

/* The calls ------------------------------------------------------------------- */

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

/* One that lacks a mode ends the process, in the C library's way. */
int green__green___open_2(const char *path, int flags) {
    return takes_mode(flags) ? green__real.__open_2(path, flags) : green__green_open(path, flags);
}

int green__green___openat_2(int directory, const char *path, int flags) {
    return takes_mode(flags) ? green__real.__openat_2(directory, path, flags)
                             : green__green_openat(directory, path, flags);
}
