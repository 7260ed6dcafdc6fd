#include "check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#define OWN_MACHINE_NAME "x86_64"
#else
enum { OWN_MACHINE = EM_AARCH64 };
#define OWN_MACHINE_NAME "aarch64"
#endif

/* A file in memory. */
struct image {
    const char *bytes;
    size_t size;
};

static bool refuse(char *reason, size_t size, const char *text) {
    snprintf(reason, size, "%s", text);
    return false;
}

/* Scripts ------------------------------------------------------------------------------ */

static void copy_word(char *word, size_t size, const char *begin, size_t length) {
    if (length >= size)
        length = size - 1;
    memcpy(word, begin, length);
    word[length] = 0;
}

bool green_run_read_script(const char *path, green_run_script *script) {
    char line[512];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    if (length < 3 || strncmp(line, "#!", 2) != 0)
        return false;
    line[length] = 0;
    line[strcspn(line, "\n")] = 0;
    char *word = line + 2 + strspn(line + 2, " \t");
    size_t word_length = strcspn(word, " \t");
    copy_word(script->interpreter, sizeof script->interpreter, word, word_length);
    char *argument = word + word_length;
    argument += strspn(argument, " \t");
    size_t argument_length = strlen(argument);
    while (argument_length > 0 && strchr(" \t\r", argument[argument_length - 1]))
        argument_length--;
    copy_word(script->argument, sizeof script->argument, argument, argument_length);
    return word_length > 0;
}

/* Executables --------------------------------------------------------------------------- */

static const Elf64_Phdr *segment(const struct image *image, size_t index) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image->bytes;
    size_t offset = header->e_phoff + index * sizeof(Elf64_Phdr);
    if (index >= header->e_phnum || header->e_phentsize != sizeof(Elf64_Phdr) || offset % 8 != 0 ||
        offset > image->size || image->size - offset < sizeof(Elf64_Phdr))
        return NULL;
    return (const Elf64_Phdr *)(image->bytes + offset);
}

/* The contents of the next segment of a type, from *index on. NULL if there is none. */
static const char *find_segment(const struct image *image, unsigned type, size_t *index, size_t *size) {
    for (const Elf64_Phdr *found; (found = segment(image, *index)); ++*index) {
        if (found->p_type != type || found->p_offset > image->size || image->size - found->p_offset < found->p_filesz)
            continue;
        ++*index;
        *size = found->p_filesz;
        return image->bytes + found->p_offset;
    }
    return NULL;
}

/* The Go linker writes a note with its name. */
static bool is_go(const struct image *image) {
    size_t index = 0, size;
    for (const char *note; (note = find_segment(image, PT_NOTE, &index, &size));)
        if (size >= sizeof(Elf64_Nhdr) + 3 && strncmp(note + sizeof(Elf64_Nhdr), "Go", 3) == 0)
            return true;
    return false;
}

static bool check_elf(const struct image *image, char *reason, size_t size) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image->bytes;
    if (image->size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(reason, size, "is neither an executable nor a script that begins with #!");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != OWN_MACHINE)
        return refuse(reason, size, "is not a program for " OWN_MACHINE_NAME ", as green-run is");
    if (is_go(image))
        return refuse(reason, size, "is a Go program: goroutines make system calls without the C library");
    size_t index = 0, length;
    const char *interpreter = find_segment(image, PT_INTERP, &index, &length);
    if (!interpreter || length == 0 || interpreter[length - 1] != 0)
        return refuse(reason, size, "is statically linked: nothing can be preloaded. Link it dynamically");
    const char *name = strrchr(interpreter, '/');
    name = name ? name + 1 : interpreter;
    if (strncmp(name, "ld-linux", 8) == 0)
        return true;
    snprintf(reason, size, "uses %s, the dynamic linker of another C library: green-run needs glibc", interpreter);
    return false;
}

/* The dynamic linker ignores LD_PRELOAD for a program with more privileges than its user. */
static bool check_privileges(const char *path, const struct stat *status, char *reason, size_t size) {
    bool other_user = (status->st_mode & S_ISUID) && status->st_uid != getuid();
    bool other_group = (status->st_mode & S_ISGID) && (status->st_mode & S_IXGRP) && status->st_gid != getgid();
    if (other_user || other_group)
        return refuse(reason, size, "is setuid or setgid: for such programs the dynamic linker preloads nothing");
    if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        return refuse(reason, size, "has file capabilities: for such programs the dynamic linker preloads nothing");
    return true;
}

bool green_run_check(const char *path, char *reason, size_t size) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return true; /* it may be executable and not readable */
    if (fd < 0 || fstat(fd, &status) < 0) {
        snprintf(reason, size, "cannot be read: %s", strerror(errno));
        return false;
    }
    struct image image = {.size = (size_t)status.st_size};
    void *bytes = status.st_size > 0 ? mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (bytes == MAP_FAILED)
        return refuse(reason, size, "is neither an executable nor a script that begins with #!");
    image.bytes = bytes;
    bool is_valid = check_elf(&image, reason, size) && check_privileges(path, &status, reason, size);
    munmap(bytes, image.size);
    return is_valid;
}
