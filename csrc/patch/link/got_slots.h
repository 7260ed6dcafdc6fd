/* The patched slots, and the patches that own them. */
#ifndef GREEN_PATCH_LINK_GOT_SLOTS_H
#define GREEN_PATCH_LINK_GOT_SLOTS_H

#include "../../base/lock.h"

#include "call_table.h"
#include "elf_tables.h"

typedef struct green_got_slot {
    struct green_got_slot *next;
    void **address;
    void *previous;
    const green_patched_call *call;
    uintptr_t base; /* of its object, to distinguish it from one loaded there later */
    int protection; /* of its page */
    char *object;   /* its path */
    char *soname;   /* "" if it has none */
    unsigned owners;
} green_got_slot;

struct green_patch {
    struct green_patch *next;
    unsigned families;
    int interrupt_errno; /* 0: the default */
    bool everywhere;
    green_got_slot **slots; /* grouped by object and call, except those added later */
    size_t count, capacity;
};

/* Guards all slots and patches. Must not be held while a library is loaded, because its
 * constructor may patch. */
extern green_lock green__patches_lock;

/* The list of all patches. */
extern green_patch *green__patches;

/* Patches the object's slots of these families and makes the patch an owner of each. Returns
 * 0, or -errno, explained; slots patched before the error stay patched. */
int green__got_slots_patch(green_patch *patch, unsigned families, const green_object *object,
                           const green_objects *objects, const green_memory_map *pages);

/* Forgets the slots of objects that have been unloaded, given all that are loaded now. Otherwise an
 * object that is loaded at the same address would inherit them. */
void green__got_slots_forget_unloaded(const green_objects *objects, const green_memory_map *map);

/* Ends the ownership of the patch's slots, and restores the former value of slots that no
 * other patch owns. Allocates no memory. Returns 0, or -errno, explained, if some slots cannot
 * be written; the patch still owns these. */
int green__got_slots_restore(green_patch *patch);

/* Whether slots of the object with this file name, path or soname are patched. */
bool green__got_slots_has_object(const char *object);

#endif
