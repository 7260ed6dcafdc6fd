/* The arguments of the program as passed by the system. Swift's standard library
 * reads them from /proc, which a container or a chroot may lack. */
#ifndef GREEN_EXAMPLE_ARGUMENTS_H
#define GREEN_EXAMPLE_ARGUMENTS_H

int green_example_argument_count(void);

/* A string that is valid for the life of the program; NULL after the last one. */
const char *_Nullable green_example_argument(int index);

#endif
