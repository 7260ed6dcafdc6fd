/* Files, directories, and whatever else a descriptor can be read from.
 *
 *     green_file *file;
 *     int error = green_file_open(&file, "notes.txt", O_RDONLY, 0, GREEN_FOREVER);
 *     if (error < 0)
 *         return error;
 *     char bytes[4096];
 *     ssize_t count;
 *     while ((count = green_file_read(file, bytes, sizeof bytes)) > 0)
 *         use(bytes, count);
 *     green_file_free(file);
 *
 * No call here except green_file_free() blocks other green threads. Through
 * io_uring the kernel's workers do what takes long; under epoll native threads do,
 * 16 at most, which are the files' own. Reads and writes of what has offsets go in
 * pieces of 256 KiB. Even with io_uring native threads close files and list
 * directories, truncate before Linux 6.9, and open while half of the kernel's
 * workers wait for other opens. FIFOs that wait there for their other ends have one
 * each.
 *
 * A file belongs to its OS thread. Read and write at its position one at a time:
 * a second caller is told -EBUSY. Calls that bring an offset, and all others, may
 * be made by any number of green threads at once.
 *
 * Kill, a green_timeout and the call's own timeout end a call, after which the
 * caller's memory is not touched any more. What the kernel has begun with a disk
 * cannot be broken off: through io_uring a read or write ends with the piece under
 * way; everything else, and all of it on a native thread, runs to its end unseen, so
 * that a part of an interrupted write may still be written a little later.
 *
 * Descriptors without offsets are streams: pipes, FIFOs, terminals, and those of
 * eventfd(2), timerfd_create(2), inotify(7) and the like. A read from a stream returns
 * the bytes that are available, and one green thread may read while another writes.
 *
 * A length of more than SSIZE_MAX bytes is -EINVAL. */
#ifndef GREEN_FILE_H
#define GREEN_FILE_H

#include <green/base.h>

#include <fcntl.h>
#include <sys/stat.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_file green_file;

/* Opens a file and stores it; the caller owns it. flags and mode are those of
 * open(2); O_CLOEXEC is added, and O_NONBLOCK is for the opening alone where the file
 * has offsets. timeout, in nanoseconds, is for this call. Errors are those of
 * open(2). Blocks; a FIFO without its other end for as long. Where it is opened by
 * a native thread it keeps that even after an interrupt. */
GREEN_API GREEN_CHECK int green_file_open(green_file **file, const char *path, int flags, mode_t mode, int64_t timeout);

/* Makes a file of a descriptor, which it owns from then on; on failure it stays
 * the caller's. It goes on at the descriptor's position, and does not move that.
 * -EBADF. Does not block. */
GREEN_API GREEN_CHECK int green_file_adopt(green_file **file, int fd);

/* Frees the file. Closes it first if it is still open; unlike green_file_close(), this
 * blocks the OS thread and reports no error. */
GREEN_API void green_file_free(green_file *GREEN_NULLABLE file);

/* Closes the file. Calls blocked in it are woken with -EBADF, and every later
 * call is -EBADF, but a second close is 0. The descriptor is gone when this
 * returns, or once what an interrupted call has left behind is done with it.
 * Blocks, and waits for those that it wakes whatever happens; the file is closed
 * even when interrupted, or when it tells that something written before could not
 * be stored: -EIO, -ENOSPC, -EDQUOT. */
GREEN_API int green_file_close(green_file *file);

/* Reads at the file's position and moves it: size bytes, or as many as there are
 * up to the end. 0 is the end (or a size of 0). After an error or an interrupt the
 * position is where it was, and the caller's memory may hold anything. -EISDIR,
 * -EIO, -EBUSY, -EBADF. Blocks. */
GREEN_API GREEN_CHECK ssize_t green_file_read(green_file *file, void *bytes, size_t size);

/* Writes all of it at the file's position and returns size; anything else is an
 * error. How much was written the position tells, where there is one, and so does
 * the sentence of any error but an interrupt's. With O_APPEND it goes to the end,
 * wherever the position is, which moves by the size all the same. -ENOSPC, -EDQUOT,
 * -EFBIG (SIGXFSZ, see setrlimit(2), is for whichever thread of the kernel's or the
 * files' own writes), -EPIPE (without SIGPIPE), -EIO, -EBUSY, -EBADF. Blocks until
 * the kernel has it, not the disk. */
GREEN_API ssize_t green_file_write(green_file *file, const void *bytes, size_t size);

/* The same at an offset, without a look at the position. -ESPIPE: it has none.
 * -EINVAL: the offset is negative. */
GREEN_API GREEN_CHECK ssize_t green_file_read_at(green_file *file, void *bytes, size_t size, int64_t offset);
GREEN_API ssize_t green_file_write_at(green_file *file, const void *bytes, size_t size, int64_t offset);

/* Where the next read or write takes place. -ESPIPE, -EINVAL. Do not block. */
GREEN_API GREEN_CHECK int64_t green_file_position(const green_file *file);
GREEN_API int green_file_set_position(green_file *file, int64_t position);

/* Waits until what was written is on the disk, fsync(2), or that and no more of
 * what is known about the file than is needed to read it, fdatasync(2). Block. */
GREEN_API int green_file_sync(green_file *file);
GREEN_API int green_file_sync_data(green_file *file);

/* fstat(2); its size alone; and another size for it, ftruncate(2). Block. */
GREEN_API GREEN_CHECK int green_file_status(green_file *file, struct stat *status);
GREEN_API GREEN_CHECK int64_t green_file_size(green_file *file);
GREEN_API int green_file_truncate(green_file *file, int64_t size);

/* Nanoseconds that one call on this file, but its close, may take before it ends
 * with -ETIMEDOUT. A negative timeout, the default, means no limit. With 0 a call does
 * not wait: work for the disk or for a native thread fails with -ETIMEDOUT. */
GREEN_API void green_file_set_timeout(green_file *file, int64_t timeout);
GREEN_API int64_t green_file_timeout(const green_file *file);

/* The descriptor, still owned by the file; -EBADF once closed. */
GREEN_API int green_file_fd(const green_file *file);

/* Names ------------------------------------------------------------------------
 *
 * rename(2), unlink(2), stat(2), mkdir(2), rmdir(2). timeout, in nanoseconds, is
 * for the call. All block. After an interrupt it may still happen. */

GREEN_API int green_path_rename(const char *from, const char *to, int64_t timeout);
GREEN_API int green_path_unlink(const char *path, int64_t timeout);
GREEN_API GREEN_CHECK int green_path_status(const char *path, struct stat *status, int64_t timeout);
GREEN_API int green_directory_create(const char *path, mode_t mode, int64_t timeout);
GREEN_API int green_directory_remove(const char *path, int64_t timeout);

/* The names in a directory, but "." and "..", in the order the system has them. */
typedef struct green_listing green_listing;

/* Reads a directory and stores what is in it; the caller owns that. Blocks. */
GREEN_API GREEN_CHECK int green_directory_list(green_listing **listing, const char *path, int64_t timeout);

GREEN_API size_t green_listing_count(const green_listing *listing);

/* One of the names, from 0. It lives as long as the listing. */
GREEN_API const char *green_listing_name(const green_listing *listing, size_t index);

GREEN_API void green_listing_free(green_listing *GREEN_NULLABLE listing);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
