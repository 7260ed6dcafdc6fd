#ifndef GREEN_PATCH_LINK_PATCH_H
#define GREEN_PATCH_LINK_PATCH_H

/* Patches objects that have been loaded since, for each patch of green_monkey_patch(). */
void green__patch_new_objects(void);

#endif
