/* The slots that are patched now, and what each patch owns of them. */
#ifndef GREEN_PATCH_LINK_GOT_SLOTS_H
#define GREEN_PATCH_LINK_GOT_SLOTS_H

#include "../../base/lock.h"
#include "elf.h"
#include "relro.h"

typedef struct green_got_slot {
    struct green_got_slot *next;
    void **address;
    void *previous;
    const green_patched_call *call;
    uintptr_t base; /* of its object, which may be unloaded and another be there */
    int protection; /* of its page */
    char *object;   /* its path */
    char *soname;   /* "" for none */
    unsigned owners;
} green_got_slot;

struct green_patch {
    struct green_patch *next;
    unsigned families;
    bool everywhere;
    green_got_slot **slots; /* those of one object and call together, but for what came later */
    size_t count, capacity;
};

/* Held by whoever reads or changes any of this. Nobody loads a library while
 * holding it: a library's constructor may patch. */
extern green_lock green__patches_lock;

/* Every patch there is. */
extern green_patch *green__patches;

/* Patches the object's slots of these families, and makes the patch an
 * owner of each. -errno, explained; what was done until then stays. */
int green__got_slots_patch(green_patch *patch, unsigned families, const green_object *object,
                           const green_objects *objects, const green_memory_map *pages);

/* Gives up what the patch owns; slots without an owner are as they were. Takes no
 * memory. -errno for those that cannot be written, which the patch still owns. */
int green__got_slots_restore(green_patch *patch);

bool green__got_slots_has_object(const char *object);

#endif
