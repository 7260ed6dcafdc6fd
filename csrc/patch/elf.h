/* The objects of this process, and the slots through which they call others. */
#ifndef GREEN_PATCH_ELF_H
#define GREEN_PATCH_ELF_H

#include "calls.h"

#include <link.h>

/* An object as the dynamic linker has mapped it: what is in it stays readable
 * for as long as it is loaded. */
typedef struct green_object {
    char *path;              /* owned */
    const char *soname;      /* NULL: it has none */
    uintptr_t base;          /* what its addresses are relative to */
    uintptr_t first, behind; /* where it is mapped */
    const ElfW(Dyn) * dynamic;
    const char *strings;
    const ElfW(Sym) * symbols;
    const ElfW(Rela) * slots[2]; /* of the PLT, and the others */
    size_t slot_counts[2];
} green_object;

typedef struct green_objects {
    green_object *all;
    size_t count, capacity;
} green_objects;

/* All of them, the program first. -ENOMEM, explained. */
int green__objects_list(green_objects *objects);
void green__objects_free(green_objects *objects);

/* Its file name without the directories. */
const char *green__object_name(const green_object *object);

/* Whether it goes by this file name, path or soname. */
bool green__object_is(const green_object *object, const char *name);

static inline bool green__object_has(const green_object *object, const void *address) {
    return (uintptr_t)address >= object->first && (uintptr_t)address < object->behind;
}

/* Whether an object of that path and base is loaded and has this address. Takes no
 * memory. */
bool green__object_is_loaded(const char *path, uintptr_t base, const void *address);

/* The index of the entry that comes after *at and names a library that the
 * object needs; NULL at the end. */
const char *green__object_needs(const green_object *object, size_t *at);

/* A slot that holds the address of a function: written by the dynamic linker
 * when the object was loaded, or, where that is put off, at the first call. */
typedef struct green_found_slot {
    void **address;
    const green_call *call;
    bool foreign; /* the object does not define a function of that name itself */
    bool in_plt;
} green_found_slot;

/* Goes on from *at, 0 at first, to the object's next slot of a known call. False
 * at the end. */
bool green__object_next_slot(const green_object *object, size_t *at, green_found_slot *slot);

#endif
