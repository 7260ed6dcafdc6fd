#include "own_fd.h"

#include "descriptor.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

/* A bit for each descriptor. Blocks are allocated when a descriptor in them is protected, and never
 * freed. Without memory, and above the last block, descriptors are not protected. */
enum { WORD_BITS = 64, BLOCK_WORDS = 16, BLOCK_BITS = WORD_BITS * BLOCK_WORDS, BLOCKS = 1024 };

static uint64_t *blocks[BLOCKS];
unsigned green__own_fd_lowest = UINT_MAX;

static uint64_t *block_of(unsigned fd) {
    return fd / BLOCK_BITS < BLOCKS ? __atomic_load_n(&blocks[fd / BLOCK_BITS], __ATOMIC_ACQUIRE) : NULL;
}

static uint64_t *make_block(unsigned fd) {
    uint64_t *block = block_of(fd), *made;
    if (block || fd / BLOCK_BITS >= BLOCKS || !(made = calloc(BLOCK_WORDS, sizeof *made)))
        return block;
    if (__atomic_compare_exchange_n(&blocks[fd / BLOCK_BITS], &block, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made;
    free(made);
    return block;
}

int green__own_fd_protect(int fd) {
    unsigned number = (unsigned)fd, lowest = __atomic_load_n(&green__own_fd_lowest, __ATOMIC_RELAXED);
    uint64_t *block = fd < 0 ? NULL : make_block(number);
    if (!block)
        return fd;
    __atomic_fetch_or(&block[number % BLOCK_BITS / WORD_BITS], (uint64_t)1 << number % WORD_BITS, __ATOMIC_RELAXED);
    while (number < lowest && !__atomic_compare_exchange_n(&green__own_fd_lowest, &lowest, number, true,
                                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return fd;
}

int green__own_fd(int fd) {
    return fd < 0 ? -errno : green__own_fd_protect(green__move_fd_high(fd));
}

void green__own_fd_forget(int fd) {
    unsigned number = (unsigned)fd;
    uint64_t *block = block_of(number);
    if (block)
        __atomic_fetch_and(&block[number % BLOCK_BITS / WORD_BITS], ~((uint64_t)1 << number % WORD_BITS),
                           __ATOMIC_RELAXED);
}

void green__own_fds_forget_all(void) {
    for (size_t i = 0; i < BLOCKS; i++)
        for (size_t word = 0; blocks[i] && word < BLOCK_WORDS; word++)
            __atomic_store_n(&blocks[i][word], 0, __ATOMIC_RELAXED);
}

void green__own_fd_close(int fd) {
    int error = errno;
    green__own_fd_forget(fd);
    close(fd);
    errno = error;
}

/* The lowest one from a number on in a block. */
static unsigned next_in(const uint64_t *block, unsigned first) {
    unsigned base = first - first % BLOCK_BITS;
    for (unsigned bit = first % BLOCK_BITS; bit < BLOCK_BITS; bit += WORD_BITS - bit % WORD_BITS) {
        uint64_t word = __atomic_load_n(&block[bit / WORD_BITS], __ATOMIC_RELAXED) >> bit % WORD_BITS;
        if (word)
            return base + bit + (unsigned)__builtin_ctzll(word);
    }
    return UINT_MAX;
}

unsigned green__own_fd_from(unsigned first) {
    while (first / BLOCK_BITS < BLOCKS) {
        const uint64_t *block = block_of(first);
        unsigned found = block ? next_in(block, first) : UINT_MAX;
        if (found != UINT_MAX)
            return found;
        first += BLOCK_BITS - first % BLOCK_BITS;
    }
    return UINT_MAX;
}
