/* dlopen() in a program patched by green_monkey_patch(). */
#include "dlopen.h"

#include "elf_tables.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*green__dlopen_hook)(void);

/* The dynamic linker uses the search path of the object that calls dlopen(), which now is the
 * object that contains Green. So the search path of the real caller is tried first, unless a
 * library of that name is loaded. */
struct search_path {
    const char *directories; /* separated by colons, or NULL */
    char *origin;            /* the path of the calling object; owned */
};

static struct search_path search_path_of(const void *caller) {
    struct search_path path = {0};
    green_objects objects;
    green_memory_map map;
    if (green__objects_list(&objects) < 0)
        return path;
    for (size_t i = 0; !path.origin && i < objects.count; i++) {
        green_object *object = &objects.all[i];
        if (!green__object_has(object, caller) || green__memory_map_read(&map) < 0)
            continue;
        green__object_read(object, &map);
        green__memory_map_free(&map);
        path = (struct search_path){green__object_search_path(object), object->path};
        object->path = NULL;
    }
    green__objects_free(&objects);
    return path;
}

/* The path of a file in a directory such as "$ORIGIN/../lib". Returns false if it is too
 * long. */
static bool expand(char *text, size_t size, const char *directory, size_t length, const char *origin,
                   const char *file) {
    static const char *const words[] = {"$ORIGIN", "${ORIGIN}"};
    const char *slash = strrchr(origin, '/');
    int origin_length = slash ? (int)(slash - origin) : 1;
    for (size_t i = 0; i < 2; i++) {
        size_t word = strlen(words[i]);
        if (length >= word && strncmp(directory, words[i], word) == 0)
            return (size_t)snprintf(text, size, "%.*s%.*s/%s", origin_length, slash ? origin : ".",
                                    (int)(length - word), directory + word, file) < size;
    }
    return (size_t)snprintf(text, size, "%.*s/%s", (int)length, directory, file) < size;
}

static void *open_in_directories(const struct search_path *search, const char *file, int mode) {
    char path[PATH_MAX];
    for (const char *directory = search->directories; directory;) {
        const char *colon = strchr(directory, ':');
        size_t length = colon ? (size_t)(colon - directory) : strlen(directory);
        if (length > 0 && expand(path, sizeof path, directory, length, search->origin, file) &&
            access(path, F_OK) == 0) {
            void *handle = green__real.dlopen(path, mode);
            if (handle)
                return handle;
        }
        directory = colon ? colon + 1 : NULL;
    }
    return NULL;
}

static void *open_for(void *caller, const char *file, int mode) {
    if (!file || !*file || strchr(file, '/') || (mode & RTLD_NOLOAD))
        return green__real.dlopen(file, mode);
    void *handle = green__real.dlopen(file, mode | RTLD_NOLOAD);
    if (handle)
        return handle;
    struct search_path search = search_path_of(caller);
    if (search.directories)
        handle = open_in_directories(&search, file, mode);
    free(search.origin);
    return handle ? handle : green__real.dlopen(file, mode);
}

void *green__green_dlopen(const char *file, int mode) {
    void *handle = open_for(__builtin_return_address(0), file, mode);
    if (handle && !(mode & RTLD_NOLOAD)) {
        int error = errno;
        __atomic_load_n(&green__dlopen_hook, __ATOMIC_ACQUIRE)();
        errno = error;
    }
    return handle;
}
