#include "socket_file.h"
#include "../base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The path of a unix address that has a file, else NULL. */
static const char *path_of(const green_address *address) {
    const char *path = ((const struct sockaddr_un *)&address->storage)->sun_path;
    return address->storage.ss_family == AF_UNIX && path[0] ? path : NULL;
}

/* The working directory may change before the file is removed. */
static char *absolute(const char *path) {
    if (path[0] == '/')
        return strdup(path);
    char *name = malloc(PATH_MAX + strlen(path) + 1);
    if (!name || !getcwd(name, PATH_MAX)) {
        free(name);
        return NULL;
    }
    strcat(strcat(name, "/"), path);
    return name;
}

static bool is_at(const char *path, dev_t device, ino_t inode) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_dev == device && status.st_ino == inode;
}

void green__socket_file_record(green_socket_file *file, const green_address *address) {
    struct stat status;
    const char *path = path_of(address);
    *file = (green_socket_file){0};
    char *name = path ? absolute(path) : NULL;
    if (!name)
        return;
    if (lstat(name, &status) < 0 || !S_ISSOCK(status.st_mode)) {
        free(name);
        return;
    }
    *file = (green_socket_file){name, status.st_dev, status.st_ino};
}

void green__socket_file_forget(green_socket_file *file) {
    free(file->path);
    file->path = NULL;
}

void green__socket_file_remove(green_socket_file *file) {
    if (file->path && is_at(file->path, file->device, file->inode))
        unlink(file->path);
    green__socket_file_forget(file);
}

/* Only ECONNREFUSED means that no socket is bound to the file. A live server with a full
 * backlog returns EAGAIN, and a datagram socket EPROTOTYPE. */
static bool has_no_listener(const green_address *address) {
    int fd = green__above_stdio(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0)
        return false;
    bool refused =
        connect(fd, (const struct sockaddr *)&address->storage, address->length) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

bool green__socket_file_replace(const green_address *address) {
    struct stat status;
    const char *path = path_of(address);
    if (!path)
        return false;
    /* Keep it open, so that its inode number is not reused meanwhile. */
    int file = green__open(path, O_PATH | O_NOFOLLOW, 0);
    if (file < 0)
        return false;
    bool removed = fstat(file, &status) == 0 && S_ISSOCK(status.st_mode) && has_no_listener(address) &&
                   is_at(path, status.st_dev, status.st_ino) && unlink(path) == 0;
    close(file);
    return removed;
}
