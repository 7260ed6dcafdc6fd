/* What is done with names, on native threads. */
#include "native.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A call on one name or two; NULL without memory or a hub, with *error set. */
static green_native *make(green_hub **hub, int64_t (*call)(green_native *), const char *first, const char *second,
                          int *error) {
    *hub = green__hub_here(error);
    if (!*hub)
        return NULL;
    size_t length = strlen(first) + 1;
    green_native *native = green__native_make(call, length + strlen(second) + 1);
    if (!native) {
        *error = -ENOMEM;
        return NULL;
    }
    memcpy(native->bytes, first, length);
    native->second = strcpy(native->bytes + length, second);
    return native;
}

/* Runs it; what is the sentence for what fails in it. */
static int run(green_hub *hub, green_native *native, const char *what, int64_t timeout) {
    int error = green__native_run(hub, native, timeout);
    bool failed = error == -ETIMEDOUT || (error == 0 && native->result < 0);
    if (error == 0)
        error = native->result < 0 ? (int)native->result : 0;
    if (failed && *native->second)
        return green__fail(error, "%s '%s' to '%s'", what, native->bytes, native->second);
    return failed ? green__fail(error, "%s '%s'", what, native->bytes) : error;
}

static int64_t rename_now(green_native *native) {
    return rename(native->bytes, native->second) < 0 ? -errno : 0;
}

static int64_t unlink_now(green_native *native) {
    return unlink(native->bytes) < 0 ? -errno : 0;
}

static int64_t status_now(green_native *native) {
    return stat(native->bytes, &native->status) < 0 ? -errno : 0;
}

static int64_t make_now(green_native *native) {
    return mkdir(native->bytes, native->mode) < 0 ? -errno : 0;
}

static int64_t remove_now(green_native *native) {
    return rmdir(native->bytes) < 0 ? -errno : 0;
}

int green_path_rename(const char *from, const char *to, int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_native *native = make(&hub, rename_now, from, to, &error);
    if (native)
        error = run(hub, native, "renaming", timeout);
    green__native_release(native);
    return error;
}

int green_path_unlink(const char *path, int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_native *native = make(&hub, unlink_now, path, "", &error);
    if (native)
        error = run(hub, native, "removing", timeout);
    green__native_release(native);
    return error;
}

int green_path_status(const char *path, struct stat *status, int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_native *native = make(&hub, status_now, path, "", &error);
    if (native && (error = run(hub, native, "asking about", timeout)) == 0)
        *status = native->status;
    green__native_release(native);
    return error;
}

int green_directory_make(const char *path, mode_t mode, int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_native *native = make(&hub, make_now, path, "", &error);
    if (native) {
        native->mode = mode;
        error = run(hub, native, "making the directory", timeout);
    }
    green__native_release(native);
    return error;
}

int green_directory_remove(const char *path, int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_native *native = make(&hub, remove_now, path, "", &error);
    if (native)
        error = run(hub, native, "removing the directory", timeout);
    green__native_release(native);
    return error;
}

/* Directories ---------------------------------------------------------------- */

/* The names one behind the other, and where each begins. */
struct green_listing {
    char *text;
    size_t *starts;
    size_t length, capacity; /* of the text */
    size_t count, places;    /* of the names */
};

static int append(green_listing *listing, const char *name) {
    size_t length = strlen(name) + 1;
    if (listing->length + length > listing->capacity) {
        size_t capacity = 2 * listing->capacity + length;
        char *text = realloc(listing->text, capacity);
        if (!text)
            return -ENOMEM;
        listing->text = text;
        listing->capacity = capacity;
    }
    if (listing->count == listing->places) {
        size_t places = 2 * listing->places + 16;
        size_t *starts = realloc(listing->starts, places * sizeof *starts);
        if (!starts)
            return -ENOMEM;
        listing->starts = starts;
        listing->places = places;
    }
    memcpy(listing->text + listing->length, name, length);
    listing->starts[listing->count++] = listing->length;
    listing->length += length;
    return 0;
}

static int64_t list_now(green_native *native) {
    DIR *directory = opendir(native->bytes);
    int error = 0;
    if (!directory)
        return -errno;
    while (error == 0) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) {
            error = -errno;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = append(native->listing, entry->d_name);
    }
    closedir(directory);
    return error;
}

int green_directory_list(green_listing **listing, const char *path, int64_t timeout) {
    int error = 0;
    green_hub *hub;
    green_native *native = make(&hub, list_now, path, "", &error);
    if (native && !(native->listing = calloc(1, sizeof *native->listing)))
        error = green__fail(-ENOMEM, "listing '%s'", path);
    if (native && error == 0)
        error = run(hub, native, "listing", timeout);
    if (native && error == 0) {
        *listing = native->listing;
        native->listing = NULL;
    }
    green__native_release(native);
    return error;
}

size_t green_listing_count(const green_listing *listing) {
    return listing->count;
}

const char *green_listing_name(const green_listing *listing, size_t index) {
    GREEN_INVARIANT(index < listing->count, "a listing has fewer names than was asked for");
    return listing->text + listing->starts[index];
}

void green_listing_release(green_listing *listing) {
    if (!listing)
        return;
    free(listing->text);
    free(listing->starts);
    free(listing);
}
