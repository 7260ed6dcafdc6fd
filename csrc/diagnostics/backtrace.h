/* Backtraces: taken by a signal handler, and printed by another OS thread. */
#ifndef GREEN_DIAGNOSTICS_BACKTRACE_H
#define GREEN_DIAGNOSTICS_BACKTRACE_H

#include <stddef.h>
#include <stdio.h>

enum { GREEN_FRAMES_MAX = 64 };

/* Loads the unwinder. Call it before the first signal. */
void green__backtrace_prepare(void);

/* In a signal handler: stores the frames of the interrupted code, innermost first.
 * context is the handler's third argument. Returns the number of frames. */
size_t green__backtrace_interrupted(void *frames[GREEN_FRAMES_MAX], const void *context);

/* Writes a line for each frame: its address, function and file. Not async-signal-safe. */
void green__backtrace_print(FILE *file, void *const *frames, size_t count);

#endif
