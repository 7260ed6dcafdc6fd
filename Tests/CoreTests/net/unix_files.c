/* Replacing and removing the socket files of unix listeners. */
#include "helpers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

static green_listener *listen_on(const char *text) {
    green_listener *listener = NULL;
    CHECK(green_listen(&listener, text, NULL), ==, 0);
    return listener;
}

/* "unix:DIRECTORY/NAME" in a new directory, which becomes the working directory. */
static const char *enter_directory(const char *name) {
    static char text[GREEN_ADDRESS_TEXT_MAX];
    const char *directory = make_directory();
    CHECK(chdir(directory), ==, 0);
    snprintf(text, sizeof text, "unix:%s/%s", directory, name);
    return text;
}

static void leave_directory(void) {
    CHECK(chdir("/"), ==, 0);
    remove_directory();
}

static bool exists(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

/* A socket of another program, bound to a name in the working directory. */
static int bound(int type, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, name);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

static void expect_in_use(const char *text) {
    green_listener *listener = NULL;
    CHECK(green_listen(&listener, text, NULL), ==, -EADDRINUSE);
    CHECK_CONTAINS(green_explain(-EADDRINUSE), text);
    CHECK(listener == NULL);
}

TEST(another_server, "closing a listener keeps the file of a server that has replaced it") {
    const char *text = enter_directory("socket");
    green_listener *old = listen_on(text);
    CHECK(unlink("socket"), ==, 0);
    green_listener *new = listen_on(text);
    green_listener_release(old);
    CHECK(exists("socket"));
    green_socket_release(connect_to(new));
    green_listener_release(new);
    CHECK(!exists("socket"));
    leave_directory();
}

TEST(another_kind, "closing a listener keeps a file that is no longer a socket") {
    const char *text = enter_directory("socket");
    green_listener *listener = listen_on(text);
    CHECK(unlink("socket"), ==, 0);
    close(open("socket", O_CREAT | O_WRONLY, 0600));
    green_listener_release(listener);
    CHECK(exists("socket"));
    leave_directory();
}

TEST(moved_directory, "closing a listener on a relative path removes only its own file, even after a chdir") {
    enter_directory("socket");
    CHECK(mkdir("sub", 0700), ==, 0);
    green_listener *listener = listen_on("unix:socket");
    CHECK(chdir("sub"), ==, 0);
    close(bound(SOCK_STREAM, "socket"));
    green_listener_release(listener);
    CHECK(exists("socket"));
    CHECK(!exists("../socket"));
    CHECK(unlink("socket"), ==, 0);
    CHECK(chdir(".."), ==, 0);
    CHECK(rmdir("sub"), ==, 0);
    leave_directory();
}

TEST(changed_mode, "closing a listener removes its file even if its mode has changed") {
    const char *text = enter_directory("socket");
    green_listener *listener = listen_on(text);
    CHECK(chmod("socket", 0666), ==, 0);
    green_listener_release(listener);
    CHECK(!exists("socket"));
    leave_directory();
}

TEST(full_backlog, "the file of a live server with a full backlog is kept: -EADDRINUSE") {
    const char *text = enter_directory("socket");
    int server = bound(SOCK_STREAM, "socket"), clients[8], count = 0, error = 0;
    CHECK(listen(server, 0), ==, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    while (error == 0 && count < 8) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        error = connect(clients[count++], (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
    }
    CHECK(error, ==, EAGAIN);
    expect_in_use(text);
    CHECK(exists("socket"));
    while (count > 0)
        close(clients[--count]);
    close(server);
    CHECK(unlink("socket"), ==, 0);
    leave_directory();
}

TEST(other_type, "the file of a live datagram socket is kept: -EADDRINUSE") {
    static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    const char *text = enter_directory("socket");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        int other = bound(types[i], "socket");
        if (types[i] == SOCK_SEQPACKET)
            CHECK(listen(other, 1), ==, 0);
        expect_in_use(text);
        CHECK(exists("socket"));
        close(other);
        CHECK(unlink("socket"), ==, 0);
    }
    leave_directory();
}

TEST(link, "a symbolic link to the file of a dead server is kept: -EADDRINUSE") {
    const char *text = enter_directory("link");
    close(bound(SOCK_STREAM, "socket"));
    CHECK(symlink("socket", "link"), ==, 0);
    expect_in_use(text);
    CHECK(exists("link"));
    CHECK(unlink("link"), ==, 0);
    CHECK(unlink("socket"), ==, 0);
    leave_directory();
}

TEST(dead_relative, "the file of a dead server is replaced on a relative path, too") {
    enter_directory("socket");
    close(bound(SOCK_STREAM, "socket"));
    green_listener *listener = listen_on("unix:socket");
    green_socket_release(connect_to(listener));
    green_listener_release(listener);
    CHECK(!exists("socket"));
    leave_directory();
}
