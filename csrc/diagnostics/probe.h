/* Asks the OS thread of a hub, by a signal, which green thread it runs and where.
 *
 * The signal carries a value that distinguishes it from signals of the program. There is one
 * probe at a time in a process: the watcher is the only OS thread that sends them. */
#ifndef GREEN_DIAGNOSTICS_PROBE_H
#define GREEN_DIAGNOSTICS_PROBE_H

#include "../core/hub_record.h"
#include "backtrace.h"

#include <signal.h>

/* The answer of the last probe that succeeded. */
typedef struct green_probe_answer {
    bool progressed; /* the hub has switched threads or waited since its last check */
    uint64_t thread;
    char name[GREEN_NAME_MAX + 1];
    void *frames[GREEN_FRAMES_MAX];
    size_t count;
} green_probe_answer;

green_hub_progress green__hub_progress(const green_hub *hub);
bool green__hub_progress_is_equal(green_hub_progress one, green_hub_progress other);

/* Sends the signal and waits up to 50 ms for the answer. NULL: there is none, because the
 * OS thread blocks the signal. The registry must be locked, so that the hub stays. */
const green_probe_answer *green__probe(green_hub *hub, int signal);

/* In the handler of the signal. Returns whether the signal is a probe's, and answers it. */
bool green__probe_handle(const siginfo_t *info, const void *context);

/* In a forked child. */
void green__probe_forked(void);

#endif
