/* The table of Green's own descriptors. */
#include "../../../csrc/base/own_fd.h"
#include "helpers.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>

TEST(numbers, "each number up to 2^20 can be protected, and the next protected one is found") {
    static const int numbers[] = {5, 63, 64, 1023, 1024, 4096, (1 << 20) - 1};
    enum { COUNT = sizeof numbers / sizeof *numbers };
    CHECK(green__own_fd_from(0), ==, UINT_MAX);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(!green__fd_is_own(numbers[i]));
        CHECK(green__own_fd_protect(numbers[i]), ==, numbers[i]);
        CHECK(green__fd_is_own(numbers[i]));
    }
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(green__own_fd_from((unsigned)numbers[i]), ==, (unsigned)numbers[i]);
        CHECK(green__own_fd_from((unsigned)numbers[i] + 1), ==, i + 1 < COUNT ? (unsigned)numbers[i + 1] : UINT_MAX);
    }
    for (size_t i = 0; i < COUNT; i++) {
        green__own_fd_forget(numbers[i]);
        CHECK(!green__fd_is_own(numbers[i]));
    }
    CHECK(green__own_fd_from(0), ==, UINT_MAX);
}

TEST(beyond, "other numbers are never protected") {
    static const int numbers[] = {-1, INT_MIN, 1 << 20, INT_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        CHECK(green__own_fd_protect(numbers[i]), ==, numbers[i]);
        CHECK(!green__fd_is_own(numbers[i]));
        green__own_fd_forget(numbers[i]);
    }
}

TEST(moved, "a descriptor is moved to a high number, whatever the limit of descriptors is") {
    static const rlim_t limits[] = {4096, 1024, 961, 960, 100, 16};
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        limit.rlim_cur = limits[i] < limit.rlim_max ? limits[i] : limit.rlim_max;
        CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
        int low = open("/dev/null", O_RDONLY | O_CLOEXEC), fd = green__own_fd(low);
        CHECK(fd, >=, (int)(limit.rlim_cur > 960 ? 960 : limit.rlim_cur / 2));
        CHECK(green__fd_is_own(fd));
        CHECK(fcntl(low, F_GETFD), ==, -1);
        CHECK(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
        green__own_fd_close(fd);
        CHECK(!green__fd_is_own(fd));
        CHECK(fcntl(fd, F_GETFD), ==, -1);
    }
}

TEST(errors, "the error of the call that makes the descriptor is returned") {
    errno = EMFILE;
    CHECK(green__own_fd(-1), ==, -EMFILE);
}

TEST(forked, "a forked child owns none of the descriptors of the parent's hubs, and those of its own hub") {
    CHECK(green_yield(), ==, 0);
    CHECK(green__own_fd_from(0), !=, UINT_MAX);
    int status = -1;
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        CHECK(green__own_fd_from(0), ==, UINT_MAX);
        CHECK(green_yield(), ==, 0);
        CHECK(green__own_fd_from(0), !=, UINT_MAX);
        CHECK(green_hub_close(), ==, 0);
        CHECK(green__own_fd_from(0), ==, UINT_MAX);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
    CHECK(green_hub_close(), ==, 0);
    CHECK(green__own_fd_from(0), ==, UINT_MAX);
}
