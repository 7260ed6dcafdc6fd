#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#undef recv
#undef read

ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags);
ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *bytes, size_t size, off_t offset, size_t room);
int __open_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __poll_chk(struct pollfd *polled, nfds_t count, int timeout, size_t room);

static ssize_t do_read(int fd, void *bytes, size_t size) {
    return read(fd, bytes, size);
}

static ssize_t do_readv(int fd, const struct iovec *pieces, int count) {
    return readv(fd, pieces, count);
}

static ssize_t do_recv(int fd, void *bytes, size_t size, int flags) {
    return recv(fd, bytes, size, flags);
}

static ssize_t do_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *length) {
    return recvfrom(fd, bytes, size, flags, from, length);
}

static ssize_t do_recvmsg(int fd, struct msghdr *message, int flags) {
    return recvmsg(fd, message, flags);
}

static ssize_t do_write(int fd, const void *bytes, size_t size) {
    return write(fd, bytes, size);
}

static ssize_t do_writev(int fd, const struct iovec *pieces, int count) {
    return writev(fd, pieces, count);
}

static ssize_t do_send(int fd, const void *bytes, size_t size, int flags) {
    return send(fd, bytes, size, flags);
}

static ssize_t do_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
                         socklen_t length) {
    return sendto(fd, bytes, size, flags, to, length);
}

static ssize_t do_sendmsg(int fd, const struct msghdr *message, int flags) {
    return sendmsg(fd, message, flags);
}

static int do_connect(int fd, const struct sockaddr *to, socklen_t length) {
    return connect(fd, to, length);
}

static int do_accept(int fd, struct sockaddr *from, socklen_t *length) {
    return accept(fd, from, length);
}

static int do_accept4(int fd, struct sockaddr *from, socklen_t *length, int flags) {
    return accept4(fd, from, length, flags);
}

static int do_close(int fd) {
    return close(fd);
}

static int do_dup2(int from, int to) {
    return dup2(from, to);
}

static ssize_t do_pread(int fd, void *bytes, size_t size, off_t offset) {
    return pread(fd, bytes, size, offset);
}

static ssize_t do_pread64(int fd, void *bytes, size_t size, off_t offset) {
    return pread64(fd, bytes, size, offset);
}

static ssize_t do_preadv(int fd, const struct iovec *pieces, int count, off_t offset) {
    return preadv(fd, pieces, count, offset);
}

static ssize_t do_preadv2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    return preadv2(fd, pieces, count, offset, flags);
}

static ssize_t do_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    return pwrite(fd, bytes, size, offset);
}

static ssize_t do_pwrite64(int fd, const void *bytes, size_t size, off_t offset) {
    return pwrite64(fd, bytes, size, offset);
}

static ssize_t do_pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
    return pwritev(fd, pieces, count, offset);
}

static ssize_t do_pwritev2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    return pwritev2(fd, pieces, count, offset, flags);
}

static int do_fsync(int fd) {
    return fsync(fd);
}

static int do_fdatasync(int fd) {
    return fdatasync(fd);
}

static int do_open(const char *path, int flags, mode_t mode) {
    return open(path, flags, mode);
}

static int do_open64(const char *path, int flags, mode_t mode) {
    return open64(path, flags, mode);
}

static int do_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}

static int do_creat(const char *path, mode_t mode) {
    return creat(path, mode);
}

static int do_poll(struct pollfd *polled, nfds_t count, int timeout) {
    return poll(polled, count, timeout);
}

static int do_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    return ppoll(polled, count, timeout, mask);
}

static int do_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout) {
    return select(count, readable, writable, exceptional, timeout);
}

static int do_pselect(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
                      const struct timespec *timeout, const sigset_t *mask) {
    return pselect(count, readable, writable, exceptional, timeout, mask);
}

static int do_epoll_wait(int fd, struct epoll_event *events, int count, int timeout) {
    return epoll_wait(fd, events, count, timeout);
}

static unsigned do_sleep(unsigned seconds) {
    return sleep(seconds);
}

static int do_usleep(useconds_t microseconds) {
    return usleep(microseconds);
}

static int do_nanosleep(const struct timespec *time, struct timespec *rest) {
    return nanosleep(time, rest);
}

static int do_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *rest) {
    return clock_nanosleep(clock, flags, time, rest);
}

static pid_t do_waitpid(pid_t pid, int *status, int options) {
    return waitpid(pid, status, options);
}

static pid_t do_wait(int *status) {
    return wait(status);
}

static int do_system(const char *command) {
    return system(command);
}

static int do_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                          struct addrinfo **found) {
    return getaddrinfo(node, service, hints, found);
}

static int do_getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                          char *service, socklen_t service_size, int flags) {
    return getnameinfo(address, length, host, host_size, service, service_size, flags);
}

static struct hostent *do_gethostbyname(const char *name) {
    return gethostbyname(name);
}

static int do_gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t size, struct hostent **found,
                              int *error) {
    return gethostbyname_r(name, host, buffer, size, found, error);
}

static ssize_t do_read_checked(int fd, void *bytes, size_t size, size_t room) {
    return __read_chk(fd, bytes, size, room);
}

static ssize_t do_recv_checked(int fd, void *bytes, size_t size, size_t room, int flags) {
    return __recv_chk(fd, bytes, size, room, flags);
}

static ssize_t do_pread_checked(int fd, void *bytes, size_t size, off_t offset, size_t room) {
    return __pread_chk(fd, bytes, size, offset, room);
}

static ssize_t do_pread64_checked(int fd, void *bytes, size_t size, off_t offset, size_t room) {
    return __pread64_chk(fd, bytes, size, offset, room);
}

static int do_open_checked(const char *path, int flags) {
    return __open_2(path, flags);
}

static int do_openat_checked(int directory, const char *path, int flags) {
    return __openat_2(directory, path, flags);
}

static int do_poll_checked(struct pollfd *polled, nfds_t count, int timeout, size_t room) {
    return __poll_chk(polled, count, timeout, room);
}

static int (*const poll_address)(struct pollfd *polled, nfds_t count, int timeout) = poll;

/* Not the function of the C library with this name. */
int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout, const sigset_t *mask);
int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout, const sigset_t *mask) {
    (void)events, (void)count, (void)timeout, (void)mask;
    return fd + 1000;
}

static int do_own(int fd) {
    return epoll_pwait(fd, NULL, 0, 0, NULL);
}

const struct fixture fixture_calls = {
    .read = do_read,
    .readv = do_readv,
    .recv = do_recv,
    .recvfrom = do_recvfrom,
    .recvmsg = do_recvmsg,
    .write = do_write,
    .writev = do_writev,
    .send = do_send,
    .sendto = do_sendto,
    .sendmsg = do_sendmsg,
    .connect = do_connect,
    .accept = do_accept,
    .accept4 = do_accept4,
    .close = do_close,
    .dup2 = do_dup2,
    .pread = do_pread,
    .pread64 = do_pread64,
    .preadv = do_preadv,
    .preadv2 = do_preadv2,
    .pwrite = do_pwrite,
    .pwrite64 = do_pwrite64,
    .pwritev = do_pwritev,
    .pwritev2 = do_pwritev2,
    .fsync = do_fsync,
    .fdatasync = do_fdatasync,
    .open = do_open,
    .open64 = do_open64,
    .openat = do_openat,
    .creat = do_creat,
    .poll = do_poll,
    .ppoll = do_ppoll,
    .select = do_select,
    .pselect = do_pselect,
    .epoll_wait = do_epoll_wait,
    .sleep = do_sleep,
    .usleep = do_usleep,
    .nanosleep = do_nanosleep,
    .clock_nanosleep = do_clock_nanosleep,
    .waitpid = do_waitpid,
    .wait = do_wait,
    .system = do_system,
    .getaddrinfo = do_getaddrinfo,
    .getnameinfo = do_getnameinfo,
    .gethostbyname = do_gethostbyname,
    .gethostbyname_r = do_gethostbyname_r,
    .read_checked = do_read_checked,
    .recv_checked = do_recv_checked,
    .pread_checked = do_pread_checked,
    .pread64_checked = do_pread64_checked,
    .open_checked = do_open_checked,
    .openat_checked = do_openat_checked,
    .poll_checked = do_poll_checked,
    .poll_address = &poll_address,
    .own = do_own,
};
