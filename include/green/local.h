/* Values of which every green thread has its own.
 *
 * A key may be shared by all OS threads; a value belongs to the green thread
 * that set it and is destroyed when that thread finishes. Nothing is inherited
 * from the spawner (as Eventlet's corolocal). */
#ifndef GREEN_LOCAL_H
#define GREEN_LOCAL_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_local green_local;

/* A new key. destroy, if given, is called with each value that is not NULL when
 * it is replaced or its thread finishes; it must not block. -ENOMEM. */
GREEN_API GREEN_CHECK int green_local_make(green_local **key, void (*GREEN_NULLABLE destroy)(void *value));

/* Frees the key. Values set under it stay until their threads finish. */
GREEN_API void green_local_free(green_local *GREEN_NULLABLE key);

/* The current thread's value, or NULL. */
GREEN_API void *GREEN_NULLABLE green_local_get(green_local *key);

/* Sets it, after destroying the old one; NULL removes it. -ENOMEM. */
GREEN_API GREEN_CHECK int green_local_set(green_local *key, void *GREEN_NULLABLE value);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
