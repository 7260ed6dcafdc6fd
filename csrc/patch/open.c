/* open and its like, each on a native thread: of a FIFO it waits for somebody at
 * the other end. */
#include "watch.h"

#include "../offload/offload.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Of their own, and many: FIFOs that nobody opens hold up only what is opened. */
static green_offload_pool openers = GREEN_OFFLOAD_POOL(openers, "green-open", 64);

struct request {
    bool at; /* by openat */
    int directory;
    const char *path;
    int flags;
    mode_t mode;
};

/* With copies of all that it uses, since the caller may be gone before it is done. */
struct opening {
    green_job job;
    struct request request;
    int opened; /* a descriptor that nobody has taken yet; -1: none */
    int error;
    char path[];
};

static int open_now(const struct request *request) {
    return request->at ? green__real.openat(request->directory, request->path, request->flags, request->mode)
                       : green__real.open(request->path, request->flags, request->mode);
}

static void run(green_job *job) {
    struct opening *opening = GREEN_CONTAINER(job, struct opening, job);
    opening->opened = open_now(&opening->request);
    opening->error = errno;
}

static void release(green_job *job) {
    struct opening *opening = GREEN_CONTAINER(job, struct opening, job);
    if (opening->opened >= 0)
        green__real.close(opening->opened);
    if (opening->request.directory >= 0)
        green__real.close(opening->request.directory);
    free(opening);
}

/* A descriptor of one's own of the directory that a path begins at, which somebody
 * may close meanwhile. Unlike that of a dup(), closing this one ends no locks. */
static int hold_directory(const struct request *request) {
    if (!request->at || request->directory == AT_FDCWD || request->path[0] == '/')
        return AT_FDCWD;
    int fd = green__real.openat(request->directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : green__aside(fd);
}

/* NULL: there is no memory, or no directory of one's own. */
static struct opening *opening_make(const struct request *request) {
    size_t size = strlen(request->path) + 1;
    struct opening *opening = malloc(sizeof *opening + size);
    if (!opening)
        return NULL;
    *opening =
        (struct opening){.job = {.run = run, .release = release, .aside = true}, .request = *request, .opened = -1};
    opening->request.path = memcpy(opening->path, request->path, size);
    opening->request.directory = hold_directory(request);
    if (opening->request.directory != -1)
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

/* Where none of what that takes can be had, it waits in place. */
static int open_parking(green_hub *hub, const struct request *request) {
    int error_number = errno, error = -ENOMEM, result = -1;
    struct opening *opening = opening_make(request);
    if (opening)
        error = green__offload(hub, &openers, &opening->job, GREEN_FOREVER);
    bool is_done = error == 0 && !lacked_descriptors(opening);
    if (is_done) {
        result = opening->opened;
        error_number = result < 0 ? opening->error : error_number;
        opening->opened = -1;
    }
    if (opening)
        green__offload_release(&opening->job);
    if (green__is_explained(error))
        return green__watch_failed(hub, error, ETIMEDOUT);
    errno = error_number;
    return is_done ? result : open_now(request);
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
    green_hub *hub = green__may_park();
    if (!hub || is_nothing(request->path) || is_quick(request->path) || green__is_vfork_child(hub))
        return open_now(request);
    return open_parking(hub, request);
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
    return open_by(&(struct request){.path = path, .flags = flags, .mode = mode, .directory = AT_FDCWD});
}

int green__green_openat(int directory, const char *path, int flags, ...) {
    MODE_AFTER(flags, mode)
    return open_by(&(struct request){.at = true, .directory = directory, .path = path, .flags = flags, .mode = mode});
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
