#include "exit_observer.h"

#include "hub_record.h"

static void add(green_exit_observer **list, green_exit_observer *observer) {
    observer->next = *list;
    observer->place = list;
    if (observer->next)
        observer->next->place = &observer->next;
    *list = observer;
}

static void run(green_exit_observer **list, green_thread *thread) {
    for (green_exit_observer *observer; (observer = *list);) {
        green__exit_observer_remove(observer);
        observer->exited(observer, thread);
    }
}

void green__exit_observer_add(green_thread *thread, green_exit_observer *observer) {
    add(&thread->exit_observers, observer);
}

void green__loss_observer_add(green_hub *hub, green_exit_observer *observer) {
    add(&hub->loss_observers, observer);
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
    run(&thread->exit_observers, thread);
}

void green__loss_observers_run(green_hub *hub) {
    run(&hub->loss_observers, &hub->root);
}
