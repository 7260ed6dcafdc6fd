/* Files, directories, and other descriptors that can be read or written.
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
 * No call here except green_file_free() blocks other green threads. With io_uring, the
 * kernel's worker threads run slow operations. With epoll, OS threads of Green run them;
 * at most 16 serve only files. Even with io_uring, these OS threads close files, list
 * directories, truncate before Linux 6.9, and open files while half of the kernel's
 * workers wait for other opens. An open of a FIFO that waits for its other end has an OS
 * thread of its own there. Reads and writes with offsets are split into pieces of
 * 256 KiB.
 *
 * A file belongs to its OS thread: calls on another one fail with -EXDEV, except
 * green_file_close() and green_file_free(). Only one green
 * thread at a time may read or write at the file's position; a second one gets -EBUSY. Any
 * number may make calls with an offset, and all other calls, at the same time.
 *
 * A kill, a green_timeout and the file's timeout end a call. After that, the caller's
 * memory is no longer accessed. The kernel cannot cancel an operation that has reached the
 * disk. With io_uring, a read or write ends with the current piece. All other operations,
 * and all operations on an OS thread of Green, continue in the background: part of an
 * interrupted write may still be written shortly after the call.
 *
 * Descriptors without offsets are streams: pipes, FIFOs, terminals, and those of
 * eventfd(2), timerfd_create(2), inotify(7) and the like. A read from a stream returns
 * the bytes that are available, and one green thread may read while another writes.
 *
 * Calls that block also fail with:
 *   -ETIMEDOUT          the timeout of the call, or of the file, expired
 *   -ECANCELED, -ETIME  the thread was killed, or a green_timeout expired
 *   -EBADF              the file is closed, or was closed meanwhile
 *   -EINVAL             a length exceeds SSIZE_MAX
 *   -EWOULDBLOCK        called in a link or a destructor
 *   -ENOMEM */
#ifndef GREEN_FILE_H
#define GREEN_FILE_H

#include <green/base.h>

#include <fcntl.h>
#include <sys/stat.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_file green_file;

/* Opens a file and stores it; the caller owns it. flags and mode are those of open(2).
 * O_CLOEXEC is added. If the file has offsets, O_NONBLOCK applies only to the open itself.
 * timeout, in nanoseconds, is for this call. Errors are those of open(2). Blocks; on a
 * FIFO, until its other end is opened. If an OS thread of Green opens the FIFO, an
 * interrupted open keeps that OS thread until then. */
GREEN_API GREEN_CHECK int green_file_open(green_file **file, const char *path, int flags, mode_t mode, int64_t timeout);

/* Makes a file from a descriptor. The file owns the descriptor; on failure the caller still
 * owns it. The file's position starts at the descriptor's position, which Green does not
 * move. Does not block. -EBADF. */
GREEN_API GREEN_CHECK int green_file_adopt(green_file **file, int fd);

/* Frees the file. Closes it first if it is still open; unlike green_file_close(), this
 * blocks the OS thread and reports no error. On another OS thread than that of the file, this
 * takes effect soon after the call, on the hub of the file; if that has ended, at once. */
GREEN_API void green_file_free(green_file *GREEN_NULLABLE file);

/* Closes the file. Calls blocked in it are woken with -EBADF, and every later call gives
 * -EBADF; a second close returns 0. The descriptor is closed when this returns, or when an
 * operation that an interrupted call has left behind ends. Blocks, and always waits for
 * the calls that it wakes. The file is closed even if this call is interrupted or fails.
 * -EIO, -ENOSPC, -EDQUOT: earlier writes could not be stored. On another OS thread: like
 * green_close(). */
GREEN_API int green_file_close(green_file *file);

/* Reads at the file's position and advances it. Returns size, or fewer bytes at the end of
 * the file; 0 means the end, or a size of 0. After an error the position is unchanged, and
 * the caller's memory may contain anything. Blocks. -EISDIR, -EIO, -EBUSY, -EBADF. */
GREEN_API GREEN_CHECK ssize_t green_file_read(green_file *file, void *bytes, size_t size);

/* Writes all bytes at the file's position, advances it and returns size. After an error,
 * the position shows how much was written, if the file has one. So does the message of
 * the error, unless it is an interrupt. With O_APPEND the bytes go to the end of the file
 * whatever the position is, which still advances by size. Blocks until the kernel has the
 * bytes, not the disk.
 *
 * Errors:
 *   -ENOSPC, -EDQUOT, -EIO, -EBUSY, -EBADF
 *   -EFBIG  the file would exceed the limit, see setrlimit(2). SIGXFSZ is sent to the
 *           worker thread of the kernel or of Green that writes.
 *   -EPIPE  the pipe has no reader; there is no SIGPIPE */
GREEN_API ssize_t green_file_write(green_file *file, const void *bytes, size_t size);

/* Read and write at an offset; they neither use nor change the position. -ESPIPE: the file
 * is a stream. -EINVAL: the offset is negative. */
GREEN_API GREEN_CHECK ssize_t green_file_read_at(green_file *file, void *bytes, size_t size, int64_t offset);
GREEN_API ssize_t green_file_write_at(green_file *file, const void *bytes, size_t size, int64_t offset);

/* The position of the next read or write. -ESPIPE: the file is a stream. -EINVAL: the
 * position is negative. Do not block. */
GREEN_API GREEN_CHECK int64_t green_file_position(const green_file *file);
GREEN_API int green_file_set_position(green_file *file, int64_t position);

/* Wait until the written bytes are on the disk: fsync(2), or fdatasync(2), which omits
 * metadata that a later read does not need. Block. */
GREEN_API int green_file_sync(green_file *file);
GREEN_API int green_file_sync_data(green_file *file);

/* fstat(2), the size from it, and ftruncate(2). Block. */
GREEN_API GREEN_CHECK int green_file_status(green_file *file, struct stat *status);
GREEN_API GREEN_CHECK int64_t green_file_size(green_file *file);
GREEN_API int green_file_truncate(green_file *file, int64_t size);

/* Sets the time in nanoseconds that a single call on this file may take, except its close.
 * When it expires, the call fails with -ETIMEDOUT. A negative timeout, the default, means
 * no limit. With 0 a call does not wait: operations of the disk or of an OS thread fail
 * with -ETIMEDOUT. */
GREEN_API void green_file_set_timeout(green_file *file, int64_t timeout);
GREEN_API int64_t green_file_timeout(const green_file *file);

/* The descriptor, which stays owned by the file. -EBADF: the file is closed. */
GREEN_API int green_file_fd(const green_file *file);

/* Paths ------------------------------------------------------------------------
 *
 * rename(2), unlink(2), stat(2), mkdir(2) and rmdir(2), with their errors. timeout, in
 * nanoseconds, is for the call. All block. An operation that was interrupted may still
 * happen. */

GREEN_API int green_path_rename(const char *from, const char *to, int64_t timeout);
GREEN_API int green_path_unlink(const char *path, int64_t timeout);
GREEN_API GREEN_CHECK int green_path_status(const char *path, struct stat *status, int64_t timeout);
GREEN_API int green_directory_create(const char *path, mode_t mode, int64_t timeout);
GREEN_API int green_directory_remove(const char *path, int64_t timeout);

/* The names in a directory, without "." and "..", in the order in which the system returns
 * them. */
typedef struct green_listing green_listing;

/* Reads a directory and stores its listing, which the caller owns. Blocks. */
GREEN_API GREEN_CHECK int green_directory_list(green_listing **listing, const char *path, int64_t timeout);

GREEN_API size_t green_listing_count(const green_listing *listing);

/* The name at an index, which starts at 0. It is valid as long as the listing. */
GREEN_API const char *green_listing_name(const green_listing *listing, size_t index);

GREEN_API void green_listing_free(green_listing *GREEN_NULLABLE listing);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
