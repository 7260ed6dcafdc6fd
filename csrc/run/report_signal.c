#include "report_signal.h"

#include "../base/os_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>

static struct {
    int number;
    void (*write)(void);
    sem_t requests;
} report;

static void on_signal(int number) {
    int error = errno;
    (void)number;
    sem_post(&report.requests);
    errno = error;
}

static void *write_reports(void *unused) {
    green__os_thread_set_name("green-report");
    green__os_thread_rest_begin();
    for (;;) {
        if (sem_wait(&report.requests) == 0)
            report.write();
    }
    return unused;
}

/* The OS thread does not exist in the child. */
static void in_child(void) {
    struct sigaction now;
    if (sigaction(report.number, NULL, &now) == 0 && now.sa_handler == on_signal)
        signal(report.number, SIG_DFL);
}

int green_run_report_on_signal(int number, void (*write)(void)) {
    struct sigaction former, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    if (sigaction(number, NULL, &former) < 0)
        return -errno;
    if (former.sa_handler != SIG_DFL)
        return -EBUSY;
    report.number = number;
    report.write = write;
    sem_init(&report.requests, 0, 0);
    int error = pthread_atfork(NULL, NULL, in_child);
    error = error ? -error : green__os_thread_start(NULL, 0, write_reports, NULL);
    if (error < 0)
        return error;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}
