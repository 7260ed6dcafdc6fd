/* Regular files and disks, of which no poll can tell. */
#ifndef GREEN_PATCH_IO_FILE_H
#define GREEN_PATCH_IO_FILE_H

#include "descriptor.h"

#include <sys/stat.h>

/* The offset that means the file's own position. */
enum { GREEN_CURRENT_POSITION = -1 };

static inline bool green__mode_is_file(mode_t mode) {
    return S_ISREG(mode) || S_ISBLK(mode);
}

static inline bool green__fd_is_file(int fd) {
    return green__mode_is_file(green__fd_mode(fd));
}

/* Whether read() and its like wait green for files, too: a patch of the family FILE
 * is alive. So many more are. */
bool green__patch_files_are_green(void);
void green__patch_files_count(int more);

/* preadv or pwritev of some bytes, which parks where it would have waited; of what
 * is no file, straight through. At the position it has to be a file. */
ssize_t green__patch_file_transfer(green_hub *hub, bool writes, int fd, const struct iovec *pieces, int count,
                                   off_t offset);

/* fsync, or fdatasync. */
int green__patch_file_sync(green_hub *hub, int fd, bool data);

#endif
