#include "exit_observer.h"

void green__exit_observer_add(green_thread *thread, green_exit_observer *observer) {
    observer->next = thread->exit_observers;
    observer->place = &thread->exit_observers;
    if (observer->next)
        observer->next->place = &observer->next;
    thread->exit_observers = observer;
}

void green__exit_observer_remove(green_exit_observer *observer) {
    if (!observer->place)
        return;
    *observer->place = observer->next;
    if (observer->next)
        observer->next->place = observer->place;
    observer->place = NULL;
}

void green__exit_observers_run(green_thread *thread) {
    for (green_exit_observer *observer; (observer = thread->exit_observers);) {
        green__exit_observer_remove(observer);
        observer->exited(observer, thread);
    }
}
