/* A library that makes blocking calls and does not use Green. Built several times, with slots
 * of each kind; each exports `fixture_calls`. */
#ifndef GREEN_TESTS_FIXTURE_H
#define GREEN_TESTS_FIXTURE_H

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct fixture {
    ssize_t (*read)(int fd, void *bytes, size_t size);
    ssize_t (*readv)(int fd, const struct iovec *pieces, int count);
    ssize_t (*recv)(int fd, void *bytes, size_t size, int flags);
    ssize_t (*recvfrom)(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *length);
    ssize_t (*recvmsg)(int fd, struct msghdr *message, int flags);
    ssize_t (*write)(int fd, const void *bytes, size_t size);
    ssize_t (*writev)(int fd, const struct iovec *pieces, int count);
    ssize_t (*send)(int fd, const void *bytes, size_t size, int flags);
    ssize_t (*sendto)(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length);
    ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
    int (*connect)(int fd, const struct sockaddr *to, socklen_t length);
    int (*accept)(int fd, struct sockaddr *from, socklen_t *length);
    int (*accept4)(int fd, struct sockaddr *from, socklen_t *length, int flags);
    int (*close)(int fd);
    int (*dup2)(int from, int to);
    ssize_t (*pread)(int fd, void *bytes, size_t size, off_t offset);
    ssize_t (*pread64)(int fd, void *bytes, size_t size, off_t offset);
    ssize_t (*preadv)(int fd, const struct iovec *pieces, int count, off_t offset);
    ssize_t (*preadv2)(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
    ssize_t (*pwrite)(int fd, const void *bytes, size_t size, off_t offset);
    ssize_t (*pwrite64)(int fd, const void *bytes, size_t size, off_t offset);
    ssize_t (*pwritev)(int fd, const struct iovec *pieces, int count, off_t offset);
    ssize_t (*pwritev2)(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*open)(const char *path, int flags, mode_t mode);
    int (*open64)(const char *path, int flags, mode_t mode);
    int (*openat)(int directory, const char *path, int flags, mode_t mode);
    int (*creat)(const char *path, mode_t mode);
    int (*poll)(struct pollfd *polled, nfds_t count, int timeout);
    int (*ppoll)(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
    int (*select)(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout);
    int (*pselect)(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, const struct timespec *timeout,
                   const sigset_t *mask);
    int (*epoll_wait)(int fd, struct epoll_event *events, int count, int timeout);
    unsigned (*sleep)(unsigned seconds);
    int (*usleep)(useconds_t microseconds);
    int (*nanosleep)(const struct timespec *time, struct timespec *rest);
    int (*clock_nanosleep)(clockid_t clock, int flags, const struct timespec *time, struct timespec *rest);
    pid_t (*waitpid)(pid_t pid, int *status, int options);
    pid_t (*wait)(int *status);
    int (*system)(const char *command);
    int (*getaddrinfo)(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found);
    int (*getnameinfo)(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size, char *service,
                       socklen_t service_size, int flags);
    struct hostent *(*gethostbyname)(const char *name);
    int (*gethostbyname_r)(const char *name, struct hostent *host, char *buffer, size_t size, struct hostent **found,
                           int *error);
    /* Calls by a compiler that knows the size of the buffers. */
    ssize_t (*read_checked)(int fd, void *bytes, size_t size, size_t room);
    ssize_t (*recv_checked)(int fd, void *bytes, size_t size, size_t room, int flags);
    ssize_t (*pread_checked)(int fd, void *bytes, size_t size, off_t offset, size_t room);
    ssize_t (*pread64_checked)(int fd, void *bytes, size_t size, off_t offset, size_t room);
    int (*open_checked)(const char *path, int flags);
    int (*openat_checked)(int directory, const char *path, int flags);
    int (*poll_checked)(struct pollfd *polled, nfds_t count, int timeout, size_t room);
    /* The address of poll() as data, which another library might call. */
    int (*const *poll_address)(struct pollfd *polled, nfds_t count, int timeout);
    /* A function of its own with the name of a C library function. Returns fd + 1000. */
    int (*own)(int fd);
};

extern const struct fixture fixture_calls;

/* recv() by the slots of a library that only this library needs, and poll() by those of a
 * library that the tests need, too, which must not be patched with this one. */
ssize_t inner_recv(int fd, void *bytes, size_t size);
int common_poll(struct pollfd *polled, nfds_t count, int timeout);

#endif
