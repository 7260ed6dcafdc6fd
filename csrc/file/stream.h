/* Reads and writes without offsets. */
#ifndef GREEN_FILE_STREAM_H
#define GREEN_FILE_STREAM_H

#include "call.h"

ssize_t green__file_stream_read(green_file_call *call, void *bytes, size_t size);
ssize_t green__file_stream_write(green_file_call *call, const void *bytes, size_t size);

#endif
