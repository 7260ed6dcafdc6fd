/* The objects of this process (the program and its shared objects), and the slots through
 * which they call functions of other objects. */
#ifndef GREEN_PATCH_LINK_ELF_H
#define GREEN_PATCH_LINK_ELF_H

#include "../calls.h"

#include <link.h>

/* An object as mapped by the dynamic linker. Its tables stay readable while it is loaded. */
typedef struct green_object {
    char *path;           /* owned */
    const char *soname;   /* NULL if it has none */
    uintptr_t base;       /* the load address, which its addresses are relative to */
    uintptr_t begin, end; /* where it is mapped */
    const ElfW(Dyn) * dynamic;
    size_t dynamic_count; /* until the object is read, the number of entries that fit in its segment */

    /* Set by green__object_read(), which checks that they are within the object's memory. */
    const char *damage; /* why the object must not be read further; NULL if it is valid */
    const char *strings;
    size_t strings_size;
    const ElfW(Sym) * symbols;
    const ElfW(Rela) * slots[2]; /* relocations of the PLT, and the others */
    size_t slot_counts[2];
} green_object;

typedef struct green_objects {
    green_object *all;
    size_t count, capacity;
    unsigned long long unloaded; /* how many the process had unloaded at that time */
} green_objects;

/* Lists all objects, the program first, without reading their tables. Returns 0, or -ENOMEM,
 * explained. The caller ends a list by green__objects_free(). */
int green__objects_list(green_objects *objects);

void green__objects_free(green_objects *objects);

/* The file name of the object without directories. */
const char *green__object_name(const green_object *object);

/* Whether this is the object's file name, path or soname. */
bool green__object_is(const green_object *object, const char *name);

/* The index of the first object with that name; objects->count if there is none. */
size_t green__objects_find(const green_objects *objects, const char *name);

static inline bool green__object_has(const green_object *object, const void *address) {
    return (uintptr_t)address >= object->begin && (uintptr_t)address < object->end;
}

/* Calls act if an object with this path and base is loaded and contains the address. No other OS
 * thread can unload it meanwhile. act must not call functions of the dynamic linker. Allocates no
 * memory. Returns the result of act, or 0. */
int green__object_while_loaded(const char *path, uintptr_t base, const void *address, int (*act)(void *context),
                               void *context);

/* The search path of the object for libraries, separated by colons; NULL if it has none. */
const char *green__object_search_path(const green_object *object);

/* The name of the next library that the object needs, or NULL at the end. *at is the state of
 * the iteration, 0 at first. */
const char *green__object_needs(const green_object *object, size_t *at);

#if defined(__x86_64__)
enum { GREEN_SLOT_PLT = R_X86_64_JUMP_SLOT, GREEN_SLOT_GOT = R_X86_64_GLOB_DAT, GREEN_SLOT_DATA = R_X86_64_64 };
#elif defined(__aarch64__)
enum { GREEN_SLOT_PLT = R_AARCH64_JUMP_SLOT, GREEN_SLOT_GOT = R_AARCH64_GLOB_DAT, GREEN_SLOT_DATA = R_AARCH64_ABS64 };
#else
#error "patching supports x86_64 and aarch64 only"
#endif

/* Whether a relocation stores the address of a symbol and nothing else. */
static inline bool green__relocation_is_slot(const ElfW(Rela) * entry) {
    unsigned type = ELF64_R_TYPE(entry->r_info);
    return ELF64_R_SYM(entry->r_info) != 0 &&
           (type == GREEN_SLOT_PLT || type == GREEN_SLOT_GOT || (type == GREEN_SLOT_DATA && entry->r_addend == 0));
}

/* A slot that holds the address of a function. The dynamic linker writes it when it loads the
 * object, or at the first call (lazy binding). */
typedef struct green_object_slot {
    void **address;
    const char *name; /* of the function */
    bool foreign;     /* the object does not define the function itself */
    bool in_plt;
} green_object_slot;

/* Finds the object's next slot. Returns false at the end. *at is the state of the iteration,
 * 0 at first. */
bool green__object_next_slot(const green_object *object, size_t *at, green_object_slot *slot);

#endif
