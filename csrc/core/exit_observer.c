#include "exit_observer.h"

#include "hub_record.h"

static void run(green_exit_observer **list, green_thread *thread) {
    for (green_exit_observer *observer; (observer = *list);) {
        green__exit_observer_remove(observer);
        observer->exited(observer, thread);
    }
}

void green__loss_observer_add(green_hub *hub, green_exit_observer *observer) {
    green__exit_observer_link(&hub->loss_observers, observer);
}

void green__exit_observers_run(green_thread *thread) {
    run(&thread->exit_observers, thread);
}

void green__loss_observers_run(green_hub *hub) {
    run(&hub->loss_observers, &hub->root);
}
