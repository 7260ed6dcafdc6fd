/* Waiting for signals. */
#include "helpers.h"

#include <signal.h>
#include <sys/wait.h>

static volatile sig_atomic_t handled;

static void handle(int number) {
    handled = number;
}

static green_signals *open_for(int first, int second) {
    int numbers[] = {first, second};
    green_signals *signals = NULL;
    CHECK(green_signals_open(&signals, numbers, second ? 2 : 1), ==, 0);
    return signals;
}

TEST(next, "next returns the number of the signal") {
    green_signals *signals = open_for(SIGUSR1, 0);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    CHECK(green_signals_next(signals, GREEN_FOREVER), ==, SIGUSR1);
    CHECK(green_signals_next(signals, 0), ==, -ETIMEDOUT);
    green_signals_free(signals);
}

TEST(times_out, "next ends with its timeout") {
    green_signals *signals = open_for(SIGUSR1, SIGUSR2);
    int64_t before = green_now();
    CHECK(green_signals_next(signals, 10 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, 10 * GREEN_MILLISECOND);
    green_signals_free(signals);
}

TEST(two, "two pending signals are both returned") {
    green_signals *signals = open_for(SIGUSR1, SIGUSR2);
    CHECK(kill(getpid(), SIGUSR2), ==, 0);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    int first = green_signals_next(signals, GREEN_FOREVER), second = green_signals_next(signals, GREEN_FOREVER);
    CHECK(first + second, ==, SIGUSR1 + SIGUSR2);
    CHECK(first, !=, second);
    CHECK(green_signals_next(signals, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    green_signals_free(signals);
}

static int wait_for_signal(void *argument) {
    return green_signals_next(argument, GREEN_FOREVER);
}

static void raise_on_each_engine(void) {
    green_signals *signals = open_for(SIGUSR1, 0);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(green_signals_next(signals, 0), ==, SIGUSR1);
    green_thread *thread = start(wait_for_signal, signals);
    let_run();
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(finish(thread), ==, SIGUSR1);
    CHECK(green_signals_next(signals, 0), ==, -ETIMEDOUT);
    green_signals_free(signals);
}

TEST(raised, "a signal for the OS thread is returned to the thread that waits there, now or later") {
    on_each_engine(raise_on_each_engine);
}

TEST(wakes, "a signal wakes the waiting thread, and other threads run meanwhile") {
    green_signals *signals = open_for(SIGINT, SIGTERM);
    green_thread *thread = start(wait_for_signal, signals);
    for (int i = 0; i < 5; i++)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(!green_thread_is_finished(thread));
    CHECK(kill(getpid(), SIGTERM), ==, 0);
    CHECK(finish(thread), ==, SIGTERM);
    green_signals_free(signals);
}

TEST(killed, "a kill ends the wait, and no signal is lost") {
    green_signals *signals = open_for(SIGUSR1, 0);
    for (int i = 0; i < SCALED(200); i++) {
        green_thread *thread = start(wait_for_signal, signals);
        for (int yields = i % 5; yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        CHECK(kill(getpid(), SIGUSR1), ==, 0);
        for (int yields = i % 3; yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(thread);
        if (result == -ECANCELED)
            CHECK(green_signals_next(signals, GREEN_FOREVER), ==, SIGUSR1);
        else
            CHECK(result, ==, SIGUSR1);
    }
    CHECK(green_signals_next(signals, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    green_signals_free(signals);
}

TEST(act_again, "after the close signals take their normal action") {
    signal(SIGUSR1, handle);
    green_signals *signals = open_for(SIGUSR1, 0);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    CHECK(handled, ==, 0); /* collected, not handled */
    CHECK(green_signals_next(signals, GREEN_FOREVER), ==, SIGUSR1);
    CHECK(handled, ==, 0);
    green_signals_free(signals);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(handled, ==, SIGUSR1);
    green_signals_free(NULL);
}

TEST(two_collectors, "a signal collected twice takes its action again when both are closed, in any order") {
    signal(SIGUSR1, handle);
    for (int i = 0; i < 2; i++) {
        green_signals *both[] = {open_for(SIGUSR1, SIGUSR2), open_for(SIGUSR1, 0)};
        handled = 0;
        green_signals_free(both[i]);
        CHECK(kill(getpid(), SIGUSR1), ==, 0);
        CHECK(green_signals_next(both[1 - i], GREEN_FOREVER), ==, SIGUSR1);
        CHECK(handled, ==, 0);
        green_signals_free(both[1 - i]);
        CHECK(raise(SIGUSR1), ==, 0);
        CHECK(handled, ==, SIGUSR1);
    }
}

TEST(mask_restored, "a signal that was blocked before the open stays blocked after the close") {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &mask, NULL), ==, 0);
    green_signals_free(open_for(SIGUSR1, SIGUSR2));
    CHECK(sigprocmask(SIG_BLOCK, NULL, &mask), ==, 0);
    CHECK(sigismember(&mask, SIGUSR2), ==, 1);
    CHECK(sigismember(&mask, SIGUSR1), ==, 0);
}

TEST(bad_numbers, "a signal that cannot be caught is -EINVAL") {
    static const int numbers[] = {SIGKILL, SIGSTOP, 0, -1, 65, 1000000};
    green_signals *signals = NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int pair[] = {SIGUSR1, numbers[i]};
        sigset_t mask;
        CHECK(green_signals_open(&signals, pair, 2), ==, -EINVAL);
        CHECK(*green_explain(-EINVAL) != 0);
        CHECK(sigprocmask(SIG_BLOCK, NULL, &mask), ==, 0);
        CHECK(sigismember(&mask, SIGUSR1), ==, 0); /* nothing was changed */
    }
    CHECK(signals == NULL);
}
