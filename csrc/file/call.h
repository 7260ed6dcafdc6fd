/* Calls on a file: which ones may run at the same time, and how a call begins, waits and
 * ends. */
#ifndef GREEN_FILE_CALL_H
#define GREEN_FILE_CALL_H

#include "file.h"
#include "request.h"

typedef enum green_file_use { GREEN_FILE_READS, GREEN_FILE_WRITES, GREEN_FILE_SHARES } green_file_use;

/* Begins a call: adds it to the file's calls, or fails if the file is closed or another
 * call has the same use. */
int green__file_begin(green_file *file, green_file_call *call, const green_file_verb *verb, green_file_use use);

/* Ends the call, and closes the descriptor if a close waits for this. Returns result,
 * explained if it is an error. */
int64_t green__file_end(green_file_call *call, int64_t result);

/* Whether the call may continue with its next piece: 0, or the error that ends it. */
int green__file_continue(const green_file_call *call);

/* Runs one operation of the engine within the call, and repeats it if a signal has
 * interrupted it. */
int32_t green__file_run(green_file_call *call, green_op_kind kind, void *address, size_t length, uint64_t offset);

/* Waits for events (poll(2) flags) within the call. */
int32_t green__file_poll(green_file_call *call, short events);

/* Runs a request within the call. The request uses the file's descriptor until it ends,
 * which may be after the call. Returns the request's result or an error. */
int64_t green__file_run_request(green_file_call *call, green_file_request *request);

#endif
