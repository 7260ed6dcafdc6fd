#include "virtual_peers.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
} address;

static bool option(int fd, int name, int *value) {
    return getsockopt(fd, SOL_SOCKET, name, value, &(socklen_t){sizeof *value}) == 0;
}

static bool own_name(int fd, address *name) {
    return getsockname(fd, &name->any, &(socklen_t){sizeof *name}) == 0;
}

static bool peer_name(int fd, address *name) {
    return getpeername(fd, &name->any, &(socklen_t){sizeof *name}) == 0;
}

static bool is_internet(const address *name) {
    return name->any.sa_family == AF_INET || name->any.sa_family == AF_INET6;
}

static bool is_same(const address *one, const address *other) {
    if (one->any.sa_family != other->any.sa_family)
        return false;
    if (one->any.sa_family == AF_INET)
        return one->in.sin_port == other->in.sin_port && one->in.sin_addr.s_addr == other->in.sin_addr.s_addr;
    return one->in6.sin6_port == other->in6.sin6_port &&
           memcmp(&one->in6.sin6_addr, &other->in6.sin6_addr, sizeof one->in6.sin6_addr) == 0;
}

/* An IPv4 peer of an IPv6 socket, as an IPv4 address. */
static void unmap(address *name) {
    if (name->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&name->in6.sin6_addr))
        return;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = name->in6.sin6_port};
    memcpy(&in.sin_addr, &name->in6.sin6_addr.s6_addr[12], sizeof in.sin_addr);
    name->in = in;
}

/* Whether fd is the other end that the search is for. */
typedef bool matcher(int fd, const void *wanted);

/* Whether any descriptor of this process matches. True if they cannot be listed, so that the
 * clock does not wait for nothing. */
static bool any_descriptor(matcher *matches, const void *wanted) {
    DIR *directory = opendir("/proc/self/fd");
    bool found = !directory;
    for (struct dirent *entry; !found && (entry = readdir(directory));)
        found = entry->d_name[0] != '.' && matches(atoi(entry->d_name), wanted);
    if (directory)
        closedir(directory);
    return found;
}

/* The two names of a connection, as its other end sees them. */
struct connection {
    address name, peer;
};

static bool is_other_end(int fd, const void *wanted) {
    const struct connection *connection = wanted;
    address name, peer;
    if (!own_name(fd, &name) || !is_internet(&name) || !peer_name(fd, &peer))
        return false;
    unmap(&name);
    unmap(&peer);
    return is_same(&name, &connection->peer) && is_same(&peer, &connection->name);
}

static bool internet_is_outside(int fd) {
    struct connection connection;
    if (!own_name(fd, &connection.name) || !peer_name(fd, &connection.peer))
        return false; /* it listens, or has no peer */
    unmap(&connection.name);
    unmap(&connection.peer);
    return !any_descriptor(is_other_end, &connection);
}

static bool unix_is_outside(int fd) {
    struct ucred peer;
    int listens = 0;
    if (option(fd, SO_ACCEPTCONN, &listens) && listens)
        return false;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){sizeof peer}) == 0 && peer.pid > 0 &&
           peer.pid != getpid();
}

/* Whether fd is an end of the pipe that can be used in the other direction. */
struct pipe_end {
    struct stat file;
    int fd;
};

static bool is_same_pipe(int fd, const void *wanted) {
    const struct pipe_end *pipe = wanted;
    struct stat file;
    return fd != pipe->fd && fstat(fd, &file) == 0 && file.st_dev == pipe->file.st_dev &&
           file.st_ino == pipe->file.st_ino;
}

static bool other_is_outside(int fd) {
    struct pipe_end pipe = {.fd = fd};
    if (fstat(fd, &pipe.file) < 0)
        return false;
    if (S_ISFIFO(pipe.file.st_mode))
        return !any_descriptor(is_same_pipe, &pipe);
    return S_ISCHR(pipe.file.st_mode) || S_ISREG(pipe.file.st_mode) || S_ISBLK(pipe.file.st_mode);
}

static bool is_outside(int fd) {
    int domain;
    if (!option(fd, SO_DOMAIN, &domain))
        return other_is_outside(fd);
    if (domain == AF_UNIX)
        return unix_is_outside(fd);
    return domain != AF_INET && domain != AF_INET6 ? true : internet_is_outside(fd);
}

bool green__descriptor_is_from_outside(int fd) {
    int error_number = errno;
    bool result = is_outside(fd);
    errno = error_number;
    return result;
}

/* A connection that is being made has no peer yet. */
static bool connects_outside(const green_op *op) {
    address peer = {0};
    memcpy(&peer, op->address, op->length < sizeof peer ? op->length : sizeof peer);
    unmap(&peer);
    if (peer.any.sa_family == AF_INET)
        return ntohl(peer.in.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
    return peer.any.sa_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&peer.in6.sin6_addr);
}

bool green__op_is_from_outside(const green_op *op) {
    return op->kind == GREEN_OP_CONNECT ? connects_outside(op) : green__descriptor_is_from_outside(op->fd);
}
