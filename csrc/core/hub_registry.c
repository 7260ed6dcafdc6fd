#include "hub_registry.h"

#include "../base/libc.h"
#include "../base/pthread.h"

#include <unistd.h>

green_hub_registration *green__hubs;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

green_hub_registration *green__hubs_lock(void) {
    green__pthread.mutex_lock(&lock);
    return green__hubs;
}

void green__hubs_unlock(void) {
    green__pthread.mutex_unlock(&lock);
}

void green__hub_register(struct green_hub *hub, green_hub_registration *registration) {
    registration->hub = hub;
    registration->thread = pthread_self();
    registration->tid = (int32_t)green__libc.gettid();
    registration->place = &green__hubs;
    registration->next = green__hubs_lock();
    if (registration->next)
        registration->next->place = &registration->next;
    green__hubs = registration;
    green__hubs_unlock();
}

void green__hub_unregister(green_hub_registration *registration) {
    green__hubs_lock();
    if (registration->place) {
        *registration->place = registration->next;
        if (registration->next)
            registration->next->place = registration->place;
        registration->place = NULL;
    }
    green__hubs_unlock();
}

green_hub_registration *green__hubs_reset(void) {
    green_hub_registration *first = green__hubs;
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    green__hubs = NULL;
    return first;
}
