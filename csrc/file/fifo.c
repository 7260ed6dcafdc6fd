#include "fifo.h"

#include <fcntl.h>
#include <sys/stat.h>

green_offload_pool green__fifo_workers = GREEN_OFFLOAD_POOL(green__fifo_workers, "green-fifo", 32768);

bool green__fifo_open_waits(int directory, const char *path, int flags) {
    struct stat status;
    if ((flags & (O_NONBLOCK | O_PATH)) || (flags & O_ACCMODE) == O_RDWR)
        return false;
    return fstatat(directory, path, &status, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) == 0 &&
           S_ISFIFO(status.st_mode);
}
