/* System calls on native threads. */
#include "native.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of its own: a disk that does not answer holds up only files. */
static green_offload_pool workers = GREEN_OFFLOAD_POOL(workers, "green-file", 16);

static void run(green_job *job) {
    green_native *native = GREEN_CONTAINER(job, green_native, job);
    native->result = native->call(native);
}

static void release(green_job *job) {
    green_native *native = GREEN_CONTAINER(job, green_native, job);
    if (native->descriptor)
        green__descriptor_drop(native->descriptor);
    if (native->opened >= 0)
        close(native->opened);
    green_listing_release(native->listing);
    free(native);
}

green_native *green__native_make(int64_t (*call)(green_native *native), size_t bytes) {
    green_native *native = malloc(sizeof *native + bytes);
    if (!native) {
        green__fail(-ENOMEM, "no memory for a call on a native thread");
        return NULL;
    }
    memset(native, 0, sizeof *native);
    native->job = (green_job){.run = run, .release = release, .owners = 1, .done = -1};
    native->call = call;
    native->opened = -1;
    return native;
}

int green__native_run(green_hub *hub, green_native *native, int64_t timeout) {
    return green__offload(hub, &workers, &native->job, timeout);
}

void green__native_release(green_native *native) {
    if (native)
        green__offload_release(&native->job);
}

int64_t green__native_run_in(green_file_call *call, green_native *native) {
    green_descriptor *descriptor = call->file->descriptor;
    __atomic_add_fetch(&descriptor->owners, 1, __ATOMIC_RELAXED);
    native->descriptor = descriptor;
    int error = green__native_run(call->file->hub, native, green__time_left(call->deadline));
    if (error < 0)
        call->explained = !green__file_was_ended(call, error);
    return error < 0 ? error : native->result;
}
