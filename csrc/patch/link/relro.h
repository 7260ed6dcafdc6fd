/* Writes to pages that the dynamic linker has made read-only (RELRO). */
#ifndef GREEN_PATCH_LINK_RELRO_H
#define GREEN_PATCH_LINK_RELRO_H

/* Stores a value in a slot with one atomic store, because other OS threads may be calling
 * through it. Makes its page, which has this protection, writable meanwhile. Returns 0, or
 * -errno, explained; then the slot is unchanged. */
int green__relro_write(void **slot, void *value, int protection);

#endif
