/* Dumps: a line for each green thread of a hub. */
#ifndef GREEN_DIAGNOSTICS_DUMP_H
#define GREEN_DIAGNOSTICS_DUMP_H

#include "../core/hub_record.h"

/* Writes the state of each green thread of a hub of this OS thread to fd. */
void green__hub_dump(green_hub *hub, int fd);

/* Writes the whole text. Gives up at the first error. */
void green__write_all(int fd, const char *text, size_t length);

#endif
