/* The names in a directory. */
#ifndef GREEN_FILE_LISTING_H
#define GREEN_FILE_LISTING_H

#include <green/file.h>

/* Makes an empty listing. NULL: no memory. */
green_listing *green__listing_make(void);

/* Appends the names in a directory, without "." and "..". Returns 0 or -errno. Blocks the
 * OS thread. */
int green__listing_read(green_listing *listing, const char *path);

#endif
