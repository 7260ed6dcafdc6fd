/* sendfile() in a patched program. */
#include "patches.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 1 << 20 }; /* more than a socket takes at once */

static green_patch *patch;
static int file, pair[2];

static void begin(void) {
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_ALL | GREEN_PATCH_THREAD), ==, 0);
    CHECK(green_yield(), ==, 0); /* makes the hub */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    file = memfd_create("file", MFD_CLOEXEC);
    CHECK(ftruncate(file, SIZE), ==, 0);
}

static void end(void) {
    close(file);
    close(pair[0]);
    CHECK(green_unpatch(patch), ==, 0);
}

static void *read_all(void *received) {
    static char bytes[4096];
    for (ssize_t count; (count = read(pair[1], bytes, sizeof bytes)) > 0;)
        *(size_t *)received += (size_t)count;
    return NULL;
}

TEST(sendfile, "sendfile() waits until all data has been accepted, and advances its offset") {
    begin();
    pthread_t reader;
    size_t received = 0;
    off_t offset = 100;
    CHECK(pthread_create(&reader, NULL, read_all, &received), ==, 0);
    CHECK(sendfile(pair[0], file, &offset, SIZE), ==, SIZE - 100);
    CHECK(offset, ==, SIZE);
    CHECK(sendfile(pair[0], file, &offset, SIZE), ==, 0);
    CHECK(fcntl(pair[0], F_GETFL) & O_NONBLOCK, ==, 0);
    CHECK(shutdown(pair[0], SHUT_WR), ==, 0);
    CHECK(pthread_join(reader, NULL), ==, 0);
    CHECK(received, ==, SIZE - 100);
    close(pair[1]);
    end();
}

TEST(errors, "sendfile() fails as in the kernel, and with EAGAIN if the socket is non-blocking and full") {
    begin();
    off_t offset = 0;
    CHECK(fcntl(pair[0], F_SETFL, O_NONBLOCK), ==, 0);
    CHECK(sendfile(pair[0], file, &offset, SIZE), ==, offset); /* a part */
    CHECK(offset > 0 && offset < SIZE);
    while (sendfile(pair[0], file, &(off_t){0}, SIZE) > 0)
        continue;
    CHECK(errno, ==, EAGAIN);
    CHECK(fcntl(pair[0], F_SETFL, 0), ==, 0);
    struct timeval limit = {.tv_usec = 2000};
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), ==, 0);
    CHECK(sendfile(pair[0], file, NULL, SIZE), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(sendfile(-1, file, NULL, SIZE), ==, -1);
    CHECK(errno, ==, EBADF);
    CHECK(sendfile(pair[0], -1, NULL, SIZE), ==, -1);
    CHECK(errno, ==, EBADF);
    close(pair[1]);
    signal(SIGPIPE, SIG_IGN);
    CHECK(sendfile(pair[0], file, NULL, SIZE), ==, -1);
    CHECK(errno, ==, EPIPE);
    end();
}

TEST(large, "sendfile() transfers at most what the kernel transfers in one call") {
    begin();
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(zero >= 0 && null >= 0);
    bool supported = sendfile(null, zero, NULL, 1) == 1;
    ssize_t sent = supported ? sendfile(null, zero, NULL, (size_t)3 << 30) : 0;
    close(zero);
    close(null);
    close(pair[1]);
    end();
    if (!supported)
        skip("this kernel has no sendfile() from /dev/zero");
    CHECK(sent, ==, 0x7ffff000);
}
