/* Green-thread-local storage: a value for each green thread under a shared key.
 *
 * All OS threads may share a key. A value belongs to the green thread that set it and is
 * destroyed when that thread finishes. A new thread inherits the values of its spawner under
 * keys that green_local_make_inherited() has made, and no others (none with Eventlet's
 * corolocal). */
#ifndef GREEN_LOCAL_H
#define GREEN_LOCAL_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_local green_local;

/* Makes a key. destroy, if not NULL, is called with each value other than NULL when the
 * value is replaced or its thread finishes. It must not block: a blocking call in it fails
 * with -EWOULDBLOCK. The caller owns the key. -ENOMEM: out of memory. */
GREEN_API GREEN_CHECK int green_local_make(green_local **key, void (*GREEN_NULLABLE destroy)(void *value));

/* Makes a key whose values are inherited. A thread that a green thread or the context of an OS
 * thread spawns, with green_spawn() and all that is built on it, gets copy(value) of each of its
 * values, at the time of the spawn. If copy returns NULL, it gets no value. A thread that another
 * hub or an OS thread without a hub starts with green_hub_spawn() inherits none. copy runs on the
 * spawner and must not block. A spawn fails with -ENOMEM if there is no memory for an entry.
 * destroy as above. */
GREEN_API GREEN_CHECK int green_local_make_inherited(green_local **key, void *GREEN_NULLABLE (*copy)(void *value),
                                                     void (*GREEN_NULLABLE destroy)(void *value));

/* Frees the key. Values set under it are destroyed when their threads finish. May be called
 * on any thread. */
GREEN_API void green_local_free(green_local *GREEN_NULLABLE key);

/* Returns the value of the current thread, or NULL. */
GREEN_API void *GREEN_NULLABLE green_local_get(green_local *key);

/* Sets the value of the current thread and destroys its former value. NULL removes the
 * value. -ENOMEM: out of memory. */
GREEN_API GREEN_CHECK int green_local_set(green_local *key, void *GREEN_NULLABLE value);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
