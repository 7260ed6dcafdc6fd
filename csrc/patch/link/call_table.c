#include "call_table.h"

#include "../../base/libc.h"
#include "../../base/pthread.h"
#include "aliases.h"

#include <dlfcn.h>
#include <link.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>

#define GREEN_ROW(family, name) {#name, GREEN_PATCH_##family, (void *)green__green_##name, NULL, NULL},
#define GREEN_ALIAS(family, alias, name) {#alias, GREEN_PATCH_##family, (void *)green__green_##name, NULL, NULL},

static green_patched_call calls[] = {GREEN_PATCH_CALLS(GREEN_ROW) GREEN_PATCH_ALIASES(GREEN_ALIAS)};
enum { CALLS = sizeof calls / sizeof *calls };

/* Sorted by their names: each dlopen() looks up the name of each slot of the process. */
static const green_patched_call *sorted[CALLS];

static int compare(const void *one, const void *other) {
    return strcmp((*(const green_patched_call *const *)one)->name, (*(const green_patched_call *const *)other)->name);
}

static void sort(void) {
    for (size_t i = 0; i < CALLS; i++)
        sorted[i] = &calls[i];
    qsort(sorted, CALLS, sizeof *sorted, compare);
}

const green_patched_call *green__patched_call_named(const char *name) {
    const green_patched_call key = {.name = name}, *key_place = &key;
    const green_patched_call *const *found = bsearch(&key_place, sorted, CALLS, sizeof *sorted, compare);
    return found && (*found)->real ? *found : NULL;
}

/* Offsets in green__real. A function pointer cannot be assigned from void *, so the address
 * is copied as bytes. */
#define GREEN_OFFSET(family, name) offsetof(green_real_calls, name),
static const size_t offsets[] = {GREEN_PATCH_CALLS(GREEN_OFFSET)};
enum { OWN_CALLS = sizeof offsets / sizeof *offsets };

/* In an executable that is not position-independent, the address of a function may be that
 * of a stub in the executable, which jumps through a slot that will be rewritten. */
static bool is_stub(void *address) {
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;
    return dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol && symbol->st_shndx == SHN_UNDEF;
}

static void find(void *library, green_patched_call *call) {
    call->taken = call->real = dlsym(RTLD_DEFAULT, call->name);
    if (call->real && is_stub(call->real))
        call->real = dlsym(RTLD_NEXT, call->name);
    if (!call->real)
        call->real = dlsym(library, call->name);
}

/* The addresses in green__pthread and green__libc may be those of such stubs, too. */
#define GREEN_REPLACE(name)                                                                                            \
    if (green__pthread.name != green__real.pthread_##name)                                                             \
        green__pthread.name = green__real.pthread_##name;

#define GREEN_REPLACE_LIBC(name)                                                                                       \
    if (green__libc.name != green__real.name)                                                                          \
        green__libc.name = green__real.name;

static void update_base(void) {
    GREEN_PTHREAD_CALLS(GREEN_REPLACE)
    GREEN_LIBC_CALLS(GREEN_REPLACE_LIBC)
}

/* Before glibc 2.34, librt has some of the calls, and epoll_pwait2() is newer. No slot of a call that
 * is missing is patched. */
static bool is_optional(const char *name) {
    return strncmp(name, "mq_", 3) == 0 || strncmp(name, "aio_", 4) == 0 || strcmp(name, "epoll_pwait2") == 0;
}

int green__patched_calls_find(void) {
    static bool done;
    if (done)
        return 0;
    void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    if (!library)
        return green__fail(-ENOSYS, "cannot patch: this process has no libc.so.6, because it is statically linked");
    for (size_t i = 0; i < CALLS; i++) {
        green_patched_call *call = &calls[i];
        find(library, call);
        if (i >= OWN_CALLS)
            continue;
        if (!call->real && is_optional(call->name))
            continue;
        if (!call->real)
            return green__fail(-ENOSYS, "cannot patch: the C library has no function '%s'", call->name);
        memcpy((char *)&green__real + offsets[i], &call->real, sizeof call->real);
    }
    update_base();
    sort();
    /* Other OS threads may call through a slot as soon as it is rewritten. The barrier
     * makes green__real and green__dlopen_hook visible to all of them before that. */
    green__libc.syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    done = true;
    return 0;
}
