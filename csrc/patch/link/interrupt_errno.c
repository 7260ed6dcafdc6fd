/* The errno of interrupted calls, chosen for each patch. A call that fails by an interrupt walks its
 * stack to the first frame of an object that is patched, which made the call. So calls that do not
 * fail cost no more. A function that calls by a jump, as its last act, has no frame: then its
 * caller counts.
 *
 * If Green is linked into the program, its frames cannot be told from the program's. So the program
 * counts if no patched library is among the frames. */
#include "../wait_fds.h"
#include "got_slots.h"

#include <execinfo.h>
#include <link.h>

static bool find_base(const void *address, uintptr_t *base) {
    const struct link_map *map;
    Dl_info info;
    if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP))
        return false;
    *base = map->l_addr;
    return true;
}

static bool reaches(const green_patch *patch, uintptr_t base) {
    for (size_t i = 0; i < patch->count; i++)
        if (patch->slots[i]->base == base)
            return true;
    return false;
}

/* Whether an object is patched. Stores the errno of the newest of its patches that has chosen one,
 * or 0. */
static bool find_errno(uintptr_t base, int *error) {
    bool is_patched = false;
    for (const green_patch *patch = green__patches; patch; patch = patch->next) {
        if (!reaches(patch, base))
            continue;
        is_patched = true;
        *error = patch->interrupt_errno;
        if (*error)
            break;
    }
    return is_patched;
}

enum { FRAMES = 64 };

/* Lists the load addresses of the objects of the frames, except the object that contains Green, which
 * comes last. Returns their number. The dynamic linker has locks of its own, so the caller does not
 * hold green__patches_lock. */
static size_t list_bases(uintptr_t bases[FRAMES + 1]) {
    void *frames[FRAMES];
    uintptr_t own = 0;
    size_t count = 0;
    int frame_count = backtrace(frames, FRAMES);
    (void)find_base((void *)list_bases, &own);
    for (int i = 0; i < frame_count; i++)
        if (find_base(frames[i], &bases[count]) && bases[count] != own)
            count++;
    bases[count++] = own;
    return count;
}

static int choose(int by_default) {
    uintptr_t bases[FRAMES + 1];
    int error = 0;
    size_t count = list_bases(bases);
    green__lock(&green__patches_lock);
    for (size_t i = 0; i < count && !find_errno(bases[i], &error); i++)
        continue;
    green__unlock(&green__patches_lock);
    return error ? error : by_default;
}

int green_patch_set_interrupt_errno(green_patch *patch, int error) {
    enum { ERRNO_MAX = 4095 };
    void *frame;
    if (error < 0 || error > ERRNO_MAX)
        return green__fail(-EINVAL, "%d is not an errno for interrupted calls: it must be from 0 to %d", error,
                           ERRNO_MAX);
    (void)backtrace(&frame, 1); /* loads the unwinder */
    green__lock(&green__patches_lock);
    patch->interrupt_errno = error;
    __atomic_store_n(&green__interrupt_errno, choose, __ATOMIC_RELEASE);
    green__unlock(&green__patches_lock);
    return 0;
}
