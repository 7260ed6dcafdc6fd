#include "relro.h"

#include "../../base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int green__relro_write(void **slot, void *value, int protection) {
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *page = (void *)((uintptr_t)slot & ~(size - 1));
    if (protection < 0)
        return green__fail(-EFAULT, "cannot patch the slot at %p: it is not mapped", (void *)slot);
    bool lifted = !(protection & PROT_WRITE);
    if (lifted && mprotect(page, size, protection | PROT_WRITE) < 0)
        return green__fail(-errno, "cannot make the page at %p writable to patch it", page);
    void *before = __atomic_exchange_n(slot, value, __ATOMIC_ACQ_REL);
    if (!lifted || mprotect(page, size, protection) == 0)
        return 0;
    int error = errno;
    __atomic_store_n(slot, before, __ATOMIC_RELEASE);
    return green__fail(-error, "cannot restore the protection of the page at %p", page);
}
