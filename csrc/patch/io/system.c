/* system() and pclose(), on a worker: the C library waits for the shell within the call. */
#include "../../offload/job.h"
#include "../wait_fds.h"

#include <stdlib.h>
#include <string.h>

static green_offload_pool shells = GREEN_OFFLOAD_POOL(shells, "green-system", 16);

struct shell_call {
    int (*function)(struct shell_call *call);
    int result, error;
    FILE *stream; /* of pclose() */
    char text[];  /* of system() */
};

static int run(void *argument) {
    struct shell_call *call = argument;
    call->result = call->function(call);
    call->error = errno;
    return 0;
}

/* Frees the call. An interrupt leaves the worker waiting for the command. */
static int run_parking(green_hub *hub, struct shell_call *call) {
    int error_number = errno;
    int error = green_offload(&shells, run, call, free, NULL, GREEN_FOREVER);
    if (error < 0)
        return green__wait_fds_end_failed(hub, error, ETIMEDOUT);
    int result = call->result;
    errno = result < 0 ? call->error : error_number;
    free(call);
    return result;
}

static int call_system(struct shell_call *call) {
    return green__real.system(call->text);
}

int green__green_system(const char *text) {
    green_hub *hub = text ? green__may_park() : NULL;
    if (!hub)
        return green__real.system(text);
    struct shell_call *call = malloc(sizeof *call + strlen(text) + 1);
    if (!call) {
        errno = ENOMEM;
        return -1;
    }
    *call = (struct shell_call){.function = call_system};
    strcpy(call->text, text);
    return run_parking(hub, call);
}

static int call_pclose(struct shell_call *call) {
    return green__real.pclose(call->stream);
}

/* The worker closes the stream also after an interrupt. */
int green__green_pclose(FILE *stream) {
    green_hub *hub = green__may_park_here();
    struct shell_call *call = hub ? malloc(sizeof *call) : NULL;
    if (!call)
        return green__real.pclose(stream);
    *call = (struct shell_call){.function = call_pclose, .stream = stream};
    return run_parking(hub, call);
}
