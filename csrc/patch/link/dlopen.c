/* dlopen() of a program that is patched as a whole. */
#include "elf.h"
#include "patch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The dynamic linker looks where the object says from which dlopen() is called,
 * and that seems to be Green's. So the places of the real caller's are tried by
 * hand, once nothing of that name is loaded. */
struct places {
    const char *list; /* separated by colons, or NULL */
    char *origin;     /* the path of the calling object; owned */
};

static struct places places_of(const void *caller) {
    green_object object;
    struct places places = {0};
    if (!green__object_find(&object, caller))
        return places;
    places = (struct places){green__object_search_path(&object), object.path};
    return places;
}

/* "$ORIGIN/../lib" as the directory that it means; false when it is too long. */
static bool expand(char *text, size_t size, const char *place, size_t length, const struct places *places,
                   const char *file) {
    static const char *const words[] = {"$ORIGIN", "${ORIGIN}"};
    const char *slash = strrchr(places->origin, '/');
    int directory = slash ? (int)(slash - places->origin) : 1;
    for (size_t i = 0; i < 2; i++) {
        size_t word = strlen(words[i]);
        if (length >= word && strncmp(place, words[i], word) == 0)
            return (size_t)snprintf(text, size, "%.*s%.*s/%s", directory, slash ? places->origin : ".",
                                    (int)(length - word), place + word, file) < size;
    }
    return (size_t)snprintf(text, size, "%.*s/%s", (int)length, place, file) < size;
}

static void *open_in_places(const struct places *places, const char *file, int mode) {
    char path[PATH_MAX];
    for (const char *place = places->list; place;) {
        const char *colon = strchr(place, ':');
        size_t length = colon ? (size_t)(colon - place) : strlen(place);
        if (length > 0 && expand(path, sizeof path, place, length, places, file) && access(path, F_OK) == 0) {
            void *handle = green__real.dlopen(path, mode);
            if (handle)
                return handle;
        }
        place = colon ? colon + 1 : NULL;
    }
    return NULL;
}

static void *open_for(void *caller, const char *file, int mode) {
    if (!file || !*file || strchr(file, '/') || (mode & RTLD_NOLOAD))
        return green__real.dlopen(file, mode);
    void *handle = green__real.dlopen(file, mode | RTLD_NOLOAD);
    if (handle)
        return handle;
    struct places places = places_of(caller);
    if (places.list)
        handle = open_in_places(&places, file, mode);
    free(places.origin);
    return handle ? handle : green__real.dlopen(file, mode);
}

void *green__green_dlopen(const char *file, int mode) {
    void *handle = open_for(__builtin_return_address(0), file, mode);
    if (handle && !(mode & RTLD_NOLOAD)) {
        int error = errno;
        green__patch_new_objects();
        errno = error;
    }
    return handle;
}
