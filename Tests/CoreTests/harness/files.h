/* Helpers for tests of files. */
#ifndef GREEN_TESTS_FILES_H
#define GREEN_TESTS_FILES_H

#include "helpers.h"

/* A path in the test's own directory, as text that remains valid for 8 further
 * calls. The test must call remove_directory() at its end. */
const char *path_of(const char *name);

/* Opens a file in that directory with these flags. */
green_file *open_file(const char *name, int flags);

/* Opens a file and releases it. Returns 0 or the error of the open. */
int open_and_release(const char *path, int flags);

/* A new file in that directory with size bytes of the pattern, opened for reading and
 * writing, at position 0. */
green_file *file_of_pattern(const char *name, size_t size);

/* Both ends of a pipe. */
struct pipe_ends {
    green_file *near, *far; /* to read from, to write to */
};
struct pipe_ends pipe_of(int flags);

#endif
