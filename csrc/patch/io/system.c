/* system() and pclose(), on a worker: the C library waits for the shell within the call. */
#include "../../offload/job.h"
#include "../wait_fds.h"

#include <stdlib.h>
#include <string.h>

static green_offload_pool shells = GREEN_OFFLOAD_POOL(shells, "green-system", 16);

struct command {
    int result, error;
    char text[];
};

static int run_command(void *argument) {
    struct command *command = argument;
    command->result = green__real.system(command->text);
    command->error = errno;
    return 0;
}

int green__green_system(const char *text) {
    green_hub *hub = text ? green__may_park() : NULL;
    if (!hub)
        return green__real.system(text);
    struct command *command = malloc(sizeof *command + strlen(text) + 1);
    if (!command) {
        errno = ENOMEM;
        return -1;
    }
    strcpy(command->text, text);
    int error_number = errno;
    int error = green_offload(&shells, run_command, command, free, NULL, GREEN_FOREVER);
    if (error < 0)
        return (int)green__cancellation_point_passed(hub, green__wait_fds_failed(hub, error, ETIMEDOUT));
    int result = command->result;
    errno = result < 0 ? command->error : error_number;
    free(command);
    return result;
}

/* pclose() ------------------------------------------------------------------ */

struct closing {
    FILE *stream;
    int result, error;
};

static int close_stream(void *argument) {
    struct closing *closing = argument;
    closing->result = green__real.pclose(closing->stream);
    closing->error = errno;
    return 0;
}

/* An interrupt leaves the worker waiting for the command, so that the stream is closed in any case. */
int green__green_pclose(FILE *stream) {
    green_hub *hub = green__may_park_here();
    struct closing *closing = hub ? malloc(sizeof *closing) : NULL;
    if (!closing)
        return green__real.pclose(stream);
    *closing = (struct closing){.stream = stream};
    int error_number = errno;
    int error = green_offload(&shells, close_stream, closing, free, NULL, GREEN_FOREVER);
    if (error < 0)
        return (int)green__cancellation_point_passed(hub, green__wait_fds_failed(hub, error, ETIMEDOUT));
    int result = closing->result;
    errno = result < 0 ? closing->error : error_number;
    free(closing);
    return result;
}
