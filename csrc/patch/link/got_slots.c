#include "got_slots.h"

#include "../../base/libc.h"
#include "../../base/pthread.h"
#include "array.h"
#include "relro.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

green_lock green__patches_lock = GREEN_LOCK_INITIALIZER(NULL);
green_patch *green__patches;

static green_got_slot *slots;

/* Whether a slot leads to the C library's function. Other objects may define a function of the
 * same name, such as `connect` or `send`. */
static bool leads_to_real(const green_object_slot *slot, const green_patched_call *call, const green_object *object,
                          const green_objects *objects) {
    void *value = __atomic_load_n(slot->address, __ATOMIC_RELAXED);
    if (value == call->real || value == call->taken || value == call->green)
        return value != NULL;
    if (green__object_has(object, value)) /* the object's stub for lazy binding */
        return slot->foreign && slot->in_plt;
    for (size_t i = 0; i < objects->count; i++)
        if (green__object_has(&objects->all[i], value)) {
            const char *name = green__object_name(&objects->all[i]);
            return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libpthread", 10) == 0;
        }
    return false;
}

/* Whether this is an address in green__pthread or green__libc, which must not be patched. */
static bool is_of_green(const green_object_slot *slot) {
    const void *address = slot->address;
    return (address >= (const void *)&green__pthread && address < (const void *)(&green__pthread + 1)) ||
           (address >= (const void *)&green__libc && address < (const void *)(&green__libc + 1));
}

static green_got_slot *slot_at(void **address) {
    green_got_slot *slot = slots;
    while (slot && slot->address != address)
        slot = slot->next;
    return slot;
}

static bool owns(const green_patch *patch, const green_got_slot *slot) {
    for (size_t i = 0; i < patch->count; i++)
        if (patch->slots[i] == slot)
            return true;
    return false;
}

static void slot_free(green_got_slot *slot) {
    if (!slot)
        return;
    free(slot->object);
    free(slot->soname);
    free(slot);
}

static green_got_slot *slot_make(const green_object_slot *found, const green_patched_call *call,
                                 const green_object *object) {
    green_got_slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->address = found->address;
    slot->call = call;
    slot->base = object->base;
    slot->object = strdup(object->path);
    slot->soname = strdup(object->soname ? object->soname : "");
    if (slot->object && slot->soname)
        return slot;
    slot_free(slot);
    return NULL;
}

static bool make_room(green_patch *patch) {
    green_got_slot **larger =
        green__array_reserve(patch->slots, patch->count, &patch->capacity, sizeof(green_got_slot *));
    if (larger)
        patch->slots = larger;
    return larger != NULL;
}

/* Patches a slot and makes the patch an owner of it. */
static int patch_slot(green_patch *patch, const green_object_slot *found, const green_patched_call *call,
                      const green_object *object, const green_memory_map *map) {
    green_got_slot *slot = slot_at(found->address);
    bool is_new = !slot;
    if (!make_room(patch) || (is_new && !(slot = slot_make(found, call, object))))
        return green__fail(-ENOMEM, "cannot record the patched slots of '%s'", object->path);
    void *value = __atomic_load_n(found->address, __ATOMIC_RELAXED);
    if (value != call->green) {
        int protection = green__memory_map_protection(map, found->address);
        int error = green__relro_write(found->address, call->green, protection);
        if (error < 0 && is_new)
            slot_free(slot);
        if (error < 0)
            return error;
        slot->previous = value;
        slot->protection = protection;
    }
    if (is_new) {
        slot->next = slots;
        slots = slot;
    }
    if (!owns(patch, slot)) {
        patch->slots[patch->count++] = slot;
        slot->owners++;
    }
    return 0;
}

int green__got_slots_patch(green_patch *patch, unsigned families, const green_object *object,
                           const green_objects *objects, const green_memory_map *map) {
    families &= green__scope_families(object);
    size_t at = 0;
    int error = 0;
    if (object->damage)
        return green__fail(-ENOEXEC, "cannot patch '%s': it is damaged: %s", object->path, object->damage);
    for (green_object_slot found; error == 0 && green__object_next_slot(object, &at, &found);) {
        const green_patched_call *call = green__patched_call_named(found.name);
        if (!call || !(call->family & families) || is_of_green(&found))
            continue;
        if (!green__object_has_slot(object, map, found.address))
            error = green__fail(-ENOEXEC, "cannot patch '%s': it is damaged: the slot of %s() is outside its memory",
                                object->path, call->name);
        else if (leads_to_real(&found, call, object, objects))
            error = patch_slot(patch, &found, call, object, map);
    }
    return error;
}

/* Whether the object of a slot has not been unloaded since. An object that was loaded in its place
 * has other values, or is shorter if its file was replaced; slots that other code has changed are
 * treated alike. */
static bool still_exists(const green_got_slot *slot, const green_objects *objects, const green_memory_map *map) {
    for (size_t i = 0; i < objects->count; i++)
        if (objects->all[i].base == slot->base && strcmp(objects->all[i].path, slot->object) == 0)
            return green__object_has_slot(&objects->all[i], map, slot->address) &&
                   __atomic_load_n(slot->address, __ATOMIC_RELAXED) == slot->call->green;
    return false;
}

static void disown(green_patch *patch, const green_objects *objects, const green_memory_map *map) {
    size_t kept = 0;
    for (size_t i = 0; i < patch->count; i++)
        if (still_exists(patch->slots[i], objects, map))
            patch->slots[kept++] = patch->slots[i];
    patch->count = kept;
}

void green__got_slots_forget_unloaded(const green_objects *objects, const green_memory_map *map) {
    static unsigned long long unloaded; /* at the last call */
    if (objects->unloaded == unloaded)
        return;
    unloaded = objects->unloaded;
    for (green_patch *patch = green__patches; patch; patch = patch->next)
        disown(patch, objects, map);
    for (green_got_slot **place = &slots; *place;) {
        green_got_slot *slot = *place;
        if (still_exists(slot, objects, map)) {
            place = &slot->next;
        } else {
            *place = slot->next;
            slot_free(slot);
        }
    }
}

static void record_free(green_got_slot *slot) {
    green_got_slot **place = &slots;
    while (*place != slot)
        place = &(*place)->next;
    *place = slot->next;
    slot_free(slot);
}

/* Skips a slot if other code has changed its value since. */
static int restore_loaded(void *context) {
    const green_got_slot *slot = context;
    if (__atomic_load_n(slot->address, __ATOMIC_RELAXED) != slot->call->green)
        return 0;
    return green__relro_write(slot->address, slot->previous, slot->protection);
}

/* Another OS thread may unload the object at any time. */
static int restore(green_got_slot *slot) {
    return green__object_while_loaded(slot->object, slot->base, slot->address, restore_loaded, slot);
}

int green__got_slots_restore(green_patch *patch) {
    size_t kept = 0;
    int error = 0;
    for (size_t i = 0; i < patch->count; i++) {
        green_got_slot *slot = patch->slots[i];
        int failure = slot->owners == 1 ? restore(slot) : 0;
        if (failure < 0) {
            error = failure;
            patch->slots[kept++] = slot;
        } else if (--slot->owners == 0) {
            record_free(slot);
        }
    }
    patch->count = kept;
    return error;
}

bool green__got_slots_has_object(const char *object) {
    for (const green_got_slot *slot = slots; slot; slot = slot->next) {
        const green_object recorded = {.path = slot->object, .soname = slot->soname};
        if (green__object_is(&recorded, object))
            return true;
    }
    return false;
}
