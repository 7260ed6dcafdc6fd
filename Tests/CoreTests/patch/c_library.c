/* The C library's functions that block: each has a green version, or stands in a list with the reason. */
#include "c_library.h"

#include "../../../csrc/patch/calls.h"
#include "../../../csrc/patch/link/aliases.h"
#include "patches.h"

#include <link.h>
#include <stdio.h>

#define NAME(family, name) #name,
#define ALIAS(family, alias, name) #alias,
static const char *const reached[] = {GREEN_PATCH_CALLS(NAME) GREEN_PATCH_ALIASES(ALIAS)};
enum { REACHED = sizeof reached / sizeof *reached };

static bool is_reached(const char *name) {
    for (size_t i = 0; i < REACHED; i++)
        if (strcmp(reached[i], name) == 0)
            return true;
    return false;
}

/* Whether a list of words has the word. */
static bool has(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *found = list; (found = strstr(found, word)); found++)
        if ((found == list || found[-1] == ' ') && (found[length] == ' ' || found[length] == '\0'))
            return true;
    return false;
}

static bool is_not_reached(const char *name) {
    for (size_t i = 0; i < sizeof not_reached / sizeof *not_reached; i++)
        if (has(not_reached[i].names, name))
            return true;
    return strstr(name, "_unlocked") != NULL; /* of stdio */
}

/* "lock", but not "clock". */
static bool names_lock(const char *name) {
    for (const char *found = name; (found = strstr(found, "lock")); found++)
        if (found == name || found[-1] != 'c')
            return true;
    return false;
}

static bool seems_to_block(const char *name) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i]))
            return true;
    const char *word = name + strspn(name, "_");
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(word, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return names_lock(name);
}

static bool is_missing(const char *name) {
    if (is_reached(name) || is_not_reached(name))
        return false;
    return has(blocking, name) || (seems_to_block(name) && !has(never_block, name));
}

TEST(patterns, "new names are recognized as those of calls that block") {
    CHECK(is_missing("recvmmsg2") && is_missing("__epoll_pwait9") && is_missing("mutex_lock_until"));
    CHECK(!is_missing("clock_gettime") && !is_missing("recv") && !is_missing("mlock") && !is_missing("strlen"));
}

/* The symbols ----------------------------------------------------------------- */

/* The tables of a loaded library. */
struct library {
    uintptr_t base;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *hash; /* DT_GNU_HASH */
    const ElfW(Versym) * versions;
    const ElfW(Verdef) * definitions;
    size_t definition_count;
};

/* The dynamic linker has added the load address on most architectures. */
static const void *table(const struct library *library, const ElfW(Dyn) * entry) {
    uintptr_t address = entry->d_un.d_ptr;
    return (const void *)(address < library->base ? address + library->base : address);
}

static struct library read_library(const struct link_map *map) {
    struct library library = {.base = map->l_addr};
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_SYMTAB)
            library.symbols = table(&library, entry);
        else if (entry->d_tag == DT_STRTAB)
            library.strings = table(&library, entry);
        else if (entry->d_tag == DT_GNU_HASH)
            library.hash = table(&library, entry);
        else if (entry->d_tag == DT_VERSYM)
            library.versions = table(&library, entry);
        else if (entry->d_tag == DT_VERDEF)
            library.definitions = table(&library, entry);
        else if (entry->d_tag == DT_VERDEFNUM)
            library.definition_count = entry->d_un.d_val;
    }
    return library;
}

/* The hash table holds all symbols that a library defines, up to the last one of its last chain. */
static size_t symbols_end(const struct library *library) {
    uint32_t buckets = library->hash[0], first = library->hash[1], filter = library->hash[2], last = 0;
    const uint32_t *bucket = library->hash + 4 + filter * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = bucket + buckets;
    for (uint32_t i = 0; i < buckets; i++)
        if (bucket[i] > last)
            last = bucket[i];
    if (last < first)
        return 0;
    while (!(chain[last - first] & 1))
        last++;
    return last + 1;
}

/* Programs cannot link to symbols of this version. */
static bool is_private(const struct library *library, size_t index) {
    const ElfW(Verdef) *definition = library->definitions;
    for (size_t i = 0; definition && i < library->definition_count; i++) {
        const ElfW(Verdaux) *name = (const void *)((const char *)definition + definition->vd_aux);
        if (definition->vd_ndx == (library->versions[index] & 0x7fff))
            return strcmp(library->strings + name->vda_name, "GLIBC_PRIVATE") == 0;
        definition = (const void *)((const char *)definition + definition->vd_next);
    }
    return false;
}

static bool is_function(const ElfW(Sym) * symbol) {
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    return symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

static size_t check_library(const char *name, size_t *missing) {
    void *handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    struct link_map *map = NULL;
    if (!handle)
        return 0;
    CHECK(dlinfo(handle, RTLD_DI_LINKMAP, &map), ==, 0);
    struct library library = read_library(map);
    CHECK(library.symbols && library.strings && library.hash && library.versions);
    size_t functions = 0;
    for (size_t i = library.hash[1], end = symbols_end(&library); i < end; i++) {
        const char *symbol = library.strings + library.symbols[i].st_name;
        if (!is_function(&library.symbols[i]) || is_private(&library, i))
            continue;
        functions++;
        if (is_missing(symbol)) {
            fprintf(stderr, "%s in %s is neither reached nor in c_library.h\n", symbol, name);
            ++*missing;
        }
    }
    dlclose(handle);
    return functions;
}

TEST(complete, "each function of the C library that blocks is reached, or listed with the reason") {
    static const char *const names[] = {"libc.so.6", "libpthread.so.0", "librt.so.1"};
    size_t functions = 0, missing = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        functions += check_library(names[i], &missing);
    CHECK(functions > 1000);
    CHECK(missing, ==, 0);
}

TEST(disjoint, "no call that is reached is listed as one that is not") {
    size_t listed = 0;
    for (size_t i = 0; i < REACHED; i++)
        if (is_not_reached(reached[i])) {
            fprintf(stderr, "%s is reached, and in c_library.h\n", reached[i]);
            listed++;
        }
    CHECK(listed, ==, 0);
}
