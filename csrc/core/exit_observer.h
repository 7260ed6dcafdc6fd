/* Exit observers: functions that an object has called when a thread has exited, or when a hub
 * was lost. They need no allocation. */
#ifndef GREEN_CORE_EXIT_OBSERVER_H
#define GREEN_CORE_EXIT_OBSERVER_H

#include "thread_record.h"

static inline void green__exit_observer_link(green_exit_observer **list, green_exit_observer *observer) {
    observer->next = *list;
    observer->place = list;
    if (observer->next)
        observer->next->place = &observer->next;
    *list = observer;
}

/* Adds an observer, which must be in no list. Its exited() must be set. Inline, because each lock
 * of a mutex adds one, and each unlock removes it. */
static inline void green__exit_observer_add(green_thread *thread, green_exit_observer *observer) {
    green__exit_observer_link(&thread->exit_observers, observer);
}

/* Adds an observer of a hub's loss: its OS thread ends while the hub is in use. Then
 * exited() is called with the context of the OS thread. */
void green__loss_observer_add(struct green_hub *hub, green_exit_observer *observer);

/* Removes it if it is in a list. */
static inline void green__exit_observer_remove(green_exit_observer *observer) {
    if (!observer->place)
        return;
    *observer->place = observer->next;
    if (observer->next)
        observer->next->place = observer->place;
    observer->place = NULL;
}

/* Removes and calls all observers of a thread, the last added first. */
void green__exit_observers_run(green_thread *thread);

/* Removes and calls all observers of a hub's loss. */
void green__loss_observers_run(struct green_hub *hub);

#endif
