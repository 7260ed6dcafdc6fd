#include "program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/prctl.h>

_Noreturn static void become(int output, const char *const arguments[4]) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execl(EXAMPLE, EXAMPLE, arguments[0], arguments[1], arguments[2], arguments[3], NULL);
    _exit(127);
}

struct program run_example(const char *const arguments[4]) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    struct program program = {.output = fdopen(ends[0], "r")};
    CHECK(program.output != NULL);
    program.pid = fork();
    CHECK(program.pid, >=, 0);
    if (program.pid == 0)
        become(ends[1], arguments);
    close(ends[1]);
    return program;
}

const char *next_line(struct program *program) {
    static char line[512];
    CHECK(fgets(line, sizeof line, program->output) != NULL);
    line[strcspn(line, "\n")] = 0;
    return line;
}

int next_port(struct program *program) {
    int port = 0;
    const char *line = next_line(program);
    CHECK_CONTAINS(line, "listening on 127.0.0.1:");
    CHECK(sscanf(line, "listening on 127.0.0.1:%d", &port), ==, 1);
    return port;
}

int end_of(struct program *program) {
    int status = -1;
    char line[512] = "";
    if (fgets(line, sizeof line, program->output))
        CHECK_TEXT(line, "");
    fclose(program->output);
    CHECK(waitpid(program->pid, &status, 0), ==, program->pid);
    return status;
}

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
}

int connect_to_port(int port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket_of_type(SOCK_STREAM);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

int listen_on_loopback(int *port) {
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int fd = socket_of_type(SOCK_STREAM);
    CHECK(bind(fd, (struct sockaddr *)&address, size), ==, 0);
    CHECK(listen(fd, 16), ==, 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    *port = ntohs(address.sin_port);
    return fd;
}

int accept_on(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    CHECK(fd, >=, 0);
    return fd;
}

void send_on(int fd, const char *text) {
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, strlen(text));
}

void expect_on(int fd, const char *text) {
    char bytes[1024] = "";
    size_t size = strlen(text);
    CHECK(size, <, sizeof bytes);
    CHECK(recv(fd, bytes, size, MSG_WAITALL), ==, size);
    CHECK_TEXT(bytes, text);
}

void reset_on(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
    close(fd);
}
