#include "listing.h"

#include "../base/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* The names in one block of memory, and the offset of each. */
struct green_listing {
    char *text;
    size_t *starts;
    size_t length, capacity; /* of the text */
    size_t count, places;    /* of the offsets */
};

green_listing *green__listing_make(void) {
    return calloc(1, sizeof(green_listing));
}

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

int green__listing_read(green_listing *listing, const char *path) {
    int error = 0, fd = green__open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    DIR *directory = fdopendir(fd);
    if (!directory) {
        error = -errno;
        close(fd);
        return error;
    }
    while (error == 0) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) {
            error = -errno;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = append(listing, entry->d_name);
    }
    closedir(directory);
    return error;
}

size_t green_listing_count(const green_listing *listing) {
    return listing->count;
}

const char *green_listing_name(const green_listing *listing, size_t index) {
    GREEN_INVARIANT(index < listing->count, "green_listing_name(): the index is less than the count");
    return listing->text + listing->starts[index];
}

void green_listing_free(green_listing *listing) {
    if (!listing)
        return;
    free(listing->text);
    free(listing->starts);
    free(listing);
}
