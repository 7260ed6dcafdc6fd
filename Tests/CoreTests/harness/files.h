/* What tests of files share. */
#ifndef GREEN_TESTS_FILES_H
#define GREEN_TESTS_FILES_H

#include "helpers.h"

/* A path in the test's own directory, as text that remains valid for 8 further
 * calls. The test must call remove_directory() at its end. */
const char *path_of(const char *name);

/* A file there, opened with such flags. */
green_file *open_file(const char *name, int flags);

/* Opens what is at a path and gives it up again: 0 or the error. */
int open_and_release(const char *path, int flags);

/* A new file there with size bytes of the pattern, for reading and writing, at its
 * beginning. */
green_file *file_of_pattern(const char *name, size_t size);

/* Both ends of a pipe. */
struct pipe_ends {
    green_file *near, *far; /* to read from, to write to */
};
struct pipe_ends pipe_of(int flags);

#endif
