#include "backtrace.h"

#include "../base/descriptor.h"

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

/* Demangles the names of Swift symbols. Absent without Swift. */
extern char *swift_demangle(const char *name, size_t length, char *buffer, size_t *size, uint32_t flags)
    __attribute__((weak));

void green__backtrace_prepare(void) {
    void *frame;
    backtrace(&frame, 1);
}

static void *interrupted_at(const ucontext_t *context) {
#if defined(__x86_64__)
    return (void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)context->uc_mcontext.pc;
#endif
}

size_t green__backtrace_interrupted(void *frames[GREEN_FRAMES_MAX], const void *context) {
    enum { HANDLERS = 16 }; /* frames of the handler, and of a sanitizer's around it */
    void *all[GREEN_FRAMES_MAX + HANDLERS];
    int count = backtrace(all, GREEN_FRAMES_MAX + HANDLERS), first = 0;
    while (first < count && all[first] != interrupted_at(context))
        first++;
    if (first == count)
        first = 0; /* not found: all frames */
    count = count - first < GREEN_FRAMES_MAX ? count - first : GREEN_FRAMES_MAX;
    memcpy(frames, all + first, (size_t)count * sizeof *frames);
    return (size_t)count;
}

/* Symbol tables -------------------------------------------------------------- */

/* An ELF file. The dynamic linker knows only the functions that a file exports, and a
 * program exports none. The others are in its symbol table, unless it was stripped. */
struct image {
    const char *bytes;
    size_t size;
};

static bool image_open(struct image *image, const char *path) {
    struct stat status;
    int fd = green__open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    *image = (struct image){.bytes = MAP_FAILED};
    if (fstat(fd, &status) == 0 && (size_t)status.st_size > sizeof(Elf64_Ehdr)) {
        image->size = (size_t)status.st_size;
        image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    return image->bytes != MAP_FAILED;
}

static const void *image_part(const struct image *image, uint64_t offset, uint64_t size) {
    return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

/* The first section of a type, or with SHT_NULL the section with this index. */
static const Elf64_Shdr *section(const struct image *image, uint32_t type, uint32_t index) {
    const Elf64_Ehdr *header = (const void *)image->bytes;
    const Elf64_Shdr *sections = image_part(image, header->e_shoff, header->e_shnum * sizeof *sections);
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 || !sections)
        return NULL;
    for (uint32_t i = 0; i < header->e_shnum; i++)
        if (type == SHT_NULL ? i == index : sections[i].sh_type == type)
            return &sections[i];
    return NULL;
}

/* The name of the function at an address of the file, which the caller frees, or NULL. */
static char *symbol_at(const struct image *image, uint64_t address, uint64_t *begin) {
    const Elf64_Shdr *table = section(image, SHT_SYMTAB, 0);
    const Elf64_Shdr *strings = table ? section(image, SHT_NULL, table->sh_link) : NULL;
    const Elf64_Sym *symbols = table ? image_part(image, table->sh_offset, table->sh_size) : NULL;
    const char *names = strings ? image_part(image, strings->sh_offset, strings->sh_size) : NULL;
    if (!symbols || !names)
        return NULL;
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
        const Elf64_Sym *symbol = &symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_name >= strings->sh_size)
            continue;
        if (address - symbol->st_value < symbol->st_size) {
            *begin = symbol->st_value;
            return strndup(names + symbol->st_name, strings->sh_size - symbol->st_name);
        }
    }
    return NULL;
}

static char *symbol_in(const char *path, uint64_t address, uint64_t *begin) {
    struct image image;
    if (!image_open(&image, path))
        return NULL;
    char *name = symbol_at(&image, address, begin);
    munmap((void *)image.bytes, image.size);
    return name;
}

/* Lines ---------------------------------------------------------------------- */

static char *demangle(char *name) {
    char *better = name && swift_demangle ? swift_demangle(name, strlen(name), NULL, NULL, 0) : NULL;
    if (!better)
        return name;
    free(name);
    return better;
}

/* Looks up the byte before a return address: the call may be the last instruction of its
 * function. */
static void print_frame(FILE *file, size_t index, void *frame) {
    Dl_info info = {0};
    struct link_map *map = NULL;
    uintptr_t place = (uintptr_t)frame - (index > 0);
    fprintf(file, "  #%-2zu %p", index, frame);
    if (dladdr1((void *)place, &info, (void **)&map, RTLD_DL_LINKMAP) != 0 && info.dli_fname) {
        bool is_program = map && !map->l_name[0];
        uint64_t base = map ? map->l_addr : (uintptr_t)info.dli_fbase, begin = (uintptr_t)info.dli_saddr - base;
        char *name = info.dli_sname ? strdup(info.dli_sname)
                                    : symbol_in(is_program ? "/proc/self/exe" : info.dli_fname, place - base, &begin);
        name = demangle(name);
        if (name)
            fprintf(file, " %s + %lu", name, (unsigned long)((uintptr_t)frame - base - begin));
        fprintf(file, " in %s + 0x%lx", info.dli_fname, (unsigned long)((uintptr_t)frame - base));
        free(name);
    }
    fputc('\n', file);
}

void green__backtrace_print(FILE *file, void *const *frames, size_t count) {
    for (size_t i = 0; i < count; i++)
        print_frame(file, i, frames[i]);
}
