#ifndef GREEN_PATCH_IO_CONNECT_H
#define GREEN_PATCH_IO_CONNECT_H

/* Registers the lock of connect() and accept() for forks. Returns 0, or -ENOMEM, explained. */
int green__connect_register_lock(void);

#endif
