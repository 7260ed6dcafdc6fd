/* OpenSSL's error queue in patched code.
 *
 * OpenSSL keeps an error queue for each OS thread. If a library waits in a patched read()
 * during an OpenSSL call such as SSL_read(), other green threads may use OpenSSL
 * meanwhile. SSL_get_error() reads the queue, so the library would see or clear their
 * errors. So each switch saves a queue that is not empty, as it does with C++ exceptions.
 *
 * This starts with the first patched object that uses OpenSSL 3. From then on each switch
 * costs a call of ERR_peek_error(). A saved queue keeps everything except the marks of
 * ERR_set_mark(). */
#ifndef GREEN_PATCH_LINK_OPENSSL_ERRORS_H
#define GREEN_PATCH_LINK_OPENSSL_ERRORS_H

#include "elf.h"

/* Whether a file name is that of libssl or libcrypto. */
bool green__is_openssl(const char *name);

/* Starts to save the queue at switches if one of the chosen objects uses OpenSSL. chosen
 * has an entry for each object. The caller holds the patching lock. */
void green__openssl_errors_watch(const green_objects *objects, const bool *chosen);

#endif
