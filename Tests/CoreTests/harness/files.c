#include "files.h"

const char *path_of(const char *name) {
    static const char *directory;
    static char paths[8][256];
    static unsigned next;
    if (!directory)
        directory = make_directory();
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

green_file *open_file(const char *name, int flags) {
    green_file *file = NULL;
    CHECK(green_file_open(&file, path_of(name), flags, 0600, GREEN_FOREVER), ==, 0);
    return file;
}

int open_and_release(const char *path, int flags) {
    green_file *file;
    int error = green_file_open(&file, path, flags, 0, GREEN_FOREVER);
    if (error == 0)
        green_file_free(file);
    return error;
}

green_file *file_of_pattern(const char *name, size_t size) {
    green_file *file = open_file(name, O_RDWR | O_CREAT | O_EXCL);
    char *bytes = malloc(size + 1);
    pattern_fill(bytes, size, 0);
    CHECK(green_file_write(file, bytes, size), ==, size);
    CHECK(green_file_set_position(file, 0), ==, 0);
    free(bytes);
    return file;
}

struct pipe_ends pipe_of(int flags) {
    int fds[2];
    struct pipe_ends ends;
    CHECK(pipe2(fds, O_CLOEXEC | flags), ==, 0);
    CHECK(green_file_adopt(&ends.near, fds[0]), ==, 0);
    CHECK(green_file_adopt(&ends.far, fds[1]), ==, 0);
    return ends;
}
