/* Descriptors by whose number a file call is under way: for the ring or for a
 * native thread, which may come to it later. Closed meanwhile, the number could be
 * another file's by then. */
#ifndef GREEN_PATCH_USES_H
#define GREEN_PATCH_USES_H

#include "watch.h"

/* On the stack of the call. */
typedef struct green_use {
    int fd;
    struct green_use *next, **place; /* among those of the OS thread */
} green_use;

/* -EBADF: it is about to be closed. */
int green__use_begin(green_hub *hub, green_use *use, int fd);
void green__use_end(green_use *use);

/* For whoever is about to close it: parks until no call of this OS thread's green
 * threads uses it any more. Nothing interrupts that. */
void green__uses_end(int fd);

#endif
