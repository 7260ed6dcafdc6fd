/* The program and the libraries that it has loaded.
 *
 * dl_iterate_phdr(3) holds a lock of the dynamic linker that fork(2) does not release in the
 * child. Green's calls of it hold a lock of Green, too, which fork acquires first. */
#ifndef GREEN_BASE_LOADED_OBJECTS_H
#define GREEN_BASE_LOADED_OBJECTS_H

#include <link.h>

/* Calls visit as dl_iterate_phdr() does. The caller may hold locks of Green. */
int green__loaded_objects_each(int (*visit)(struct dl_phdr_info *info, size_t size, void *argument), void *argument);

/* Makes fork acquire the lock. An OS thread may acquire it while it holds a lock that was registered
 * later. -ENOMEM. */
int green__loaded_objects_register_lock(void);

#endif
