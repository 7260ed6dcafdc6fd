/* The objects of this process, and the slots through which they call others. */
#ifndef GREEN_PATCH_LINK_ELF_H
#define GREEN_PATCH_LINK_ELF_H

#include "../calls.h"

#include <link.h>

struct green_memory_map;

/* An object as the dynamic linker has mapped it: what is in it stays readable
 * for as long as it is loaded. */
typedef struct green_object {
    char *path;              /* owned */
    const char *soname;      /* NULL: it has none */
    uintptr_t base;          /* what its addresses are relative to */
    uintptr_t first, behind; /* where it is mapped */
    const ElfW(Dyn) * dynamic;
    size_t dynamic_count; /* entries; until the object is read, the number that fits in its segment */

    /* Valid once the object is read. All of these are within its memory. */
    const char *damage; /* why the object must not be read further; NULL if it is valid */
    const char *strings;
    size_t strings_size;
    const ElfW(Sym) * symbols;
    const ElfW(Rela) * slots[2]; /* of the PLT, and the others */
    size_t slot_counts[2];
} green_object;

typedef struct green_objects {
    green_object *all;
    size_t count, capacity;
} green_objects;

/* Lists all objects, the program first, without reading them. -ENOMEM, explained. */
int green__objects_list(green_objects *objects);

/* Reads and checks the tables of an object in the list. The page list must be newer. */
void green__object_read(green_object *object, const struct green_memory_map *pages);

/* Whether a slot is in the object's memory, and can be read and written atomically. */
bool green__object_has_slot(const green_object *object, const struct green_memory_map *pages, void *const *slot);

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

/* The search path of the object for its libraries, separated by colons; or NULL. */
const char *green__object_search_path(const green_object *object);

/* Finds and reads the object that contains this address. The caller frees its path. */
bool green__object_find(green_object *object, const void *address);

/* The index of the entry that comes after *at and names a library that the
 * object needs; NULL at the end. */
const char *green__object_needs(const green_object *object, size_t *at);

#if defined(__x86_64__)
enum { GREEN_SLOT_PLT = R_X86_64_JUMP_SLOT, GREEN_SLOT_GOT = R_X86_64_GLOB_DAT, GREEN_SLOT_DATA = R_X86_64_64 };
#elif defined(__aarch64__)
enum { GREEN_SLOT_PLT = R_AARCH64_JUMP_SLOT, GREEN_SLOT_GOT = R_AARCH64_GLOB_DAT, GREEN_SLOT_DATA = R_AARCH64_ABS64 };
#else
#error "patching knows the relocations of x86_64 and aarch64"
#endif

/* Whether a relocation stores only the address of a symbol. */
static inline bool green__relocation_is_slot(const ElfW(Rela) * entry) {
    unsigned type = ELF64_R_TYPE(entry->r_info);
    return ELF64_R_SYM(entry->r_info) != 0 &&
           (type == GREEN_SLOT_PLT || type == GREEN_SLOT_GOT || (type == GREEN_SLOT_DATA && entry->r_addend == 0));
}

/* A slot that holds the address of a function: written by the dynamic linker
 * when the object was loaded, or, where that is put off, at the first call. */
typedef struct green_found_got_slot {
    void **address;
    const green_patched_call *call;
    bool foreign; /* the object does not define a function of that name itself */
    bool in_plt;
} green_found_got_slot;

/* Goes on from *at, 0 at first, to the object's next slot of a known call. False
 * at the end. */
bool green__object_next_slot(const green_object *object, size_t *at, green_found_got_slot *slot);

#endif
