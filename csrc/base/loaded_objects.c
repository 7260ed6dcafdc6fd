#include "loaded_objects.h"

#include "lock.h"

static green_lock lock = GREEN_LOCK_INITIALIZER(NULL);
static bool is_registered; /* atomic */

int green__loaded_objects_register_lock(void) {
    if (__atomic_load_n(&is_registered, __ATOMIC_ACQUIRE))
        return 0;
    int error = green__lock_register(&lock);
    if (error == 0)
        __atomic_store_n(&is_registered, true, __ATOMIC_RELEASE);
    return error;
}

int green__loaded_objects_each(int (*visit)(struct dl_phdr_info *info, size_t size, void *argument), void *argument) {
    /* Without memory for the fork handlers, the lock is of no use. */
    bool locks = !green__is_forking() && green__loaded_objects_register_lock() == 0;
    if (locks)
        green__lock(&lock);
    int result = dl_iterate_phdr(visit, argument);
    if (locks)
        green__unlock(&lock);
    return result;
}
