// pthread_exit() and pthread_cancel() run the destructors of C++. It succeeds on OS threads, too.
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

static std::string order;
static sem_t begun, never;

static void check(bool holds, const char *what) {
    if (holds)
        return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

struct Noted {
    const char *letter;
    ~Noted() {
        usleep(1); // a destructor may wait
        order += letter;
    }
};

static void note(void *letter) {
    order += static_cast<const char *>(letter);
}

static void wait_in_frame() {
    Noted noted{"f"};
    sem_post(&begun);
    sem_wait(&never);
    check(false, "a cancelled call has not returned");
}

static void wait_in_frames() {
    Noted noted{"e"};
    wait_in_frame();
}

static void *wait_with_destructors(void *) {
    Noted noted{"a"};
    pthread_cleanup_push(note, const_cast<char *>("h"));
    try {
        wait_in_frames();
    } catch (const std::exception &) {
        check(false, "a cancellation is no std::exception");
    } catch (...) {
        order += "c";
        throw;
    }
    pthread_cleanup_pop(0);
    return nullptr;
}

static void *exit_in_handler(void *result) {
    Noted noted{"x"};
    try {
        throw std::runtime_error("error");
    } catch (const std::runtime_error &) {
        pthread_exit(result);
    }
}

// After it, the OS thread handles no exception.
static void throw_and_catch() {
    try {
        throw std::runtime_error("later");
    } catch (const std::runtime_error &error) {
        check(std::string(error.what()) == "later", "a later exception is caught");
    }
    check(std::uncaught_exceptions() == 0, "no exception is left");
    check(std::current_exception() == nullptr, "no exception is handled");
}

int main() {
    pthread_t thread;
    void *result;
    sem_init(&begun, 0, 0);
    sem_init(&never, 0, 0);
    for (int i = 0; i < 3; i++) {
        order.clear();
        check(pthread_create(&thread, nullptr, wait_with_destructors, nullptr) == 0, "a thread begins");
        sem_wait(&begun);
        check(pthread_cancel(thread) == 0, "it is cancelled");
        check(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED, "its result is PTHREAD_CANCELED");
        check(order == "fecha", "all destructors and handlers have run in order");
        throw_and_catch();
    }
    order.clear();
    check(pthread_create(&thread, nullptr, exit_in_handler, &order) == 0, "a thread begins");
    check(pthread_join(thread, &result) == 0 && result == &order, "its result is that of pthread_exit()");
    check(order == "x", "its destructor has run");
    throw_and_catch();
}
