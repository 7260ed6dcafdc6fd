#include "scope.h"

#include "openssl_errors.h"

#include <stdlib.h>
#include <string.h>

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The parts of the C library call each other internally, and its name service modules run with
 * its locks held. */
static const char *const excluded[] = {
    "ld-linux",   "ld.so",      "libc.so",     "libpthread.so", "libdl.so",        "librt.so",       "libm.so",
    "libanl.so",  "libresolv.", "libnss_",     "linux-vdso",    "linux-gate",      "libgcc_s.so",    "libasan.so",
    "libtsan.so", "liblsan.so", "libubsan.so", "libclang_rt.",  "libgreencore.so", "libgreenrun.so",
};

static bool is_among(const green_object *object, const char *const *beginnings, size_t count) {
    const char *name = green__object_name(object);
    for (size_t i = 0; i < count; i++)
        if (begins_with(name, beginnings[i]))
            return true;
    return false;
}

bool green__scope_excludes(const green_object *object) {
    return is_among(object, excluded, sizeof excluded / sizeof *excluded);
}

static const char *const keep_locks[] = {
    "libssl.", "libcrypto.", "libjemalloc", "libtcmalloc", "libmimalloc", "libswift", "libdispatch.",
};

static const char *const keep_threads[] = {
    "libFoundation", "lib_Foundation", "libTesting", "lib_Testing", "libXCTest", "libBlocksRuntime",
};

unsigned green__scope_families(const green_object *object) {
    unsigned families = ~0u;
    if (is_among(object, keep_locks, sizeof keep_locks / sizeof *keep_locks))
        families &= ~(unsigned)(GREEN_PATCH_LOCK | GREEN_PATCH_THREAD);
    if (is_among(object, keep_threads, sizeof keep_threads / sizeof *keep_threads))
        families &= ~(unsigned)GREEN_PATCH_THREAD;
    return families;
}

/* OpenSSL is not shared because Green needs it: Green does no I/O through it. */
static bool is_need(const green_object *user, const green_object *used) {
    return !(green__object_has(user, &green__real) && green__is_openssl(green__object_name(used)));
}

bool green__scope_includes_locks(const green_objects *objects, size_t index, const bool *chosen) {
    const char *name = green__object_name(&objects->all[index]);
    if (!begins_with(name, "libstdc++.") && !begins_with(name, "libc++."))
        return false;
    for (size_t i = 0; i < objects->count; i++) {
        size_t at = 0;
        for (const char *needed; chosen[i] && (needed = green__object_needs(&objects->all[i], &at));)
            if (green__object_is(&objects->all[index], needed))
                return true;
    }
    return false;
}

/* needs[i * count + j]: object i needs object j. */
static void find_needs(const green_objects *objects, bool *needs) {
    for (size_t i = 0; i < objects->count; i++) {
        size_t at = 0;
        for (const char *name; (name = green__object_needs(&objects->all[i], &at));) {
            size_t used = green__objects_find(objects, name);
            if (used < objects->count && is_need(&objects->all[i], &objects->all[used]))
                needs[i * objects->count + used] = true;
        }
    }
}

/* Chooses what the root needs, directly or not. */
static void add_needed(const bool *needs, size_t count, bool *chosen) {
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; chosen[i] && j < count; j++)
                if (needs[i * count + j] && !chosen[j])
                    more = chosen[j] = true;
    }
}

/* Removes objects that an object outside the scope needs, until there are none. */
static void remove_shared(const bool *needs, size_t count, size_t root, bool *chosen) {
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; !chosen[i] && j < count; j++)
                if (needs[i * count + j] && chosen[j] && j != root) {
                    chosen[j] = false;
                    more = true;
                }
    }
}

int green__scope_choose(const green_objects *objects, size_t root, bool *chosen) {
    size_t count = objects->count;
    bool *needs = calloc(count, count);
    if (!needs)
        return green__fail(-ENOMEM, "cannot find the dependencies of the loaded objects");
    find_needs(objects, needs);
    chosen[root] = true;
    add_needed(needs, count, chosen);
    remove_shared(needs, count, root, chosen);
    for (size_t i = 0; i < count; i++)
        if (chosen[i] && green__scope_excludes(&objects->all[i]))
            chosen[i] = false;
    free(needs);
    return 0;
}
