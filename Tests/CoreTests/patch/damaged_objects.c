/* Damaged libraries that the dynamic linker loads. Patching refuses them with a message,
 * or patches them, and never crashes. */
#include "patches.h"
#include "seccomp.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *const libraries[] = {PATCHED_NOW, PATCHED_LAZY, PATCHED_NO_PLT, PATCHED_LOCKS};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

/* A library in memory, and the parts of it that the dynamic linker reads. */
struct image {
    char *bytes;
    size_t size;
    struct {
        size_t offset, size;
    } parts[16];
    size_t part_count;
};

static void add_part(struct image *image, size_t offset, size_t size) {
    CHECK(image->part_count, <, sizeof image->parts / sizeof *image->parts);
    CHECK(offset + size, <=, image->size);
    image->parts[image->part_count].offset = offset;
    image->parts[image->part_count++].size = size;
}

static const ElfW(Shdr) * section_of(const struct image *image, uint32_t type) {
    const ElfW(Ehdr) *header = (const void *)image->bytes;
    const ElfW(Shdr) *sections = (const void *)(image->bytes + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++)
        if (sections[i].sh_type == type && (sections[i].sh_flags & SHF_ALLOC))
            return &sections[i];
    return NULL;
}

static struct image read_image(const char *path) {
    static const uint32_t types[] = {SHT_DYNAMIC,  SHT_DYNSYM,     SHT_STRTAB,     SHT_RELA,
                                     SHT_GNU_HASH, SHT_GNU_versym, SHT_GNU_verneed};
    struct image image = {0};
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd, >=, 0);
    CHECK(fstat(fd, &status), ==, 0);
    image.size = (size_t)status.st_size;
    image.bytes = malloc(image.size);
    CHECK(read(fd, image.bytes, image.size), ==, image.size);
    close(fd);
    const ElfW(Ehdr) *header = (const void *)image.bytes;
    const ElfW(Shdr) *sections = (const void *)(image.bytes + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++)
        for (size_t k = 0; k < sizeof types / sizeof *types; k++)
            if (sections[i].sh_type == types[k] && (sections[i].sh_flags & SHF_ALLOC))
                add_part(&image, sections[i].sh_offset, sections[i].sh_size);
    add_part(&image, header->e_phoff, header->e_phnum * sizeof(ElfW(Phdr)));
    return image;
}

static char path[256];

static void write_image(const struct image *image) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    CHECK(fd, >=, 0);
    CHECK(write(fd, image->bytes, image->size), ==, image->size);
    close(fd);
}

/* Damage ----------------------------------------------------------------------- */

/* The same numbers in every run and on every machine. */
static uint64_t seed;

static uint64_t roll(uint64_t limit) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % limit;
}

static uint64_t other_number(uint64_t number) {
    switch (roll(8)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(1) << roll(64);
    case 3:
        return roll(1 << 16);
    case 4:
        return number ^ UINT64_C(1) << roll(64);
    case 5:
        return number + roll(64) * 4096;
    case 6:
        return number * 2 + roll(4096);
    default:
        return roll(UINT32_MAX) << 32 | roll(UINT32_MAX);
    }
}

static void damage(struct image *image) {
    size_t part = roll(image->part_count), size = image->parts[part].size;
    char *bytes = image->bytes + image->parts[part].offset;
    uint64_t number;
    size_t width = roll(3) == 0 ? 4 : 8, at = roll(size / width) * width;
    switch (roll(4)) {
    case 0:
        bytes[roll(size)] = (char)roll(256);
        break;
    case 1:
        for (size_t i = roll(size), end = i + 16; i < size && i < end; i++)
            bytes[i] = (char)roll(256);
        break;
    default:
        number = 0;
        memcpy(&number, bytes + at, width);
        number = other_number(number);
        memcpy(bytes + at, &number, width);
    }
}

/* Children --------------------------------------------------------------------- */

enum stage { BEGUN, LOADED, DONE };

/* Shared with the children. */
static struct report {
    volatile enum stage stage;
    volatile int error;
    char text[512];
} * report;

static void load(void) {
    if (!dlopen(path, RTLD_NOW))
        _exit(0);
    report->stage = LOADED;
}

/* The damage may also break the process without Green: loading the library may have
 * overwritten other memory. */
static int count_object(struct dl_phdr_info *info, size_t size, void *count) {
    (void)size;
    *(size_t *)count += strlen(info->dlpi_name) + 1;
    return 0;
}

static void only_load(void) {
    char line[256];
    size_t count = 0;
    load();
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        count++;
    if (maps)
        fclose(maps);
    dl_iterate_phdr(count_object, &count);
    dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    dlopen(path, RTLD_NOW);
    for (int i = 0; i < 1000; i++)
        free(strdup(path));
}

static void report_result(int error) {
    report->error = error;
    if (error < 0)
        snprintf(report->text, sizeof report->text, "%s", green_explain(error));
}

static void load_and_patch(void) {
    green_patch *one = NULL, *all = NULL;
    load();
    int error = green_import_patched(&one, path, NULL), other = green_monkey_patch(&all, 0);
    if (all)
        CHECK(green_unpatch(all), ==, 0);
    if (one)
        CHECK(green_unpatch(one), ==, 0);
    report_result(error < 0 ? error : other);
}

/* Whether the child exits normally after it has reached this point. */
static bool survives(void (*body)(void)) {
    int status;
    *report = (struct report){BEGUN, 0, ""};
    pid_t child = fork();
    CHECK(child, >=, 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        setrlimit(RLIMIT_CPU, &(struct rlimit){20, 20}); /* a damaged table may contain a cycle */
        body();
        report->stage = DONE;
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        CHECK(errno, ==, EINTR);
    return report->stage != LOADED;
}

static void prepare(void) {
    void *shared = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    report = shared;
    snprintf(path, sizeof path, "%s/damaged.so", make_directory());
}

static void finish_up(void) {
    munmap(report, sizeof *report);
    remove_directory();
}

BIG_TEST(at_random, "a randomly damaged library that loads is patched or refused without a crash") {
    int loaded = 0, refused = 0, unfit = 0, crashed = 0;
    prepare();
    struct image images[LIBRARIES];
    for (int i = 0; i < LIBRARIES; i++)
        images[i] = read_image(libraries[i]);
    for (int i = 0; i < SCALED(1500); i++) {
        struct image image = images[i % LIBRARIES];
        image.bytes = memcpy(malloc(image.size), image.bytes, image.size);
        seed = (uint64_t)i;
        for (uint64_t times = 1 + roll(2); times > 0; times--)
            damage(&image);
        write_image(&image);
        free(image.bytes);
        if (!survives(load_and_patch)) {
            bool alone = survives(only_load);
            unfit += !alone;
            crashed += alone;
            if (alone)
                fprintf(stderr, "variant %d crashes\n", i);
        } else if (report->stage == DONE) {
            loaded++;
            refused += report->error < 0;
            CHECK(report->error == 0 || report->error == -ENOEXEC || report->error == -ENODATA ||
                  report->error == -ENOENT || report->error == -ENOSYS);
        }
    }
    printf("%d loaded, %d of them refused; %d crashed without Green\n", loaded, refused, unfit);
    CHECK(crashed, ==, 0);
    CHECK(loaded, >, 0);
    for (int i = 0; i < LIBRARIES; i++)
        free(images[i].bytes);
    finish_up();
}

/* One damage at a time ----------------------------------------------------------- */

static ElfW(Dyn) * dynamic_entry(const struct image *image, int64_t tag) {
    const ElfW(Shdr) *section = section_of(image, SHT_DYNAMIC);
    ElfW(Dyn) *entry = (void *)(image->bytes + section->sh_offset);
    while (entry->d_tag != tag)
        CHECK((entry++)->d_tag != DT_NULL);
    return entry;
}

static void other_own_name(struct image *image) {
    dynamic_entry(image, DT_SONAME)->d_un.d_val = dynamic_entry(image, DT_STRSZ)->d_un.d_val;
}

static void short_names(struct image *image) {
    dynamic_entry(image, DT_STRSZ)->d_un.d_val = 2;
}

static void long_names(struct image *image) {
    dynamic_entry(image, DT_STRSZ)->d_un.d_val = UINT64_C(1) << 40;
}

static void endless_names(struct image *image) {
    dynamic_entry(image, DT_STRSZ)->d_un.d_val = UINT64_MAX;
}

static void uneven_names(struct image *image) {
    dynamic_entry(image, DT_STRSZ)->d_un.d_val--;
}

/* The memory of the last segment extends beyond the end of the file. The string table ends
 * there. The dynamic linker reads neither. */
static void cut_off_names(struct image *image) {
    const ElfW(Ehdr) *header = (const void *)image->bytes;
    ElfW(Phdr) *last = NULL, *segments = (void *)(image->bytes + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD)
            last = &segments[i];
    CHECK(last != NULL);
    last->p_filesz = last->p_memsz = last->p_memsz + image->size + 64 * 1024;
    dynamic_entry(image, DT_STRSZ)->d_un.d_val =
        last->p_vaddr + last->p_memsz - dynamic_entry(image, DT_STRTAB)->d_un.d_ptr;
}

static void expect_refused(void (*body)(void), void (*damage_image)(struct image *image), const char *words) {
    struct image image = read_image(PATCHED_NOW);
    damage_image(&image);
    write_image(&image);
    free(image.bytes);
    CHECK(survives(body));
    CHECK(report->stage, ==, DONE);
    CHECK(report->error, ==, -ENOEXEC);
    CHECK_CONTAINS(report->text, path);
    CHECK_CONTAINS(report->text, words);
}

static void expect_each_refused(void (*body)(void)) {
    prepare();
    expect_refused(body, other_own_name, "its soname is outside its string table");
    expect_refused(body, short_names, "it is damaged: ");
    expect_refused(body, long_names, "its string table is outside its memory");
    expect_refused(body, endless_names, "its string table is outside its memory");
    expect_refused(body, uneven_names, "its string table does not end with a NUL");
    expect_refused(body, cut_off_names, "its string table is outside its memory");
    finish_up();
}

TEST(each, "each kind of damage is -ENOEXEC, with the object and the cause") {
    expect_each_refused(load_and_patch);
}

static void load_and_patch_without_advice(void) {
    refuse_call(SYS_madvise, EINVAL);
    load_and_patch();
}

TEST(no_advice, "each kind of damage is -ENOEXEC without MADV_POPULATE_READ, as before Linux 5.14") {
    needs_kernel();
    expect_each_refused(load_and_patch_without_advice);
}

TEST(undamaged, "an undamaged library is patched") {
    prepare();
    struct image image = read_image(PATCHED_NOW);
    write_image(&image);
    free(image.bytes);
    CHECK(survives(load_and_patch));
    CHECK(report->stage, ==, DONE);
    CHECK(report->error, ==, 0);
    finish_up();
}
