#ifndef GREEN_PATCH_IO_CONNECT_H
#define GREEN_PATCH_IO_CONNECT_H

/* Makes fork heed the lock of connect.c. -ENOMEM, explained. */
int green__connect_register_lock(void);

#endif
