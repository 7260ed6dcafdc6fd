/* Operations on paths. */
#include "../core/hub.h"
#include "listing.h"
#include "stat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Makes a request on one or two paths. NULL, with *error set: no memory, or no hub. */
static green_file_request *make(green_hub **hub, const green_file_request_kind *kind, const char *first,
                                const char *second, int *error) {
    *hub = green__hub_here(error);
    if (!*hub)
        return NULL;
    size_t length = strlen(first) + 1;
    green_file_request *request = green__file_request_make(kind, length + strlen(second) + 1);
    if (!request) {
        *error = -ENOMEM;
        return NULL;
    }
    memcpy(request->bytes, first, length);
    request->second = strcpy(request->bytes + length, second);
    return request;
}

static int run_on_paths(const green_file_request_kind *kind, const char *first, const char *second, mode_t mode,
                        int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_file_request *request = make(&hub, kind, first, second, &error);
    if (request) {
        request->mode = mode;
        error = green__file_request_run_on_paths(hub, request, timeout);
    }
    green__file_request_release(request);
    return error;
}

static int64_t rename_now(green_file_request *request) {
    return rename(request->bytes, request->second) < 0 ? -errno : 0;
}

int green_path_rename(const char *from, const char *to, int64_t timeout) {
    static const green_file_request_kind renaming = {
        .verb = {"rename", "renaming"}, .run = rename_now, .has_op = true, .op = GREEN_OP_RENAME};
    return run_on_paths(&renaming, from, to, 0, timeout);
}

static int64_t unlink_now(green_file_request *request) {
    return unlink(request->bytes) < 0 ? -errno : 0;
}

int green_path_unlink(const char *path, int64_t timeout) {
    static const green_file_request_kind removing = {
        .verb = {"remove", "removing"}, .run = unlink_now, .has_op = true, .op = GREEN_OP_UNLINK};
    return run_on_paths(&removing, path, "", 0, timeout);
}

static int64_t make_now(green_file_request *request) {
    return mkdir(request->bytes, request->mode) < 0 ? -errno : 0;
}

int green_directory_create(const char *path, mode_t mode, int64_t timeout) {
    static const green_file_request_kind making = {.verb = {"make the directory", "making the directory"},
                                                   .run = make_now,
                                                   .has_op = true,
                                                   .op = GREEN_OP_MAKE_DIRECTORY};
    return run_on_paths(&making, path, "", mode, timeout);
}

static int64_t remove_now(green_file_request *request) {
    return rmdir(request->bytes) < 0 ? -errno : 0;
}

int green_directory_remove(const char *path, int64_t timeout) {
    static const green_file_request_kind removing = {.verb = {"remove the directory", "removing the directory"},
                                                     .run = remove_now,
                                                     .has_op = true,
                                                     .op = GREEN_OP_REMOVE_DIRECTORY};
    return run_on_paths(&removing, path, "", 0, timeout);
}

static int64_t status_now(green_file_request *request) {
    return stat(request->bytes, &request->status) < 0 ? -errno : 0;
}

int green_path_status(const char *path, struct stat *status, int64_t timeout) {
    static const green_file_request_kind asking = {.verb = {"stat", "getting the status of"},
                                                   .run = status_now,
                                                   .has_op = true,
                                                   .op = GREEN_OP_STAT,
                                                   .finish = green__file_request_take_status};
    int error = 0;
    green_hub *hub;
    green_file_request *request = make(&hub, &asking, path, "", &error);
    if (request && (error = green__file_request_run_on_paths(hub, request, timeout)) == 0)
        *status = request->status;
    green__file_request_release(request);
    return error;
}

static int64_t list_now(green_file_request *request) {
    return green__listing_read(request->listing, request->bytes);
}

/* The engine has no such operation. */
static const green_file_request_kind listing_names = {.verb = {"list", "listing"}, .run = list_now};

int green_directory_list(green_listing **listing, const char *path, int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_file_request *request = make(&hub, &listing_names, path, "", &error);
    if (request && !(request->listing = green__listing_make()))
        error = green__fail(-ENOMEM, "cannot list '%s'", path);
    if (request && error == 0)
        error = green__file_request_run_on_paths(hub, request, timeout);
    if (request && error == 0) {
        *listing = request->listing;
        request->listing = NULL;
    }
    green__file_request_release(request);
    return error;
}
