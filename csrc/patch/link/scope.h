/* The scope of a patch: which objects it covers. */
#ifndef GREEN_PATCH_LINK_SCOPE_H
#define GREEN_PATCH_LINK_SCOPE_H

#include "elf.h"

/* Whether the object must never be patched: the C library, the dynamic linker, a sanitizer or
 * Green's shared library. A program or library that contains Green may be patched: Green's own
 * calls in it do not park (see green__may_park). */
bool green__scope_excludes(const green_object *object);

/* The families of calls that may be patched in an object. Locks that are held briefly, in code
 * that must not be interrupted by other green threads, are left alone: those of OpenSSL, in
 * whose calls Green never parks, of allocators, which Green calls anywhere, and of the Swift
 * runtime. So are the threads of these libraries, and threads that Swift's libraries create
 * for themselves. */
unsigned green__scope_families(const green_object *object);

/* Whether the locks of an object are patched because a chosen object needs it: it is the C++
 * standard library, which makes half of the lock calls of a C++ library. */
bool green__scope_includes_locks(const green_objects *objects, size_t index, const bool *chosen);

/* Chooses the root, and the objects that only the root and other chosen objects need. `chosen`
 * has an entry for each object, all false at first. Returns 0, or -ENOMEM, explained. */
int green__scope_choose(const green_objects *objects, size_t root, bool *chosen);

#endif
