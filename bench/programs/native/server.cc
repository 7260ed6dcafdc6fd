// A server with a thread for each connection, written for plain threads of C++. It answers each
// line with the line and a number. Every tenth answer is computed by std::async, and a thread of
// its own writes down the numbers, woken by a condition variable: server PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>

static std::mutex mutex;
static std::condition_variable written;
static std::deque<unsigned long> numbers;
static unsigned long last, sum;

static unsigned long next_number() {
    std::lock_guard guard(mutex);
    numbers.push_back(++last);
    written.notify_one();
    return last;
}

static void write_down() {
    std::unique_lock lock(mutex);
    for (;;) {
        written.wait(lock, [] { return !numbers.empty(); });
        sum += numbers.front();
        numbers.pop_front();
    }
}

static bool send_all(int connection, const std::string &text) {
    for (size_t sent = 0; sent < text.size();) {
        ssize_t count = send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        sent += static_cast<size_t>(count);
    }
    return true;
}

static void serve(int connection) {
    std::string line;
    char bytes[1024];
    for (ssize_t count; (count = recv(connection, bytes, sizeof bytes, 0)) > 0;) {
        line.append(bytes, static_cast<size_t>(count));
        for (size_t end; (end = line.find('\n')) != std::string::npos; line.erase(0, end + 1)) {
            unsigned long number = next_number();
            std::string answer = std::to_string(number) + " " + line.substr(0, end + 1);
            if (number % 10 == 0)
                answer = std::async(std::launch::async, [&] { return answer; }).get();
            if (!send_all(connection, answer))
                count = 0;
        }
    }
    close(connection);
}

int main(int count, char **arguments) {
    if (count != 2)
        return std::fprintf(stderr, "usage: server PORT\n"), 2;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(arguments[1])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) < 0 || listen(listener, 4096) < 0)
        return std::perror("server"), 1;
    std::thread(write_down).detach();
    for (int connection; (connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::thread(serve, connection).detach();
    }
    return std::perror("server"), 1;
}
