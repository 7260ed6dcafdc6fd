/* A library that uses OpenSSL. */
#include <openssl/err.h>
#include <unistd.h>

ssize_t errors_read(int fd, void *bytes, size_t size) {
    ERR_clear_error();
    return read(fd, bytes, size);
}
