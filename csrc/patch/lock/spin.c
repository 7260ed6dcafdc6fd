/* pthread_spin_lock(). A green thread yields while another one of its OS thread may hold the lock. */
#include "../../core/schedule.h"
#include "../may_park.h"

int green__green_pthread_spin_lock(pthread_spinlock_t *lock) {
    int error;
    while ((error = pthread_spin_trylock(lock)) == EBUSY) {
        green_hub *hub = green__may_park_here();
        if (!hub)
            return green__real.pthread_spin_lock(lock);
        green__yield(hub);
    }
    return error;
}
