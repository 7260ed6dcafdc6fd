/* Dumps: a line for each green thread of a hub. */
#ifndef GREEN_DIAGNOSTICS_DUMP_H
#define GREEN_DIAGNOSTICS_DUMP_H

#include "../core/hub_record.h"

/* Takes a part of the text of a dump. */
typedef void green_dump_writer(void *context, const char *text, size_t length);

/* Passes the state of each green thread of a hub of this OS thread to write, a line at a
 * time. */
void green__hub_describe(green_hub *hub, green_dump_writer *write, void *context);

/* Writes it to fd. */
void green__hub_dump(green_hub *hub, int fd);

/* Passes it to the handler of reports, or writes it to fd if there is none. */
void green__hub_report_dump(green_hub *hub, int fd);

/* Makes a hub call request->write() in a green thread of its own, in its next loop iteration.
 * A hub that waits in the kernel is woken. The hub must stay during the call, as for
 * green__inbox_post(). Returns 0, or the error of green_hub_post(). */
int green__dump_post(green_hub *hub, green_dump_request *request);

/* Makes a hub write its dump to standard error, unless a dump is pending. The registry must
 * be locked. */
void green__dump_request(green_hub *hub);

/* Whether the hub still has to write that dump. */
bool green__dump_is_pending(const green_hub *hub);

/* Writes the whole text. Gives up at the first error. */
void green__write_all(int fd, const char *text, size_t length);

/* In a forked child. */
void green__dumps_forked(void);

#endif
