/* The functions of green/patch.h. */
#include "../../base/loaded_objects.h"
#include "../io/fd_in_use.h"
#include "../io/file.h"
#include "../io/nonblocking.h"
#include "../lock/parking_lot.h"
#include "../signal/action.h"
#include "../thread/pthread.h"
#include "../thread/pthread_specific.h"
#include "dlopen.h"
#include "got_slots.h"
#include "openssl_errors.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

/* The objects and the memory map of the process at one moment. */
struct snapshot {
    green_objects objects;
    green_memory_map map;
};

/* The caller holds green__patches_lock. */
static int snapshot_read(struct snapshot *snapshot) {
    int error = green__objects_list(&snapshot->objects);
    if (error < 0)
        return error;
    error = green__memory_map_read(&snapshot->map);
    if (error < 0)
        green__objects_free(&snapshot->objects);
    for (size_t i = 0; error == 0 && i < snapshot->objects.count; i++)
        green__object_read(&snapshot->objects.all[i], &snapshot->map);
    if (error == 0)
        green__got_slots_forget_unloaded(&snapshot->objects, &snapshot->map);
    return error;
}

static void snapshot_free(struct snapshot *snapshot) {
    green__memory_map_free(&snapshot->map);
    green__objects_free(&snapshot->objects);
}

static void patch_new_objects(void);

static int begin(void) {
    int error = green__loaded_objects_register_lock();
    if (error == 0)
        error = green__signal_actions_register_lock(); /* before the lock under which it is taken */
    if (error == 0)
        error = green__lock_register(&green__patches_lock);
    if (error == 0)
        error = green__nonblocking_register_lock();
    if (error == 0)
        error = green__parking_lot_register_lock();
    if (error == 0)
        error = green__pthread_register_lock();
    if (error < 0)
        return error;
    green__lock(&green__patches_lock);
    __atomic_store_n(&green__dlopen_hook, patch_new_objects, __ATOMIC_RELEASE);
    error = green__patched_calls_find();
    if (error < 0)
        green__unlock(&green__patches_lock);
    return error;
}

static int check_families(unsigned *families) {
    unsigned unknown = *families & ~(unsigned)GREEN_PATCH_KNOWN;
    if (unknown)
        return green__fail(-EINVAL, "cannot patch: families is 0x%x, but 0x%x is not a family", *families, unknown);
    if (*families == 0)
        *families = GREEN_PATCH_ALL;
    if (*families & GREEN_PATCH_THREAD)
        *families |= GREEN_PATCH_LOCK;
    return 0;
}

static green_patch *patch_make(unsigned families) {
    green_patch *patch = calloc(1, sizeof *patch);
    if (!patch) {
        green__fail(-ENOMEM, "cannot make a patch");
        return NULL;
    }
    patch->families = families;
    return patch;
}

static void patch_free(green_patch *patch) {
    free(patch->slots);
    free(patch);
}

/* Patches the chosen objects, all or none of them. The caller holds green__patches_lock. */
static int patch_chosen(green_patch *patch, const struct snapshot *snapshot, const bool *chosen) {
    for (size_t i = 0; i < snapshot->objects.count; i++) {
        unsigned families = patch->families;
        if (!chosen[i])
            families &= green__scope_includes_locks(&snapshot->objects, i, chosen) ? GREEN_PATCH_LOCK : 0;
        if (!families)
            continue;
        int error =
            green__got_slots_patch(patch, families, &snapshot->objects.all[i], &snapshot->objects, &snapshot->map);
        if (error < 0) {
            (void)green__got_slots_restore(patch);
            return error;
        }
    }
    green__openssl_errors_watch(&snapshot->objects, chosen);
    return 0;
}

static void update_families(void) {
    unsigned families = 0;
    for (const green_patch *patch = green__patches; patch; patch = patch->next)
        families |= patch->families;
    __atomic_store_n(&green__patched_families, families, __ATOMIC_RELAXED);
}

static void publish(green_patch *patch) {
    green__patch_files_count(patch->families & GREEN_PATCH_FILE ? 1 : 0);
    patch->next = green__patches;
    green__patches = patch;
    update_families();
}

/* Importing ---------------------------------------------------------------- */

static size_t find_object(const green_objects *objects, const char *name) {
    size_t i = 0;
    while (i < objects->count && !green__object_is(&objects->all[i], name))
        i++;
    return i;
}

static int choose_also(const green_objects *objects, const green_import_options *options, bool *chosen) {
    for (size_t i = 0; i < options->also_count; i++) {
        size_t index = find_object(objects, options->also[i]);
        if (index == objects->count)
            return green__fail(-ENOENT, "cannot patch '%s': no loaded object has this name", options->also[i]);
        if (green__scope_excludes(&objects->all[index]))
            return green__fail(-EINVAL, "cannot patch '%s': it is part of the C library or of Green", options->also[i]);
        chosen[index] = true;
    }
    return 0;
}

static int choose(const green_objects *objects, const struct link_map *library, const char *name,
                  const green_import_options *options, bool *chosen) {
    size_t root = 0;
    while (root < objects->count && (const ElfW(Dyn) *)library->l_ld != objects->all[root].dynamic)
        root++;
    if (root == objects->count)
        return green__fail(-ENOENT, "cannot patch '%s': it is not among the loaded objects", name);
    if (green__scope_excludes(&objects->all[root]))
        return green__fail(-EINVAL, "cannot patch '%s': it is part of the C library or of Green", name);
    int error = green__scope_choose(objects, root, chosen);
    return error < 0 ? error : choose_also(objects, options, chosen);
}

static int import_loaded(green_patch *patch, const struct link_map *library, const char *name,
                         const green_import_options *options) {
    struct snapshot snapshot;
    int error = snapshot_read(&snapshot);
    if (error < 0)
        return error;
    bool *chosen = calloc(snapshot.objects.count, sizeof *chosen);
    if (!chosen)
        error = green__fail(-ENOMEM, "cannot choose the objects to patch with '%s'", name);
    if (error == 0)
        error = choose(&snapshot.objects, library, name, options, chosen);
    if (error == 0)
        error = patch_chosen(patch, &snapshot, chosen);
    if (error == 0 && patch->count == 0)
        error = green__fail(-ENODATA, "cannot patch '%s': it has no slot of a call that can be made green", name);
    free(chosen);
    snapshot_free(&snapshot);
    return error;
}

/* Never closes the handle, because green threads may be executing the library. */
static int load(const char *library, struct link_map **map) {
    void *handle = dlopen(library, RTLD_NOW);
    if (!handle)
        return green__fail(-ENOENT, "cannot load '%s': %s", library, dlerror());
    if (dlinfo(handle, RTLD_DI_LINKMAP, map) < 0)
        return green__fail(-ENOENT, "cannot patch '%s': %s", library, dlerror());
    return 0;
}

static int discard(green_patch *made, int error) {
    patch_free(made);
    return error;
}

/* Ends what begin() has begun. On success the caller owns *patch. */
static int conclude(green_patch **patch, green_patch *made, int error) {
    if (error == 0)
        publish(made);
    green__unlock(&green__patches_lock);
    if (error < 0)
        return discard(made, error);
    *patch = made;
    return 0;
}

int green_import_patched(green_patch **patch, const char *library, const green_import_options *given) {
    green_import_options options = given ? *given : (green_import_options){0};
    struct link_map *map;
    *patch = NULL;
    int error = check_families(&options.families);
    if (error == 0)
        error = load(library, &map);
    if (error < 0)
        return error;
    green_patch *made = patch_make(options.families);
    if (!made)
        return -ENOMEM;
    error = begin();
    if (error < 0)
        return discard(made, error);
    return conclude(patch, made, import_loaded(made, map, library, &options));
}

/* The whole program -------------------------------------------------------- */

/* Returns NULL if there is no memory. */
static bool *choose_everything(const green_objects *objects) {
    bool *chosen = calloc(objects->count, sizeof *chosen);
    for (size_t i = 0; chosen && i < objects->count; i++)
        chosen[i] = !green__scope_excludes(&objects->all[i]);
    return chosen;
}

/* The caller holds green__patches_lock. */
static int patch_everything(green_patch *patch) {
    struct snapshot snapshot;
    int error = snapshot_read(&snapshot);
    if (error < 0)
        return error;
    bool *chosen = choose_everything(&snapshot.objects);
    if (!chosen)
        error = green__fail(-ENOMEM, "cannot choose the objects of the program to patch");
    if (error == 0)
        error = patch_chosen(patch, &snapshot, chosen);
    free(chosen);
    snapshot_free(&snapshot);
    return error;
}

/* Patches what has been loaded since. Errors are only logged, because dlopen() has succeeded. */
static void complete(green_patch *patch) {
    struct snapshot snapshot;
    if (snapshot_read(&snapshot) < 0)
        return;
    bool *chosen = choose_everything(&snapshot.objects);
    for (size_t i = 0; chosen && i < snapshot.objects.count; i++) {
        const green_object *object = &snapshot.objects.all[i];
        int error = 0;
        if (chosen[i])
            error = green__got_slots_patch(patch, patch->families, object, &snapshot.objects, &snapshot.map);
        if (error < 0)
            green__debug("'%s' was loaded, but is not completely patched: %s", object->path, green_explain(error));
    }
    if (chosen)
        green__openssl_errors_watch(&snapshot.objects, chosen);
    free(chosen);
    snapshot_free(&snapshot);
}

/* For each patch of green_monkey_patch(). */
static void patch_new_objects(void) {
    green__lock(&green__patches_lock);
    for (green_patch *patch = green__patches; patch; patch = patch->next)
        if (patch->everywhere)
            complete(patch);
    green__unlock(&green__patches_lock);
}

int green_monkey_patch(green_patch **patch, unsigned families) {
    *patch = NULL;
    int error = check_families(&families);
    if (error < 0)
        return error;
    green_patch *made = patch_make(families | GREEN_PATCH_DLOPEN);
    if (!made)
        return -ENOMEM;
    made->everywhere = true;
    error = begin();
    if (error < 0)
        return discard(made, error);
    return conclude(patch, made, patch_everything(made));
}

/* Undoing, reporting ------------------------------------------------------- */

static void withdraw(const green_patch *patch) {
    green_patch **place = &green__patches;
    while (*place != patch)
        place = &(*place)->next;
    *place = patch->next;
    update_families();
    green__patch_files_count(patch->families & GREEN_PATCH_FILE ? -1 : 0);
}

static bool is_last_with(unsigned family, const green_patch *patch) {
    if (!(patch->families & family))
        return false;
    for (const green_patch *other = green__patches; other; other = other->next)
        if (other != patch && (other->families & family))
            return false;
    return true;
}

/* Whether calls that take thread ids would go to the C library again, where the id of a green
 * thread is an invalid address. */
static bool invalidates_ids(const green_patch *patch) {
    if (!(patch->families & GREEN_PATCH_THREAD))
        return false;
    for (size_t i = 0; i < patch->count; i++)
        if (patch->slots[i]->owners == 1 && (patch->slots[i]->call->family & (GREEN_PATCH_THREAD | GREEN_PATCH_LOCK)))
            return true;
    return false;
}

/* The caller holds green__patches_lock. */
static int check_ids(const green_patch *patch) {
    size_t count = green__pthread_count();
    if (count == 0 || !invalidates_ids(patch))
        return 0;
    return green__fail(-EBUSY,
                       "cannot undo the patch: %zu green threads of pthread_create() have not ended, or are neither "
                       "joined nor detached",
                       count);
}

int green_unpatch(green_patch *patch) {
    if (!patch)
        return 0;
    unsigned families = patch->families;
    if (families & GREEN_PATCH_FILE)
        green__fd_in_use_drain(); /* an unpatched close() does not wait for file calls */
    green__lock(&green__patches_lock);
    int error = check_ids(patch);
    if (error == 0)
        error = green__got_slots_restore(patch);
    if (error == 0) {
        if (is_last_with(GREEN_PATCH_THREAD, patch))
            green__pthread_specific_forget_keys();
        if (is_last_with(GREEN_PATCH_SIGNAL, patch))
            green__signal_actions_restore();
        withdraw(patch);
        patch_free(patch);
    }
    green__unlock(&green__patches_lock);
    if (families & GREEN_PATCH_LOCK)
        green__parking_lot_wake_all(); /* unpatched calls wake no green thread */
    return error;
}

bool green_is_patched(const char *object) {
    bool found = false;
    green__lock(&green__patches_lock);
    if (object)
        found = green__got_slots_has_object(object);
    else
        for (const green_patch *patch = green__patches; patch && !found; patch = patch->next)
            found = patch->everywhere;
    green__unlock(&green__patches_lock);
    return found;
}

/* Whether an earlier slot of the patch belongs to the same line of the report. */
static bool is_counted(const green_patch *patch, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (patch->slots[i]->call == patch->slots[index]->call && patch->slots[i]->base == patch->slots[index]->base)
            return true;
    return false;
}

bool green_patch_report(green_patch *patch, size_t index, green_patch_line *line) {
    bool found = false;
    green__lock(&green__patches_lock);
    for (size_t i = 0; i < patch->count && !found; i++) {
        const green_got_slot *slot = patch->slots[i];
        if (is_counted(patch, i) || index-- > 0)
            continue;
        *line = (green_patch_line){.object = slot->object, .symbol = slot->call->name};
        for (size_t j = i; j < patch->count; j++)
            line->count += patch->slots[j]->call == slot->call && patch->slots[j]->base == slot->base;
        found = true;
    }
    green__unlock(&green__patches_lock);
    return found;
}
