#ifndef GREEN_PATCH_LINK_DLOPEN_H
#define GREEN_PATCH_LINK_DLOPEN_H

/* Called when dlopen() of a patched object may have loaded others. Set before the first slot
 * of dlopen() is patched. */
extern void (*green__dlopen_hook)(void);

#endif
