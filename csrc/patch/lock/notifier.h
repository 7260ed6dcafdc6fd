/* The notifier of an OS thread: other OS threads use it to wake green threads that sleep in
 * the parking lot. */
#ifndef GREEN_PATCH_LOCK_NOTIFIER_H
#define GREEN_PATCH_LOCK_NOTIFIER_H

#include "../may_park.h"

typedef struct green_notifier green_notifier;

/* A green thread to wake, in memory of the sleeper. */
typedef struct green_notifier_entry {
    green_thread *thread;
    struct green_notifier_entry *next;
} green_notifier_entry;

/* Subscribes to the notifier of the current OS thread, which is made if there is none. Returns
 * NULL if there is no memory or no descriptor for one. */
green_notifier *green__notifier_subscribe(green_hub *hub);
void green__notifier_unsubscribe(green_notifier *notifier);

/* Makes a parked green thread ready, on its own OS thread. The entry must stay valid until
 * then. */
void green__notifier_wake(green_notifier *notifier, green_notifier_entry *entry);

/* Does the same through the eventfd even on the same OS thread. May be called in a signal
 * handler. */
void green__notifier_wake_by_eventfd(green_notifier *notifier, green_notifier_entry *entry);

/* Frees the notifiers in a forked child. */
void green__notifiers_forked(void);

#endif
