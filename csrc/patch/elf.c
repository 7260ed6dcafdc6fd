#include "elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
enum { SLOT_PLT = R_X86_64_JUMP_SLOT, SLOT_GOT = R_X86_64_GLOB_DAT, SLOT_DATA = R_X86_64_64 };
#elif defined(__aarch64__)
enum { SLOT_PLT = R_AARCH64_JUMP_SLOT, SLOT_GOT = R_AARCH64_GLOB_DAT, SLOT_DATA = R_AARCH64_ABS64 };
#else
#error "patching knows the relocations of x86_64 and aarch64"
#endif

/* glibc turns what stands here into addresses, except in the vdso. */
static const void *address_of(const green_object *object, const ElfW(Dyn) * entry) {
    uintptr_t address = entry->d_un.d_ptr;
    return (const void *)(address < object->base ? object->base + address : address);
}

static void read_dynamic(green_object *object) {
    size_t soname = 0, plt_size = 0, other_size = 0;
    bool is_rela = true;
    for (const ElfW(Dyn) *entry = object->dynamic; entry && entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_STRTAB:
            object->strings = address_of(object, entry);
            break;
        case DT_SYMTAB:
            object->symbols = address_of(object, entry);
            break;
        case DT_SONAME:
            soname = entry->d_un.d_val;
            break;
        case DT_JMPREL:
            object->slots[0] = address_of(object, entry);
            break;
        case DT_PLTRELSZ:
            plt_size = entry->d_un.d_val;
            break;
        case DT_PLTREL:
            is_rela = entry->d_un.d_val == DT_RELA;
            break;
        case DT_RELA:
            object->slots[1] = address_of(object, entry);
            break;
        case DT_RELASZ:
            other_size = entry->d_un.d_val;
            break;
        }
    }
    if (!object->strings || !object->symbols)
        return;
    if (soname)
        object->soname = object->strings + soname;
    if (object->slots[0] && is_rela)
        object->slot_counts[0] = plt_size / sizeof(ElfW(Rela));
    if (object->slots[1])
        object->slot_counts[1] = other_size / sizeof(ElfW(Rela));
}

static void read_segments(green_object *object, const struct dl_phdr_info *info) {
    object->first = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_DYNAMIC)
            object->dynamic = (const ElfW(Dyn) *)begin;
        if (segment->p_type != PT_LOAD)
            continue;
        if (begin < object->first)
            object->first = begin;
        if (begin + segment->p_memsz > object->behind)
            object->behind = begin + segment->p_memsz;
    }
}

/* The program's own has no name. */
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

/* Nothing of the dynamic linker's may be called in here: it holds a lock. */
static int add(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    green_objects *objects = context;
    if (objects->count == objects->capacity) {
        size_t capacity = objects->capacity ? objects->capacity * 2 : 32;
        green_object *larger = realloc(objects->all, capacity * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        objects->all = larger;
        objects->capacity = capacity;
    }
    green_object *object = &objects->all[objects->count];
    *object = (green_object){.base = info->dlpi_addr};
    object->path = path_of(info, objects->count == 0);
    if (!object->path)
        return -ENOMEM;
    read_segments(object, info);
    read_dynamic(object);
    objects->count++;
    return 0;
}

int green__objects_list(green_objects *objects) {
    *objects = (green_objects){0};
    int error = dl_iterate_phdr(add, objects);
    if (error == 0)
        return 0;
    green__objects_free(objects);
    return green__fail(error, "patching: no memory for the list of loaded objects");
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
    bool is_first;
};

static int meet(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct search *search = context;
    green_object object = {0};
    bool is_program = search->is_first;
    search->is_first = false;
    if (info->dlpi_addr != search->base || (!is_program && strcmp(info->dlpi_name, search->path) != 0))
        return 0;
    read_segments(&object, info);
    return green__object_has(&object, search->address);
}

bool green__object_is_loaded(const char *path, uintptr_t base, const void *address) {
    struct search search = {path, base, address, true};
    return dl_iterate_phdr(meet, &search) > 0;
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

const char *green__object_needs(const green_object *object, size_t *at) {
    if (!object->dynamic || !object->strings)
        return NULL;
    for (const ElfW(Dyn) *entry = &object->dynamic[*at]; entry->d_tag != DT_NULL; entry++) {
        ++*at;
        if (entry->d_tag == DT_NEEDED)
            return object->strings + entry->d_un.d_val;
    }
    return NULL;
}

static const green_call *call_named(const char *name) {
    for (size_t i = 0; i < green__call_count; i++)
        if (strcmp(green__calls[i].name, name) == 0)
            return &green__calls[i];
    return NULL;
}

bool green__object_next_slot(const green_object *object, size_t *at, green_found_slot *slot) {
    size_t first = object->slot_counts[0], count = first + object->slot_counts[1];
    while (*at < count) {
        size_t index = (*at)++;
        const ElfW(Rela) *entry = index < first ? &object->slots[0][index] : &object->slots[1][index - first];
        unsigned type = ELF64_R_TYPE(entry->r_info), symbol = ELF64_R_SYM(entry->r_info);
        if (symbol == 0 || (type != SLOT_PLT && type != SLOT_GOT && (type != SLOT_DATA || entry->r_addend != 0)))
            continue;
        const green_call *call = call_named(object->strings + object->symbols[symbol].st_name);
        if (!call)
            continue;
        *slot = (green_found_slot){
            .address = (void **)(object->base + entry->r_offset),
            .call = call,
            .foreign = object->symbols[symbol].st_shndx == SHN_UNDEF,
            .in_plt = type == SLOT_PLT,
        };
        return true;
    }
    return false;
}
