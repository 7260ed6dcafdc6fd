/* Notifies ASan, TSan and Valgrind of stack switches. The code for ASan and TSan is
 * compiled only in builds with them. The code for Valgrind has no effect outside
 * Valgrind.
 *
 * A stack keeps its TSan fiber and its Valgrind id while it is mapped: both are
 * made when it is carved, not for each thread that runs on it. */
#ifndef GREEN_CORE_SANITIZER_H
#define GREEN_CORE_SANITIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define GREEN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GREEN_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define GREEN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GREEN_TSAN 1
#endif
#endif

#ifdef GREEN_ASAN
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_bottom, size_t *old_size);
void __asan_unpoison_memory_region(const volatile void *address, size_t size);
#endif

#ifdef GREEN_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif

static inline void *green__fiber_create(void) {
#ifdef GREEN_TSAN
    return __tsan_create_fiber(0);
#else
    return NULL;
#endif
}

static inline void *green__fiber_current(void) {
#ifdef GREEN_TSAN
    return __tsan_get_current_fiber();
#else
    return NULL;
#endif
}

static inline void green__fiber_destroy(void *fiber) {
#ifdef GREEN_TSAN
    if (fiber)
        __tsan_destroy_fiber(fiber);
#else
    (void)fiber;
#endif
}

/* Replaces the fiber of a reused stack now and then. TSan keeps the frames of functions that
 * never return, some in each thread, and has room for some ten thousand. */
static inline void green__fiber_reuse(void **fiber, unsigned *uses) {
#ifdef GREEN_TSAN
    enum { USES_MAX = 4096 };
    if (++*uses % USES_MAX == 0) {
        __tsan_destroy_fiber(*fiber);
        *fiber = __tsan_create_fiber(0);
    }
#else
    (void)fiber, (void)uses;
#endif
}

/* Call it just before a switch. fake_stack receives ASan's fake stack of the current thread,
 * or is NULL if the thread exits. Inline also without optimization, like its callers up to
 * the function that switches: TSan would otherwise record their returns for the next fiber,
 * which has not called them. */
static inline __attribute__((always_inline)) void green__sanitizer_before_switch(void **fake_stack, const void *bottom,
                                                                                 size_t size, void *fiber) {
#ifdef GREEN_ASAN
    __sanitizer_start_switch_fiber(fake_stack, bottom, size);
#endif
#ifdef GREEN_TSAN
    __tsan_switch_to_fiber(fiber, 0);
#endif
    (void)fake_stack, (void)bottom, (void)size, (void)fiber;
}

/* Call it first after a switch. NULL for a new thread. */
static inline void green__sanitizer_after_switch(void *fake_stack) {
#ifdef GREEN_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#else
    (void)fake_stack;
#endif
}

/* Frames that never returned may have poisoned a stack that is reused. */
static inline void green__sanitizer_unpoison(const void *address, size_t size) {
#ifdef GREEN_ASAN
    __asan_unpoison_memory_region(address, size);
#else
    (void)address, (void)size;
#endif
}

/* Sends a request to Valgrind, encoded in instructions without effect, as in
 * valgrind/valgrind.h. That header is not used because it may be missing, and every
 * build should run under Valgrind. Returns 0 outside Valgrind. */
static inline uintptr_t green__valgrind_request(uintptr_t request, uintptr_t first, uintptr_t second) {
    volatile uintptr_t arguments[6] = {request, first, second, 0, 0, 0};
    uintptr_t result = 0;
#if defined(__x86_64__)
    __asm__ volatile("rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\t"
                     "xchgq %%rbx, %%rbx"
                     : "=d"(result)
                     : "a"(arguments), "0"(result)
                     : "cc", "memory");
#elif defined(__aarch64__)
    __asm__ volatile("mov x3, %1\n\tmov x4, %2\n\t"
                     "ror x12, x12, #3\n\tror x12, x12, #13\n\tror x12, x12, #51\n\tror x12, x12, #61\n\t"
                     "orr x10, x10, x10\n\tmov %0, x3"
                     : "=r"(result)
                     : "r"(result), "r"(arguments)
                     : "cc", "memory", "x3", "x4");
#endif
    return result;
}

enum {
    GREEN_VALGRIND_RUNNING = 0x1001,
    GREEN_VALGRIND_STACK_REGISTER = 0x1501,
    GREEN_VALGRIND_STACK_DEREGISTER = 0x1502
};

static inline bool green__is_under_valgrind(void) {
    return green__valgrind_request(GREEN_VALGRIND_RUNNING, 0, 0) != 0;
}

static inline unsigned green__valgrind_register(const void *bottom, const void *top) {
    return (unsigned)green__valgrind_request(GREEN_VALGRIND_STACK_REGISTER, (uintptr_t)bottom, (uintptr_t)top);
}

static inline void green__valgrind_deregister(unsigned id) {
    (void)green__valgrind_request(GREEN_VALGRIND_STACK_DEREGISTER, id, 0);
}

#endif
