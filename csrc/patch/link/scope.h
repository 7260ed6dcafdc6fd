/* Which objects a patch is about. */
#ifndef GREEN_PATCH_LINK_SCOPE_H
#define GREEN_PATCH_LINK_SCOPE_H

#include "elf.h"

/* Whether it is the C library, the dynamic linker, a sanitizer or Green itself.
 * Green within a program or a library of somebody else's is not: there its own
 * calls know that they must not park (see green__may_park). */
bool green__scope_excludes(const green_object *object);

/* The families of calls that an object's may be made green of. Locks that are held
 * for a moment only, by who must not be left in the middle, stay as they are: those
 * of OpenSSL, in whose calls Green never parks, of allocators, which Green calls
 * anywhere, and of Swift's runtime. So do the threads of these, and those of what
 * Swift's libraries make for themselves. */
unsigned green__scope_families(const green_object *object);

/* Whether it is the library of a language, and a chosen object needs it: there a
 * library in C++ has half of its locks. */
bool green__scope_includes_locks(const green_objects *objects, size_t index, const bool *chosen);

/* Marks the object of that index and those that only it, or others marked, need.
 * chosen has a place for each object, all false. -ENOMEM, explained. */
int green__scope_choose(const green_objects *objects, size_t root, bool *chosen);

#endif
