/* The arguments of the program, as the system has passed them. Swift's standard
 * library reads them from /proc, which a container or a chroot may not have. */
#ifndef GREEN_EXAMPLE_ARGUMENTS_H
#define GREEN_EXAMPLE_ARGUMENTS_H

int green_example_argument_count(void);

/* A string that lives as long as the program; NULL behind the last one. */
const char *_Nullable green_example_argument(int index);

#endif
