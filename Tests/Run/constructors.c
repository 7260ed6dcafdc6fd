/* A program whose constructor starts threads and loads a library. The constructor of the library also
 * starts threads, and waits for them. With LIBRARY defined, this file is the library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef LIBRARY
#define WHERE "the library's constructor"
#else
#define WHERE "the program's constructor"
#endif

enum { THREADS = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int ended;
static pthread_t lasting;
static sem_t must_end;

static void check(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "failed in " WHERE ": %s\n", what);
    exit(1);
}

static void *count(void *unused) {
    usleep(1000);
    pthread_mutex_lock(&lock);
    ended++;
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *last(void *unused) {
    sem_wait(&must_end);
    return unused;
}

static void use_threads(void) {
    pthread_t threads[THREADS];
    sem_init(&must_end, 0, 0);
    check(pthread_create(&lasting, NULL, last, NULL) == 0, "pthread_create()");
    for (int i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, count, NULL) == 0, "pthread_create()");
    for (int i = 0; i < THREADS; i++)
        check(pthread_join(threads[i], NULL) == 0, "pthread_join()");
    check(ended == THREADS, "all threads have run");
}

#ifdef LIBRARY

__attribute__((constructor)) static void begin(void) {
    use_threads();
}

int end_library(void);
int end_library(void) {
    sem_post(&must_end);
    check(pthread_join(lasting, NULL) == 0, "pthread_join()");
    return ended;
}

#else

static void *library;

__attribute__((constructor)) static void begin(void) {
    use_threads();
    library = dlopen(getenv("TEST_LIBRARY"), RTLD_NOW);
    check(library != NULL, "dlopen()");
}

__attribute__((destructor)) static void end(void) {
    sem_post(&must_end);
    check(pthread_join(lasting, NULL) == 0, "pthread_join() in a destructor");
}

int main(void) {
    int (*end_library)(void);
    *(void **)&end_library = dlsym(library, "end_library");
    check(end_library != NULL && end_library() == THREADS, "the threads of the library have run");
    check(dlclose(library) == 0, "dlclose()");
}

#endif
