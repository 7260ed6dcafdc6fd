#include "elf.h"

#include "../../base/loaded_objects.h"
#include "array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_segments(green_object *object, const struct dl_phdr_info *info) {
    object->begin = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_DYNAMIC) {
            object->dynamic = (const ElfW(Dyn) *)begin;
            object->dynamic_count = segment->p_memsz / sizeof *object->dynamic;
        }
        if (segment->p_type != PT_LOAD)
            continue;
        if (begin < object->begin)
            object->begin = begin;
        if (begin + segment->p_memsz > object->end)
            object->end = begin + segment->p_memsz;
    }
}

/* The dynamic linker has no path for the program. */
static char *path_of(const struct dl_phdr_info *info, bool is_program) {
    char path[4096];
    if (!is_program)
        return strdup(info->dlpi_name ? info->dlpi_name : "");
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        return strdup("the program");
    path[length] = 0;
    return strdup(path);
}

/* Must not call functions of the dynamic linker, which holds a lock. */
static int add(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    green_objects *objects = context;
    green_object *all = green__array_reserve(objects->all, objects->count, &objects->capacity, sizeof *all);
    if (!all)
        return -ENOMEM;
    objects->all = all;
    green_object *object = &objects->all[objects->count];
    *object = (green_object){.base = info->dlpi_addr};
    object->path = path_of(info, objects->count == 0);
    if (!object->path)
        return -ENOMEM;
    read_segments(object, info);
    objects->unloaded = info->dlpi_subs;
    objects->count++;
    return 0;
}

int green__objects_list(green_objects *objects) {
    *objects = (green_objects){0};
    int error = green__loaded_objects_each(add, objects);
    if (error == 0)
        return 0;
    green__objects_free(objects);
    return green__fail(error, "cannot list the loaded objects");
}

void green__objects_free(green_objects *objects) {
    for (size_t i = 0; i < objects->count; i++)
        free(objects->all[i].path);
    free(objects->all);
    *objects = (green_objects){0};
}

struct search {
    const char *path;
    uintptr_t base;
    const void *address;
    int (*act)(void *context);
    void *context;
    int result;
    bool is_first;
};

static int act_if_wanted(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct search *search = context;
    green_object object = {0};
    bool is_program = search->is_first;
    search->is_first = false;
    if (info->dlpi_addr != search->base || (!is_program && strcmp(info->dlpi_name, search->path) != 0))
        return 0;
    read_segments(&object, info);
    if (!green__object_has(&object, search->address))
        return 0;
    search->result = search->act(search->context);
    return 1;
}

int green__object_while_loaded(const char *path, uintptr_t base, const void *address, int (*act)(void *context),
                               void *context) {
    struct search search = {path, base, address, act, context, 0, true};
    (void)green__loaded_objects_each(act_if_wanted, &search);
    return search.result;
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *green__object_name(const green_object *object) {
    return file_name(object->path);
}

bool green__object_is(const green_object *object, const char *name) {
    return strcmp(object->path, name) == 0 || strcmp(file_name(object->path), name) == 0 ||
           (object->soname && strcmp(object->soname, name) == 0);
}

size_t green__objects_find(const green_objects *objects, const char *name) {
    size_t i = 0;
    while (i < objects->count && !green__object_is(&objects->all[i], name))
        i++;
    return i;
}

const char *green__object_needs(const green_object *object, size_t *at) {
    if (object->damage)
        return NULL;
    while (*at < object->dynamic_count) {
        const ElfW(Dyn) *entry = &object->dynamic[(*at)++];
        if (entry->d_tag == DT_NEEDED)
            return object->strings + entry->d_un.d_val;
    }
    return NULL;
}

const char *green__object_search_path(const green_object *object) {
    const ElfW(Dyn) *path = NULL;
    for (size_t i = 0; !object->damage && i < object->dynamic_count; i++) {
        const ElfW(Dyn) *entry = &object->dynamic[i];
        if (entry->d_tag == DT_RUNPATH || (entry->d_tag == DT_RPATH && !path))
            path = entry;
    }
    return path && path->d_un.d_val < object->strings_size ? object->strings + path->d_un.d_val : NULL;
}

bool green__object_next_slot(const green_object *object, size_t *at, green_object_slot *slot) {
    size_t first = object->slot_counts[0], count = first + object->slot_counts[1];
    while (*at < count) {
        size_t index = (*at)++;
        const ElfW(Rela) *entry = index < first ? &object->slots[0][index] : &object->slots[1][index - first];
        if (!green__relocation_is_slot(entry))
            continue;
        const ElfW(Sym) *symbol = &object->symbols[ELF64_R_SYM(entry->r_info)];
        *slot = (green_object_slot){
            .address = (void **)(object->base + entry->r_offset),
            .name = object->strings + symbol->st_name,
            .foreign = symbol->st_shndx == SHN_UNDEF,
            .in_plt = ELF64_R_TYPE(entry->r_info) == GREEN_SLOT_PLT,
        };
        return true;
    }
    return false;
}
