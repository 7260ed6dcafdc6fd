#ifndef GREEN_PATCH_LINK_PATCH_H
#define GREEN_PATCH_LINK_PATCH_H

#include "../calls.h"

/* Patches what has been loaded since, for those patches that are of everything. */
void green__patch_new_objects(void);

#endif
