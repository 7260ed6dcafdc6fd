/* main() ends by pthread_exit(): the other threads continue, and the process succeeds with the
 * last one, after the handlers of atexit(). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_t main_thread;

static void at_exit(void) {
    puts("atexit");
}

static void clean_up(void *unused) {
    (void)unused;
    puts("main");
}

static void *work(void *unused) {
    for (int i = 0; i < 3; i++)
        usleep(1000);
    puts("thread");
    return unused;
}

static void *cancel_main(void *unused) {
    return pthread_cancel(main_thread) == 0 ? unused : (puts("refused"), unused);
}

/* With an argument, another thread cancels main(). */
int main(int count, char **arguments) {
    pthread_t thread;
    (void)arguments;
    main_thread = pthread_self();
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(at_exit);
    if (pthread_create(&thread, NULL, work, NULL) != 0 || pthread_detach(thread) != 0)
        return 1;
    if (count > 1 && (pthread_create(&thread, NULL, cancel_main, NULL) != 0 || pthread_detach(thread) != 0))
        return 1;
    pthread_cleanup_push(clean_up, NULL);
    while (count > 1)
        pause();
    pthread_exit(NULL);
    pthread_cleanup_pop(0);
}
