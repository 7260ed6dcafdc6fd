/* OpenSSL's queue of errors in patched code.
 *
 * OpenSSL keeps a queue of errors for each OS thread. A library in the middle of a
 * call to it, SSL_read() say, waits in a patched read(), and other green threads use
 * OpenSSL meanwhile. Without care their errors become its own, since SSL_get_error()
 * looks at the queue, or are cleared by it. So each switch puts the queue aside
 * where it is not empty, as it does with the exceptions of C++.
 *
 * This begins with the first patched object that uses OpenSSL 3, and each switch
 * takes a call of ERR_peek_error() longer from then on. What is put aside keeps
 * everything but the marks of ERR_set_mark(). */
#ifndef GREEN_PATCH_ERRORS_H
#define GREEN_PATCH_ERRORS_H

#include "elf.h"

/* Puts the queue aside from here on, if one of the chosen objects uses OpenSSL.
 * chosen has a place for each object. Called with the lock of patching held. */
void green__errors_watch(const green_objects *objects, const bool *chosen);

#endif
