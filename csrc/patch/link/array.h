/* Arrays that grow. */
#ifndef GREEN_PATCH_LINK_ARRAY_H
#define GREEN_PATCH_LINK_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/* Makes room for one more element. Returns the array, which may have moved, or NULL if there is
 * no memory; then the array is unchanged. */
static inline void *green__array_reserve(void *array, size_t count, size_t *capacity, size_t element_size) {
    enum { CAPACITY_MIN = 64 };
    if (count < *capacity)
        return array;
    size_t larger = *capacity ? *capacity * 2 : CAPACITY_MIN;
    void *moved = realloc(array, larger * element_size);
    if (moved)
        *capacity = larger;
    return moved;
}

#endif
