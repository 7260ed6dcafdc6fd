/* The report and the dump on a signal. Standard error is the file that the argument names: the
 * program reads there what Green writes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const char *path;
static char written[1 << 20];
static sem_t named, ended;

static void check(int holds, const char *what) {
    if (holds)
        return;
    printf("failed: %s; standard error is: %s\n", what, written);
    exit(1);
}

static int is_written(const char *text) {
    FILE *file = fopen(path, "r");
    check(file != NULL, "standard error can be read");
    size_t size = fread(written, 1, sizeof written - 1, file);
    written[size] = 0;
    fclose(file);
    return strstr(written, text) != NULL;
}

static void await(const char *text) {
    while (!is_written(text))
        usleep(1000);
}

static void wait_for_end(const char *expected) {
    char name[16] = "", same[16] = "";
    prctl(PR_GET_NAME, name);
    pthread_getname_np(pthread_self(), same, sizeof same);
    check(strcmp(name, expected) == 0 && strcmp(same, expected) == 0, "a thread has the name that it was given");
    sem_post(&named);
    sem_wait(&ended);
}

static void *name_by_pthread(void *unused) {
    pthread_setname_np(pthread_self(), "by-pthread");
    wait_for_end("by-pthread");
    return unused;
}

static void *name_by_prctl(void *unused) {
    prctl(PR_SET_NAME, "by-prctl-and-too-long");
    wait_for_end("by-prctl-and-to");
    return unused;
}

/* The monitor may see it late on a loaded machine. */
__attribute__((noinline)) static void hold_the_thread(void) {
    struct timespec now, begin;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < 50000000);
}

int main(int count, char **arguments) {
    char name[16] = "", after[16] = "";
    pthread_t threads[2];
    check(count == 2, "usage: report PATH");
    path = arguments[1];
    sem_init(&named, 0, 0);
    sem_init(&ended, 0, 0);
    prctl(PR_GET_NAME, name);
    pthread_create(&threads[0], NULL, name_by_pthread, NULL);
    pthread_create(&threads[1], NULL, name_by_prctl, NULL);
    for (int i = 0; i < 2; i++)
        sem_wait(&named);
    prctl(PR_GET_NAME, after);
    check(strcmp(name, after) == 0, "the main thread keeps its name");
    kill(getpid(), SIGQUIT);
    await("'by-pthread': parked");
    await("'by-prctl-and-to': parked");
    while (!is_written("hold_the_thread")) {
        hold_the_thread();
        kill(getpid(), SIGUSR2);
        usleep(10000);
    }
    check(is_written("on SIGUSR2, engine "), "the report says why it is written");
    check(is_written("green threads, besides main: "), "the report counts threads");
    check(is_written(" at most, "), "the report counts the most threads");
    check(is_written("pthread_create"), "the report has the patched calls");
    for (int i = 0; i < 2; i++)
        sem_post(&ended);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}
