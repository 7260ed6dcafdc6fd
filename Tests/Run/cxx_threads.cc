// Waits of the C++ standard library, on green threads: futures, atomics, latches, semaphores and
// std::call_once. Nothing of it ends if one of them blocks the OS thread.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <latch>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

static void check(bool holds, const char *what) {
    if (holds)
        return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

static void wait_for_futures() {
    std::promise<int> promise;
    auto future = promise.get_future();
    std::thread thread([&] {
        std::this_thread::sleep_for(2ms);
        promise.set_value(7);
    });
    check(future.wait_for(0ms) == std::future_status::timeout, "a future without a value is not ready");
    check(future.get() == 7, "a future has the value of its promise");
    thread.join();
    std::vector<std::future<int>> results;
    for (int i = 0; i < 100; i++)
        results.push_back(std::async(std::launch::async, [i] {
            std::this_thread::sleep_for(1ms);
            return i;
        }));
    int sum = 0;
    for (auto &result : results)
        sum += result.get();
    check(sum == 4950, "std::async returns all results");
}

static void wait_for_atomics() {
    std::atomic<int> value{0};
    std::thread thread([&] {
        std::this_thread::sleep_for(2ms);
        value = 1;
        value.notify_all();
    });
    value.wait(0);
    thread.join();
    std::latch latch(4);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] { latch.arrive_and_wait(); });
    for (auto &each : threads)
        each.join();
    std::counting_semaphore<4> semaphore(0);
    std::thread releaser([&] { semaphore.release(); });
    semaphore.acquire();
    releaser.join();
    check(!semaphore.try_acquire_for(1ms), "a semaphore without permits times out");
}

static void wait_for_conditions() {
    std::mutex mutex;
    std::condition_variable condition;
    bool is_ready = false;
    std::thread thread([&] {
        std::lock_guard guard(mutex);
        is_ready = true;
        condition.notify_one();
    });
    std::unique_lock lock(mutex);
    condition.wait(lock, [&] { return is_ready; });
    lock.unlock();
    thread.join();
}

// The first routines throw, so that waiters become runners, whose callables differ.
static void call_once_in_threads() {
    std::once_flag flags[2];
    std::atomic<int> attempts{0}, ran[2] = {0, 0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++)
        threads.emplace_back([&, i] {
            try {
                std::call_once(flags[i % 2], [&, i] {
                    std::this_thread::sleep_for(1ms);
                    if (attempts++ < 4)
                        throw std::runtime_error("again");
                    ran[i % 2]++;
                });
            } catch (const std::runtime_error &) {
            }
        });
    for (auto &thread : threads)
        thread.join();
    check(ran[0] == 1 && ran[1] == 1, "each flag's routine succeeds once");
}

int main() {
    wait_for_futures();
    wait_for_atomics();
    wait_for_conditions();
    call_once_in_threads();
}
