/* The dynamic linker reads only the parts of an object that it needs, so a loaded object may
 * be damaged elsewhere. Such an object is refused: reading it could crash, and a partial patch
 * would be unreliable. */
#include "elf_tables.h"

#include "../../base/libc.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

/* Before Linux 5.14, and in emulators: rt_sigprocmask() reads a set of signals before it
 * refuses the operation, and returns EFAULT if it cannot read it. It changes nothing and
 * needs no descriptor, and no seccomp filter forbids it. */
static bool can_be_read(uintptr_t first, uintptr_t end, uintptr_t page) {
    enum { NO_OPERATION = -1, KERNEL_SET_SIZE = 8 };
    for (uintptr_t address = first; address < end; address += page)
        if (green__libc.syscall(SYS_rt_sigprocmask, NO_OPERATION, (void *)address, NULL, KERNEL_SET_SIZE) < 0 &&
            errno == EFAULT)
            return false;
    return true;
}

/* Pages after the end of their file are mapped but cannot be read. */
static bool is_present(uintptr_t first, size_t size) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = first & ~(page - 1);
    int result;
    do
        result = madvise((void *)begin, first + size - begin, MADV_POPULATE_READ);
    while (result < 0 && errno == EINTR);
    if (result == 0 || errno == EFAULT || errno == EHWPOISON)
        return result == 0;
    return can_be_read(begin, first + size, page);
}

/* Whether these bytes belong to the object and can be read. */
static bool has_bytes(const green_object *object, const green_memory_map *map, const void *bytes, size_t size) {
    uintptr_t first = (uintptr_t)bytes;
    if (first < object->begin || first > object->end || size > object->end - first)
        return false;
    return green__memory_map_is_readable(map, first, size) && is_present(first, size);
}

static bool has_table(const green_object *object, const green_memory_map *map, const void *table, size_t count,
                      size_t size) {
    return (uintptr_t)table % sizeof(void *) == 0 && count <= SIZE_MAX / size &&
           has_bytes(object, map, table, count * size);
}

/* glibc relocates these entries to addresses, except in the vdso. */
static const void *address_of(const green_object *object, const ElfW(Dyn) * entry) {
    uintptr_t address = entry->d_un.d_ptr;
    return (const void *)(address < object->base ? object->base + address : address);
}

/* Reads the dynamic section without checks. Without DT_PLTREL the dynamic linker ignores
 * the slots of the PLT. */
static void read_dynamic(green_object *object, size_t *soname) {
    size_t plt_size = 0, other_size = 0;
    bool is_rela = false;
    for (size_t i = 0; i < object->dynamic_count; i++) {
        const ElfW(Dyn) *entry = &object->dynamic[i];
        switch (entry->d_tag) {
        case DT_STRTAB:
            object->strings = address_of(object, entry);
            break;
        case DT_STRSZ:
            object->strings_size = entry->d_un.d_val;
            break;
        case DT_SYMTAB:
            object->symbols = address_of(object, entry);
            break;
        case DT_SONAME:
            *soname = entry->d_un.d_val;
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
    if (object->slots[0] && is_rela)
        object->slot_counts[0] = plt_size / sizeof(ElfW(Rela));
    if (object->slots[1])
        object->slot_counts[1] = other_size / sizeof(ElfW(Rela));
}

/* Finds the end of the dynamic section. Returns false if there is none in the object's
 * memory. */
static bool measure_dynamic(green_object *object, const green_memory_map *map) {
    size_t room = object->dynamic_count;
    object->dynamic_count = 0;
    if (!has_table(object, map, object->dynamic, room, sizeof *object->dynamic))
        return false;
    for (size_t i = 0; i < room; i++)
        if (object->dynamic[i].d_tag == DT_NULL) {
            object->dynamic_count = i;
            return true;
        }
    return false;
}

static const char *check_strings(green_object *object, const green_memory_map *map, size_t soname) {
    if (!has_bytes(object, map, object->strings, object->strings_size))
        return "its string table is outside its memory";
    if (object->strings_size == 0 || object->strings[object->strings_size - 1] != '\0')
        return "its string table does not end with a NUL";
    if (soname >= object->strings_size)
        return "its soname is outside its string table";
    if (soname)
        object->soname = object->strings + soname;
    for (size_t i = 0; i < object->dynamic_count; i++)
        if (object->dynamic[i].d_tag == DT_NEEDED && object->dynamic[i].d_un.d_val >= object->strings_size)
            return "the name of a needed library is outside its string table";
    return NULL;
}

/* The number of symbols up to the last one that a slot refers to. */
static size_t count_symbols(const green_object *object) {
    size_t count = 0;
    for (int kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < object->slot_counts[kind]; i++) {
            const ElfW(Rela) *entry = &object->slots[kind][i];
            if (green__relocation_is_slot(entry) && ELF64_R_SYM(entry->r_info) >= count)
                count = (size_t)ELF64_R_SYM(entry->r_info) + 1;
        }
    return count;
}

static const char *check_slots(const green_object *object, const green_memory_map *map) {
    for (int kind = 0; kind < 2; kind++)
        if (object->slot_counts[kind] > 0 &&
            !has_table(object, map, object->slots[kind], object->slot_counts[kind], sizeof(ElfW(Rela))))
            return "its relocations are outside its memory";
    size_t count = count_symbols(object);
    if (count > 0 && !has_table(object, map, object->symbols, count, sizeof *object->symbols))
        return "a relocation refers to a symbol outside its memory";
    for (int kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < object->slot_counts[kind]; i++) {
            const ElfW(Rela) *entry = &object->slots[kind][i];
            if (green__relocation_is_slot(entry) &&
                object->symbols[ELF64_R_SYM(entry->r_info)].st_name >= object->strings_size)
                return "the name of a symbol is outside its string table";
        }
    return NULL;
}

static const char *check_tables(green_object *object, const green_memory_map *map) {
    size_t soname = 0;
    if (!object->dynamic)
        return NULL; /* statically linked */
    if (!measure_dynamic(object, map))
        return "its dynamic section does not end in its memory";
    read_dynamic(object, &soname);
    if (!object->strings || !object->symbols) {
        object->slot_counts[0] = object->slot_counts[1] = 0;
        return NULL;
    }
    const char *damage = check_strings(object, map, soname);
    return damage ? damage : check_slots(object, map);
}

void green__object_read(green_object *object, const green_memory_map *map) {
    object->damage = check_tables(object, map);
    if (object->damage)
        object->slot_counts[0] = object->slot_counts[1] = 0;
}

bool green__object_has_slot(const green_object *object, const green_memory_map *map, void *const *slot) {
    return has_table(object, map, slot, 1, sizeof *slot);
}
