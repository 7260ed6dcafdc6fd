/* Prints whether the threads of this program, which does not know Green, are green. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 100 };

static void *nap(void *unused) {
    usleep(1000);
    return unused;
}

static int count_os_threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    return count;
}

int main(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, nap, NULL) != 0)
            return 1;
    int count = count_os_threads();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d threads are %s\n", THREADS, count == 1 ? "green" : "OS threads");
    return count == 1 ? 0 : 2;
}
