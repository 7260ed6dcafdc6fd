#ifndef GREEN_PATCH_PATCH_H
#define GREEN_PATCH_PATCH_H

#include "calls.h"

/* Patches what has been loaded since, for those patches that are of everything. */
void green__patch_later(void);

/* Makes fork heed the lock of connect.c. -ENOMEM, explained. */
int green__flags_lock_enroll(void);

#endif
